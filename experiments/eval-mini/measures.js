// What a run of questions comes to: one row with an interval.
import { Random } from "../../dist/base/random.js";
import { evaluateMethod } from "../../dist/evaluation/evaluate.js";
import { bootstrapMeans } from "../../dist/evaluation/statistics.js";
import { mean, percentile } from "../../dist/evaluation/summary.js";

const rounds = 2000;

/** Mean scores of records with a 95 % interval of F1 over other questions. */
export function scoresOf(records, seed) {
  if (records.length === 0) return { n: 0 };
  const f1 = records.map((record) => record.f1);
  const means = bootstrapMeans(f1, rounds, new Random(seed).fork("interval"));
  return {
    n: records.length,
    em: mean(records.map((record) => record.em)),
    f1: mean(f1),
    low: percentile(means, 0.025),
    high: percentile(means, 0.975),
  };
}

/** Asks a method, with progress. */
export async function ask(task, { method, questions, limit, progress }) {
  const { records, summary } = await evaluateMethod(method, questions, {
    limit,
    maxTokens: 32,
    onDone: (_, done, total) => progress({ task, done, total }),
  });
  return { records, recall: summary.retrievalRecall, promptTokens: summary.promptTokens };
}

/** A retriever that knows the passages of each question. */
export function knowingRetriever(passagesOf) {
  return {
    retrieve: async (query, limit) =>
      (passagesOf.get(query) ?? []).slice(0, limit).map((passage, i) => ({ passage, score: 1 / (i + 1) })),
  };
}

/** The same engine with another retriever; with `isSum` adapters are summed as they were trained. */
export function partsWith(parts, { retriever, isSum = false }) {
  return {
    ...parts,
    retriever: async () => retriever,
    ...(isSum && { mergeSettings: async () => ({ weights: "sum", scale: 1 }) }),
  };
}
