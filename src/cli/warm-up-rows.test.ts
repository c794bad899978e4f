import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { FormatError, NotFoundError } from "../base/errors.ts";
import { loadWarmUpRows } from "./warm-up-rows.ts";

it("reads rows with a reasoning as a dataset is read: packed, marked, without a last line end; a missing file is none", async () => {
  const folder = await mkdtemp(join(tmpdir(), "prag-rows-"));
  try {
    const load = async (name: string, content: string | Buffer) => {
      await writeFile(join(folder, name), content);
      return loadWarmUpRows(join(folder, name), { chainOfThought: true });
    };
    const rows = ["Quern", "Dray"].map((answer) => ({
      question: "Where is it?",
      answers: [answer],
      reasoning: `It is in ${answer}.`,
    }));
    const text = rows.map((row) => JSON.stringify(row)).join("\n");
    expect(await load("plain.jsonl", `${text}\n`)).toEqual(rows);
    expect(await load("open.jsonl", `\uFEFF${text}`)).toEqual(rows);
    expect(await load("packed.jsonl.gz", gzipSync(text))).toEqual(rows);
    await expect(load("cut.jsonl", text.slice(0, -5))).rejects.toThrow(FormatError);
    const none = loadWarmUpRows(join(folder, "none.jsonl"), { chainOfThought: true });
    await expect(none).rejects.toThrow(NotFoundError);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
