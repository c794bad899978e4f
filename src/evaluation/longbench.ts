import { z } from "zod";
import { FormatError } from "../base/errors.ts";
import { parseLines } from "../base/jsonl.ts";
import { normaliseAnswer } from "../text/normalise.ts";
import { rougeL } from "../text/rouge.ts";
import { scoreAnswer, tokenOverlap } from "../text/scores.ts";
import type { Scorer } from "./answer-questions.ts";
import { titleText } from "./datasets/dataset-file.ts";
import type { PlacedQuestion, Question } from "./questions.ts";

/** A dataset of LongBench as MemoRAG is evaluated on it: how it is scored, and tokens of an answer. */
export interface LongBenchTask {
  metric: "f1" | "rouge-l";
  maxTokens: number;
}

const task = (metric: LongBenchTask["metric"], maxTokens: number): LongBenchTask => ({ metric, maxTokens });

/** The datasets of the evaluation in MemoRAG's repository, with its numbers. */
export const longBenchTasks: Readonly<Record<string, LongBenchTask>> = {
  narrativeqa: task("f1", 128),
  qasper: task("f1", 128),
  multifieldqa_en: task("f1", 64),
  hotpotqa: task("f1", 32),
  "2wikimqa": task("f1", 32),
  musique: task("f1", 32),
  gov_report: task("rouge-l", 512),
  qmsum: task("rouge-l", 512),
  multi_news: task("rouge-l", 512),
};

/** What MemoRAG's README reports with Llama3-8B as the generator: full context, retrieval by BGE-M3, MemoRAG. */
export const memoragNumbers: Readonly<
  Record<string, readonly [full: number, retrieval: number, memorag: number]>
> = {
  narrativeqa: [21.3, 22.1, 22.8],
  qasper: [43.4, 44.3, 45.7],
  multifieldqa_en: [46.6, 50.2, 50.7],
  musique: [23.5, 22.2, 28.4],
  "2wikimqa": [38.2, 36.7, 51.4],
  hotpotqa: [47.1, 48.4, 57.0],
  multi_news: [24.6, 22.1, 27.4],
  gov_report: [23.6, 20.1, 27.9],
};

/** How a dataset of LongBench is scored; undefined for another one, whatever it is called. */
export function longBenchTaskOf(dataset: string): LongBenchTask | undefined {
  return Object.hasOwn(longBenchTasks, dataset) ? longBenchTasks[dataset] : undefined;
}

/** MemoRAG's numbers of a dataset; none for one that its README does not report. */
export function memoragNumbersOf(dataset: string): readonly number[] {
  return Object.hasOwn(memoragNumbers, dataset) ? (memoragNumbers[dataset] ?? []) : [];
}

const rowSchema = z.object({
  _id: z.string(),
  /** Empty for a summary. */
  input: z.string(),
  context: z.string().trim().min(1, "must not be empty"),
  answers: z.array(z.string()).min(1),
  dataset: z.string(),
  /** Not of LongBench: what the text is called, and how a dataset of one's own is scored. */
  title: titleText.default(""),
  metric: z.literal("f1").optional(),
});

/** What is asked where a dataset wants a summary and says no more. */
export const summaryQuestion = "Summarise the text.";

/** Reads rows of LongBench, each with the text that it is about: https://github.com/THUDM/LongBench */
export function parseLongBench(text: string, path: string): PlacedQuestion[] {
  return parseLines(text, rowSchema, path).map(({ row, line }) => {
    if (!longBenchTaskOf(row.dataset) && row.metric === undefined) {
      const known = Object.keys(longBenchTasks).join(", ");
      throw new FormatError(
        `dataset "${row.dataset}" is not known; known are ${known}; another one needs "metric": "f1"`,
        { path: `${path}:${line}` },
      );
    }
    const question: Question = {
      id: row._id,
      type: row.dataset,
      question: row.input.trim() || summaryQuestion,
      answers: row.answers,
      articles: [],
      contexts: [],
      paragraphs: [{ title: row.title, text: row.context }],
    };
    return { question, place: `line ${line}` };
  });
}

/**
 * How the dataset scores: its own metric stands as F1, the best over the accepted answers, of the whole text as LongBench
 * does it; behind a chain of thought, of the answer.
 */
export const scoreLongBench: Scorer = ({ type, answers }, { text, answer, chainOfThought }) => {
  const isSummary = longBenchTaskOf(type)?.metric === "rouge-l";
  const said = chainOfThought && !isSummary ? answer : text.trim();
  const scores = answers.map((one) => (isSummary ? rougeL : tokenF1)(said, one));
  return { ...scoreAnswer(said, answers), f1: Math.max(0, ...scores) };
};

/** Token F1 after normalisation, without the rule that yes, no and no answer agree wholly or not at all. */
function tokenF1(prediction: string, truth: string): number {
  return tokenOverlap(normaliseAnswer(prediction), normaliseAnswer(truth)).f1;
}
