import { rmSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { readJsonl } from "../base/jsonl.ts";
import { hashFiles } from "../engine/engine.suite.ts";
import { runRecordSchema } from "../evaluation/run-format.ts";
import { openTinyMemory } from "../memory/memory.suite.ts";
import { withWorkFolder } from "./cli.suite.ts";
import { createProgram } from "./program.ts";
import { findLongSets } from "./reproduce-sets.ts";
import { createTerminal } from "./terminal.ts";

const bridge = (i: number) =>
  `The bridge number ${i} was built by Mira Tolk in ${1800 + i}. It has ${i} arches and stands in Quern.`;
const context = Array.from({ length: 12 }, (_, i) => bridge(i)).join("\n\n");
const row = (id: string, input: string, dataset: string) =>
  `${JSON.stringify({ _id: id, input, context: `${dataset}. ${context}`, answers: ["Mira Tolk"], dataset })}\n`;

const planSchema = z.object({ runs: z.array(z.looseObject({ name: z.string() })) });
const reportSchema = planSchema.extend({ files: z.array(z.string()) });

describe("prag reproduce memorag", () => {
  let tiny: Awaited<ReturnType<typeof openTinyMemory>>;
  beforeAll(async () => {
    tiny = await openTinyMemory("qwen2-tied");
  });
  afterAll(() => rmSync(tiny.root, { recursive: true, force: true }));

  it("finds LongBench's files by their names", () =>
    withWorkFolder(async (folder) => {
      await writeFile(join(folder, "qasper.jsonl"), row("a", "Who?", "qasper"));
      await writeFile(join(folder, "other.jsonl"), "");
      expect((await findLongSets(folder, undefined)).map(({ name }) => name)).toEqual(["qasper"]);
      expect((await findLongSets(folder, ["other"])).map(({ name }) => name)).toEqual(["other"]);
      await expect(findLongSets(folder, ["musique"])).rejects.toThrow(/no file of musique/);
      await expect(findLongSets(undefined, undefined)).rejects.toThrow(/--data/);
    }));

  it(
    "plans, asks every method about each question's own text, goes on after an end, and sets the published numbers beside ours",
    () =>
      withWorkFolder(async (folder) => {
        const questions = ["Who built it?", "Where does it stand?"].map((input, i) =>
          row(String(i), input, "narrativeqa"),
        );
        await writeFile(join(folder, "narrativeqa.jsonl"), questions.join(""));
        await writeFile(join(folder, "gov_report.jsonl"), row("s", "", "gov_report"));
        const words = [
          "reproduce",
          "memorag",
          "--data",
          folder,
          "--memory-model",
          tiny.folder,
          "--ratio",
          "4",
        ];
        const out = ["--out", join(folder, "runs"), "--max-words", "20", "--json"];
        const call = (...more: string[]) => callIn(folder, [...words, ...out, ...more]);
        const plan = planSchema.parse(await call("--plan", "--sets", "narrativeqa"));
        expect(plan.runs).toMatchObject([
          { name: "narrativeqa", questions: 2, answers: 16, texts: { count: 1 } },
        ]);

        const { files } = reportSchema.parse(await call());
        const records = await readJsonl(
          join(folder, "runs/memorag/narrativeqa/records.jsonl"),
          runRecordSchema,
        );
        const methods = [
          "closed-book",
          "full-context",
          "standard-rag",
          "standard-rag:k5",
          "hyde",
          "decompose",
          "memorag:lite",
          "memorag",
        ];
        expect(records.map(({ method, id }) => `${method} ${id}`)).toEqual(
          methods.flatMap((method) => [`${method} 0`, `${method} 1`]),
        );
        for (const { method, retrieved, error } of records) {
          expect(error, method).toBeUndefined();
          expect(retrieved.length > 0, method).toBe(!["closed-book", "full-context"].includes(method));
          if (method === "standard-rag:k5") expect(retrieved).toHaveLength(5);
        }
        const page = await readFile(files.find((file) => file.endsWith(".md"))!, "utf8");
        expect(page).toContain("published: MemoRAG");
        expect(page).toContain("22.8");
        expect(page).toContain("narrativeqa: memorag − full-context");

        const path = join(folder, "runs/memorag/narrativeqa/records.jsonl");
        const whole = await readFile(path, "utf8");
        await writeFile(path, whole.slice(0, Math.floor(0.9 * whole.length))); // as a kill would leave it
        await call();
        const again = await readJsonl(path, runRecordSchema);
        expect(again.map(({ scores }) => scores)).toEqual(records.map(({ scores }) => scores));
        const before = await hashFiles(join(folder, "runs"));
        await call();
        expect(await hashFiles(join(folder, "runs"))).toEqual(before);
        expect(await readdir(join(folder, ".prag", "eval", "texts", "memories"))).not.toHaveLength(0);
        await writeFile(join(folder, "narrativeqa.jsonl"), questions.join("").replaceAll("Quern", "Dray"));
        await expect(call("--sets", "narrativeqa")).rejects.toThrow(/dataset\.hash/); // other texts, the same questions
      }),
    240_000,
  );
});

/** Runs a command in this process; returns what it printed. */
async function callIn(cwd: string, words: readonly string[]): Promise<unknown> {
  let printed = "";
  const program = createProgram({
    terminal: createTerminal({ write: (text: string) => (printed += text) }, { write: () => true }, {}),
    signal: new AbortController().signal,
    env: {},
    cwd,
    clock: () => performance.now(),
    stdin: process.stdin,
  });
  await program.parseAsync([...words, "--config", join(cwd, "prag.config.json")], { from: "user" });
  return JSON.parse(printed);
}
