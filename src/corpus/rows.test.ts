import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { FormatError, NotFoundError } from "../base/errors.ts";
import { openRows } from "./rows.ts";

const schema = z.object({ id: z.string(), text: z.string() });
const idOf = (i: number) => i.toString(16).padStart(32, "0");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "prag-rows-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

describe("openRows", () => {
  it("finds rows by ordinal and id across the blocks in which a file is read", async () => {
    // About 4 MiB of lines of odd sizes, so that line ends and ids lie on every side of the 1 MiB blocks.
    const texts = Array.from({ length: 600 }, (_, i) => "길é".repeat((i * 37) % 2803));
    const lines = texts.map((text, i) => JSON.stringify({ id: idOf(i), text }));
    const rows = openRows(await write("a.jsonl", `${lines.join("\n")}\n`), schema);
    expect(rows.count).toBe(600);
    for (const [i, text] of texts.entries()) {
      expect(rows.row(i)).toEqual({ id: idOf(i), text });
      expect(rows.find(idOf(i))).toBe(i);
    }
    expect(rows.find(idOf(600))).toBeUndefined();
    rows.close();
  });

  it("reads an id that a block cuts in two", async () => {
    for (const shift of [-50, -39, -30, -8, -1, 0, 1]) {
      const first = { id: idOf(1), text: "" };
      first.text = "x".repeat(2 ** 20 + shift - JSON.stringify(first).length - 1);
      const path = await write("b.jsonl", `${JSON.stringify(first)}\n{"id":"${idOf(2)}","text":"y"}\n`);
      const rows = openRows(path, schema);
      expect(rows.find(idOf(2))).toBe(1);
      expect(rows.row(1).text).toBe("y");
      rows.close();
    }
  });

  it("says what is wrong", async () => {
    expect(() => openRows(join(folder, "none"), schema)).toThrow(NotFoundError);
    const rows = openRows(await write("c.jsonl", `{"id":"${idOf(0)}"}\n{"text":"x"}\n`), schema);
    expect(() => rows.row(0)).toThrow(FormatError);
    expect(() => rows.find("x")).toThrow(/c\.jsonl:2: a row does not begin with/);
    expect(() => rows.row(2)).toThrow(/internal: .* has 2 rows, wanted row 2/);
    rows.close();
  });
});
