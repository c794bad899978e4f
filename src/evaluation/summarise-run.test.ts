import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { compareRuns, marksOf } from "./compare-runs.ts";
import { someConfig, someRecord } from "./run.suite.ts";
import { type QuestionRow, type RunRecord, runSummarySchema } from "./run-format.ts";
import { summariseRun, sumSessions } from "./summarise-run.ts";

const hash = "0123456789abcdef";
const row = (id: string, changes: Partial<QuestionRow> = {}): QuestionRow => ({
  id,
  hash,
  type: "question",
  isClosed: false,
  answerInCorpus: true,
  retrieved: ["p", "q", "r"],
  answerRank: 1,
  supportRanks: [],
  ...changes,
});
const scored = (id: string, f1: number, changes: Partial<RunRecord> = {}) =>
  someRecord({ id, scores: { em: Math.floor(f1), f1, precision: f1, recall: f1 }, ...changes });

const config = someConfig({
  methods: ["prag", "standard-rag"].map((id) => ({ id, options: {}, description: {} })),
});
const parts = { config, questions: [row("a"), row("b")], cost: null };

describe("summariseRun", () => {
  it("means over all questions, of types and in all; a failed one counts as wrong", () => {
    const tooLong = {
      timings: null,
      promptTokens: 0,
      error: { kind: "prompt-too-long" as const, message: "" },
    };
    const records = [
      scored("b", 0, { type: "y", ...tooLong }),
      scored("a", 1, { type: "x", promptTokens: 30 }),
    ];
    const summary = summariseRun({ ...parts, records });
    const file = { ...summary, time: sumSessions([]) };
    expect(runSummarySchema.parse(JSON.parse(JSON.stringify(file)))).toEqual(file);
    expect(summary.isComplete).toBe(false); // standard RAG has not begun
    expect(summary.methods).toHaveLength(1);
    expect(summary.methods[0]).toMatchObject({
      name: "prag",
      questions: 2,
      em: 0.5,
      f1: 0.5,
      tooLong: 1,
      failed: 0,
      promptTokens: 30,
      latencyMs: { mean: 10, p50: 10, p95: 10 },
      byType: { x: { f1: 1, tooLong: 0 }, y: { f1: 0, tooLong: 1 } },
    });
  });

  it("does not depend on the order of the records", () => {
    const some = Array.from({ length: 12 }, (_, i) => `q${i}`);
    const records = config.methods.flatMap(({ id: method }, m) =>
      some.map((id, i) => scored(id, ((i * 7 + m * 3) % 5) / 4, { method })),
    );
    const questions = some.map((id) => row(id));
    const summary = summariseRun({ ...parts, questions, records });
    const shuffled = new Random(1).shuffle(records);
    expect(summariseRun({ ...parts, questions, records: shuffled })).toEqual(summary);
    expect(summary.isComplete).toBe(true);
  });

  it("tells what retrieval finds", () => {
    const questions = [
      row("a", { answerRank: 1, supportRanks: [1, null] }),
      row("b", { answerRank: 3, supportRanks: [2], type: "y" }),
      row("c", { answerRank: null, answerInCorpus: false }),
      row("d", { answerRank: 1, isClosed: true }),
    ];
    const { retrieval } = summariseRun({ ...parts, questions, records: [] });
    expect(retrieval).toMatchObject({
      questions: 4,
      answerInCorpus: 0.75,
      answerInCorpusOpen: 2 / 3,
      answerRecall: { 1: 1 / 3, 2: 1 / 3, 3: 2 / 3 }, // of the open questions
      supportRecall: { 1: 0.25, 2: 0.75, 3: 0.75 },
      withSupport: 2,
      byType: { y: { questions: 1, answerRecall: { 3: 1 } } },
    });
    expect(
      summariseRun({ ...parts, config: someConfig({ corpus: null }), records: [] }).retrieval,
    ).toBeNull();
  });

  it("takes any number of questions", () => {
    const questions = Array.from({ length: 130_000 }, (_, i) => row(`q${i}`));
    expect(summariseRun({ ...parts, questions, records: [] }).retrieval).toMatchObject({
      questions: 130_000,
      answerRecall: { 3: 1 },
    });
  });

  it("says when adapters pay off", () => {
    const timed = (totalMs: number) => ({ totalMs, retrievalMs: 0, loadMs: 0, mergeMs: 0 });
    const records = ["a", "b"].flatMap((id) => [
      scored(id, 1, { promptTokens: 50, timings: timed(100) }),
      scored(id, 1, { promptTokens: 450, timings: timed(600), method: "standard-rag" }),
    ]);
    const cost = {
      adapters: 6,
      bytesPerAdapter: 1000,
      trainingTokensPerPassage: 2000,
      encodeSecondsPerPassage: 2,
      savedPromptTokens: null,
      breakEvenByTokens: null,
      breakEvenBySeconds: null,
    };
    const summary = summariseRun({ ...parts, records, cost });
    expect(summary.cost).toMatchObject({
      savedPromptTokens: 400,
      breakEvenByTokens: 10,
      breakEvenBySeconds: 4,
    });
    const imported = { ...cost, trainingTokensPerPassage: null };
    expect(summariseRun({ ...parts, records, cost: imported }).cost).toMatchObject({
      savedPromptTokens: 400,
      breakEvenByTokens: null, // not 0: nobody knows what their training took
    });
    const alone = summariseRun({
      ...parts,
      records: records.filter(({ method }) => method === "prag"),
      cost,
    });
    expect(alone.cost).toMatchObject({ savedPromptTokens: null, breakEvenByTokens: null });
  });

  it("compares costs by the questions that both methods answered, and only when both are done", () => {
    const tooLong = {
      timings: null,
      promptTokens: 0,
      error: { kind: "prompt-too-long" as const, message: "" },
    };
    const records = [
      scored("a", 1, { promptTokens: 50 }),
      scored("b", 1, { promptTokens: 550 }), // a long question
      scored("a", 1, { promptTokens: 450, method: "standard-rag" }),
      scored("b", 0, { ...tooLong, method: "standard-rag" }),
    ];
    const cost = {
      adapters: 6,
      bytesPerAdapter: 1000,
      trainingTokensPerPassage: 2000,
      encodeSecondsPerPassage: null,
      savedPromptTokens: null,
      breakEvenByTokens: null,
      breakEvenBySeconds: null,
    };
    expect(summariseRun({ ...parts, records, cost }).cost).toMatchObject({
      savedPromptTokens: 400,
      breakEvenByTokens: 10,
      comparedQuestions: 1,
    });
    const begun = records.slice(0, 3);
    expect(summariseRun({ ...parts, records: begun, cost }).cost).toMatchObject({ savedPromptTokens: null });
  });

  it("sums the time of all calls, with the harness's share", () => {
    const session = {
      totalSeconds: 100,
      prepareSeconds: 57,
      answerSeconds: 40,
      harnessSeconds: 3,
      answered: 9,
    };
    expect(sumSessions([session, session])).toEqual({
      totalSeconds: 200,
      prepareSeconds: 114,
      answerSeconds: 80,
      harnessSeconds: 6,
      answered: 18,
      harnessShare: 0.03,
    });
  });
});

