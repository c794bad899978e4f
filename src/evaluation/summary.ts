import type { MethodName } from "../methods/method.ts";
import type { EvaluationRecord } from "./evaluate.ts";

/** One row of a table of results. Scores are fractions from 0 to 1; a failed question counts as a wrong answer. */
export interface RunSummary {
  name: MethodName;
  questions: number;
  em: number;
  f1: number;
  precision: number;
  recall: number;
  /** Mean per question that was answered. */
  promptTokens: number;
  /** Mean per question that was answered. */
  generatedTokens: number;
  /** Of questions that were answered, from question to last token. */
  latencyMs: { p50: number; p95: number };
  /** Mean share of supporting passages that were retrieved; undefined for a method that does not retrieve. */
  retrievalRecall: number | undefined;
  /** Questions that could not be answered. */
  failed: number;
  /** Passages without an adapter, over all questions, in a method that wanted one. */
  fallbacks: number;
}

/** The row of a method's records, or of some of them. */
export function summarise(name: MethodName, records: readonly EvaluationRecord[]): RunSummary {
  const answered = records.filter((record) => record.failed === undefined);
  const latencies = answered.flatMap(({ timings }) => (timings ? [timings.totalMs] : []));
  const recalls = records.flatMap(({ retrievalRecall }) =>
    retrievalRecall === undefined ? [] : [retrievalRecall],
  );
  return {
    name,
    questions: records.length,
    em: mean(records.map(({ em }) => em)),
    f1: mean(records.map(({ f1 }) => f1)),
    precision: mean(records.map(({ precision }) => precision)),
    recall: mean(records.map(({ recall }) => recall)),
    promptTokens: mean(answered.map(({ promptTokens }) => promptTokens)),
    generatedTokens: mean(answered.map(({ generatedTokens }) => generatedTokens)),
    latencyMs: { p50: percentile(latencies, 0.5), p95: percentile(latencies, 0.95) },
    retrievalRecall: recalls.length ? mean(recalls) : undefined,
    failed: records.length - answered.length,
    fallbacks: records.reduce((total, { fallbacks }) => total + fallbacks, 0),
  };
}

/** Arithmetic mean; 0 of nothing. */
export function mean(values: readonly number[]): number {
  return values.length ? values.reduce((total, value) => total + value, 0) / values.length : 0;
}

/** The smallest value that at least this share of the values does not exceed (nearest rank); 0 of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** The largest value; 0 of nothing. Unlike `Math.max(...values)` it takes any number of them. */
export function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
