import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/base/random.ts";
import { loadRun } from "../../src/evaluation/run-folder.ts";
import { prag, pragOk, withFolder } from "./prag.ts";

const random = new Random("kill -9 of an evaluation");
const kills = 4;
const articles = 12;
const words = [
  ...["eval", "--dataset", "questions.jsonl", "--corpus", "docs", "--augmenter", "rule", "--max-tokens", "6"],
  ...["--methods", "closed-book,standard-rag,prag,combine", "--out", "run"],
];

async function writeQuestions(folder: string): Promise<void> {
  const rows = Array.from({ length: articles }, (_, i) => ({
    question: `Where does the Orlen${i} Bridge stand?`,
    answers: ["Quern", "Tarn"],
    type: i % 2 ? "odd" : "even",
  }));
  await writeFile(join(folder, "questions.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  // Few updates: what is tested is the evaluation.
  const recipe = { pattern: "pairs", updates: 2, negatives: { count: 0 } };
  await writeFile(join(folder, "prag.config.json"), JSON.stringify({ recipe }));
}

/** All of a run but what the clock says: config and rows byte for byte, records in their order, tables. */
async function results(folder: string): Promise<unknown> {
  const run = join(folder, "run");
  const { records, summary } = await loadRun(run);
  return {
    config: await readFile(join(run, "config.json"), "utf8"),
    questions: await readFile(join(run, "questions.jsonl"), "utf8"),
    records: records.map(({ timings: _timings, ...record }) => record),
    methods: summary?.methods.map(({ latencyMs: _l, loadMs: _a, mergeMs: _m, ...row }) => row),
    comparisons: summary?.comparisons,
    retrieval: summary?.retrieval,
  };
}

describe("kill -9 in the middle of an evaluation, then the same command again", () => {
  it(
    "changes no number",
    () =>
      withFolder(
        async (folder) => {
          await writeQuestions(folder);
          const { ms } = await pragOk(words, { folder });
          const wanted = await results(folder);
          await cp(join(folder, "data"), join(folder, "ready"), { recursive: true });
          let unlike = 0;
          for (let i = 0; i < kills; i++) {
            // From nothing at all, and from a corpus that is encoded already: then the kill meets the answers.
            await rm(join(folder, "run"), { recursive: true, force: true });
            await rm(join(folder, "data"), { recursive: true, force: true });
            if (i % 2) await cp(join(folder, "ready"), join(folder, "data"), { recursive: true });
            const share = (i % 2 ? 0.5 : 1) * (0.3 + 0.6 * random.next());
            await prag(words, { folder, killAfterMs: share * ms });
            const killed = await results(folder).catch(() => undefined);
            if (JSON.stringify(killed) !== JSON.stringify(wanted)) unlike++;
            await pragOk(words, { folder });
            expect(await results(folder), `killed after ${share} of its time`).toEqual(wanted);
          }
          expect(unlike, "it was killed before it had done everything").toBeGreaterThan(0);
        },
        { articles },
      ),
    600_000,
  );
});
