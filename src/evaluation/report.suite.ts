import { createReport as create, type ReportOptions } from "./report.ts";
import { someConfig, someRecord } from "./run.suite.ts";
import type { LoadedRun } from "./run-folder.ts";
import type { QuestionRow, RunConfig, RunRecord } from "./run-format.ts";

const hash = "0123456789abcdef";

function questionRow(id: string, type: string): QuestionRow {
  return {
    id,
    hash,
    type,
    isClosed: false,
    answerInCorpus: true,
    retrieved: ["p"],
    answerRank: id.length % 2 ? 1 : null,
    supportRanks: [2],
  };
}

function scored(f1: number): RunRecord["scores"] {
  return { em: f1 === 1 ? 1 : 0, f1, precision: f1, recall: f1 };
}

/** A run for tests whose methods have the given mean F1: the first questions are right. */
export function createRun(
  folder: string,
  shares: Record<string, number>,
  {
    questions = 20,
    config = {},
    text = "plain",
  }: { questions?: number; config?: Partial<RunConfig>; text?: string } = {},
): LoadedRun {
  const ids = Array.from({ length: questions }, (_, i) => `q${i}`);
  const records = Object.entries(shares).flatMap(([method, share]) =>
    ids.map((id, i) =>
      someRecord({
        id,
        method,
        type: i % 2 ? "bridge" : "comparison",
        scores: scored(i < share * questions ? 1 : 0),
        lenient: scored(i < share * questions ? 1 : 0),
        texts: { question: text, answers: [text], prediction: text, answer: text, lenientAnswer: text },
      }),
    ),
  );
  return {
    folder,
    config: someConfig({
      methods: Object.keys(shares).map((id) => ({ id, options: {}, description: {} })),
      ...config,
    }),
    questions: ids.map((id, i) => questionRow(id, i % 2 ? "bridge" : "comparison")),
    records,
    summary: undefined,
  };
}

/** Few rounds: the tests ask for what is shown, not for exact intervals. */
export const rounds = 200;
export const createReport = (runs: LoadedRun[], options: ReportOptions = {}) =>
  create(runs, { rounds, ...options });

/** Methods with their shares of right answers, a control among them. */
export const someMethods = {
  "closed-book": 0.1,
  "standard-rag": 0.2,
  prag: 0.5,
  combine: 0.3,
  "prag:shuffled": 0,
};

/** The lines of a Markdown report that begin so. */
export function linesOf(markdown: string, start: string): string[] {
  return markdown.split("\n").filter((line) => line.startsWith(start));
}
