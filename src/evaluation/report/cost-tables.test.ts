import { describe, expect, it } from "vitest";
import { createReport, createRun, linesOf } from "../report.suite.ts";
import type { LoadedRun } from "../run-folder.ts";
import { sumSessions } from "../summarise-run.ts";

/** Standard RAG takes 100 ms for the first half of the questions, and 10 times as long for the others. */
function timedRun(): LoadedRun {
  const run = createRun("runs/atlas", { "standard-rag": 0.2, prag: 0.5 });
  for (const [i, record] of run.records.entries()) {
    const isLong = i % 20 >= 10;
    const totalMs = (isLong ? 1000 : 100) / (record.method === "prag" ? 2 : 1);
    record.promptTokens = isLong ? 1000 : 100;
    record.timings = { totalMs, retrievalMs: 0, loadMs: 0, mergeMs: 0 };
  }
  return run;
}

const rowsOf = (markdown: string) => linesOf(markdown.slice(markdown.indexOf("## Table 4")), "| ");

describe("costs", () => {
  it("are compared by the questions that both methods answered, whose number is told", () => {
    const run = timedRun();
    for (const record of run.records.filter(({ method }) => method === "standard-rag").slice(10)) {
      record.error = { kind: "prompt-too-long", message: "" };
      record.timings = null;
    }
    const { markdown } = createReport([run]);
    expect(rowsOf(markdown)[3]).toContain("| 2.00 × (10 questions) |"); // not 100 / 275
    expect(markdown).toContain("Costs are of the 10 of 20 questions that all answered.");
  });

  it("leave out methods that are half done, and say nothing of all questions", () => {
    const run = timedRun();
    expect(rowsOf(createReport([run]).markdown)[3]).toContain("| 2.00 × | 2.00 × |");
    run.records.pop();
    const { markdown } = createReport([run]);
    expect(rowsOf(markdown)[3]).toMatch(/\| – \| – \|$/);
    expect(markdown).not.toContain("Costs are of");
  });

  it("say what is unknown of adapters", () => {
    const cost = {
      adapters: 6,
      bytesPerAdapter: 1000,
      trainingTokensPerPassage: null,
      encodeSecondsPerPassage: null,
      savedPromptTokens: 400,
      breakEvenByTokens: null,
      breakEvenBySeconds: null,
      comparedQuestions: 10,
    };
    const run = timedRun();
    const shared = { format: 1 as const, dataset: "atlas", model: "tiny", compat: "none", isComplete: true };
    const empty = { methods: [], comparisons: [], retrieval: null };
    run.summary = { ...shared, ...empty, cost, time: sumSessions([]) };
    expect(linesOf(createReport([run]).markdown, "atlas: 6 adapters")[0]).toMatch(
      /took an unknown time and an unknown number of tokens\. .*compared by the 10 of 20 questions/,
    );
  });

  it("show what is not known as such, not as nothing", () => {
    const run = createRun("runs/atlas", { "closed-book": 0.5, prag: 0, "prag:shuffled": 0.5 });
    run.config.corpus = null;
    for (const row of run.questions)
      Object.assign(row, { retrieved: [], answerRank: null, answerInCorpus: null, supportRanks: [] });
    for (const record of run.records.filter(({ method }) => method === "prag"))
      Object.assign(record, { timings: null, error: { kind: "input", message: "" } });
    const half = { method: "prag:shuffled", from: 10 };
    run.records = run.records.filter(
      ({ method, id }) =>
        (method !== half.method || Number(id.slice(1)) < half.from) &&
        (method !== "prag" || Number(id.slice(1)) >= half.from),
    );
    const { markdown } = createReport([run]);
    expect(linesOf(markdown, "| atlas |")[0]).toBe("| atlas | 20 | none | – | – | – | – | – | – |");
    expect(linesOf(markdown, "| prag:shuffled |")[0]).toMatch(/^\| prag:shuffled \| 100\.0 \(.*?\) \| – \|/);
    expect(linesOf(markdown, "| prag | 10 |").at(-1)).toBe(
      "| prag | 10 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | – | – | – | 10 | 0 |",
    );
  });
});
