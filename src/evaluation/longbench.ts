import { z } from "zod";
import { FormatError } from "../base/errors.ts";
import { parseJson } from "../base/files.ts";
import { normaliseAnswer } from "../text/normalise.ts";
import { rougeL } from "../text/rouge.ts";
import { readDatasetFile } from "./datasets/dataset-file.ts";

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

const rowSchema = z.object({
  _id: z.string(),
  /** Empty for a summary. */
  input: z.string(),
  context: z.string().min(1),
  answers: z.array(z.string()).min(1),
  dataset: z.string(),
});

/** A question (or a summary that is asked for) on a long text. */
export interface LongBenchRow {
  id: string;
  question: string;
  context: string;
  answers: string[];
  dataset: string;
}

/** Reads a file of LongBench: https://github.com/THUDM/LongBench */
export async function loadLongBench(path: string): Promise<LongBenchRow[]> {
  const text = await readDatasetFile(path);
  const rows = text.split("\n").flatMap((line, i): LongBenchRow[] => {
    if (line.trim() === "") return [];
    const { _id, input, ...row } = parseJson(line, rowSchema, `${path}:${i + 1}`);
    if (!Object.hasOwn(longBenchTasks, row.dataset)) {
      const known = Object.keys(longBenchTasks).join(", ");
      throw new FormatError(`dataset "${row.dataset}" is not known; known are ${known}`, {
        path: `${path}:${i + 1}`,
      });
    }
    return [{ id: _id, question: input, ...row }];
  });
  if (!rows.length) throw new FormatError("has no rows", { path });
  return rows;
}

/** The best score over the accepted answers, in [0, 1], by the dataset's own metric. */
export function scoreLongBench({ dataset, answers }: LongBenchRow, prediction: string): number {
  const metric = longBenchTasks[dataset]?.metric ?? "f1";
  const score = metric === "f1" ? tokenF1 : rougeL;
  return Math.max(0, ...answers.map((answer) => score(prediction, answer)));
}

/** Token F1 after normalisation, without the rule that yes, no and no answer agree wholly or not at all. */
function tokenF1(prediction: string, truth: string): number {
  const [predicted, expected] = [tokensOf(prediction), tokensOf(truth)];
  const counts = new Map<string, number>();
  for (const token of expected) counts.set(token, (counts.get(token) ?? 0) + 1);
  let overlap = 0;
  for (const token of predicted) {
    const left = counts.get(token) ?? 0;
    if (left > 0) overlap++;
    counts.set(token, left - 1);
  }
  return overlap === 0 ? 0 : (2 * overlap) / (predicted.length + expected.length);
}

function tokensOf(text: string): string[] {
  return normaliseAnswer(text).split(" ").filter(Boolean);
}

/** What is longer than `limit` loses its middle: the first and the last half of the limit stay. */
export function cutMiddle<T>(items: readonly T[], limit: number): T[] {
  if (items.length <= limit) return [...items];
  const half = Math.floor(limit / 2);
  return [...items.slice(0, half), ...items.slice(items.length - half)];
}

/** Mean score of each dataset, in hundredths with two decimals, as the tables have it. */
export function summariseLongBench(
  scored: readonly { row: LongBenchRow; score: number }[],
): { dataset: string; questions: number; score: number; published: readonly number[] | null }[] {
  const byDataset = new Map<string, number[]>();
  for (const { row, score } of scored)
    byDataset.set(row.dataset, [...(byDataset.get(row.dataset) ?? []), score]);
  return [...byDataset].map(([dataset, scores]) => ({
    dataset,
    questions: scores.length,
    score: Math.round((10_000 * scores.reduce((a, b) => a + b, 0)) / scores.length) / 100,
    published: memoragNumbers[dataset] ?? null,
  }));
}