describe("compareRuns", () => {
  const many = (id: string, f1: (i: number) => number) => ({
    id,
    records: Array.from({ length: 60 }, (_, i) => scored(`q${i}`, f1(i), { method: id })),
  });
  const methods = [
    many("closed-book", (i) => (i % 5 === 0 ? 1 : 0)),
    many("prag", (i) => (i % 2 === 0 ? 1 : 0)),
    many("combine", (i) => (i % 10 === 9 ? 0 : 1)),
  ];

  it("compares with P-RAG and with the best, the same by the same seed", () => {
    const comparisons = compareRuns(methods, 42);
    expect(comparisons.map(({ method, against }) => `${method} ${against}`)).toEqual([
      "closed-book prag",
      "combine prag",
      "closed-book combine",
      "prag combine",
    ]);
    expect(comparisons[0]?.difference).toBeCloseTo(-0.3);
    expect(comparisons[0]?.interval.high).toBeLessThan(0);
    expect(comparisons[0]?.pTTest).toBeLessThan(0.001);
    expect(comparisons[0]?.pBootstrap).toBeLessThan(0.01);
    expect(compareRuns(methods, 42)).toEqual(comparisons);
  });

  it("takes MemoRAG where there is no P-RAG", () => {
    const renamed = methods.map((one) => (one.id === "prag" ? { ...one, id: "memorag" } : one));
    const comparisons = compareRuns(renamed, 42);
    expect(comparisons.map(({ against }) => against)).toEqual(["memorag", "memorag", "combine", "combine"]);
    expect(["closed-book", "memorag", "combine"].map((id) => marksOf(id, comparisons))).toEqual([
      "†‡",
      "‡",
      "†",
    ]);
  });

  it("marks what differs", () => {
    const comparisons = compareRuns(methods, 42);
    expect(["closed-book", "prag", "combine"].map((id) => marksOf(id, comparisons))).toEqual([
      "†‡",
      "‡",
      "†",
    ]);
    const without = compareRuns(methods.slice(0, 2), 42); // P-RAG itself is the best
    expect(["closed-book", "prag"].map((id) => marksOf(id, without))).toEqual(["†‡", ""]);
    expect(
      compareRuns(
        [many("prag", () => 0)].map((one) => ({ ...one, records: one.records.slice(0, 1) })),
        1,
      ),
    ).toEqual([]);
  });
});
