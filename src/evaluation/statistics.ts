import { InputError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { tailOfStudent } from "./student.ts";
import { mean, percentile } from "./summary.ts";

/** Means of samples drawn with replacement, each as large as the scores: how the mean would vary over other questions. */
export function bootstrapMeans(scores: readonly number[], rounds: number, random: Random): number[] {
  return Array.from({ length: rounds }, () => {
    let total = 0;
    for (let i = 0; i < scores.length; i++) total += scores[random.int(scores.length)]!;
    return total / scores.length;
  });
}

/** What resampling says about a difference of two methods on the same questions. */
export interface BootstrapResult {
  /** Mean of a − b. */
  difference: number;
  /** Percentile interval of the mean difference. */
  interval: { low: number; high: number };
  /** Two-sided: twice the share of resampled means on the other side of 0 (at least one is counted), at most 1. */
  p: number;
}

/** Paired bootstrap: whole questions are resampled, so that what both methods find hard cancels. */
export function pairedBootstrap(
  a: readonly number[],
  b: readonly number[],
  { random, rounds = 10_000, confidence = 0.95 }: { random: Random; rounds?: number; confidence?: number },
): BootstrapResult {
  const differences = subtract(a, b, 1);
  const means = bootstrapMeans(differences, rounds, random);
  const notAbove = means.filter((value) => value <= 0).length;
  const notBelow = means.filter((value) => value >= 0).length;
  const margin = (1 - confidence) / 2;
  return {
    difference: mean(differences),
    interval: { low: percentile(means, margin), high: percentile(means, 1 - margin) },
    p: Math.min(1, (2 * (Math.min(notAbove, notBelow) + 1)) / (rounds + 1)),
  };
}

/** What Student's test says about a difference of two methods on the same questions. */
export interface TTestResult {
  /** Mean of a − b. */
  difference: number;
  /** Infinite where all differences are the same and not 0. */
  t: number;
  degreesOfFreedom: number;
  /** Two-sided. */
  p: number;
}

/** Paired t-test (two-sided), as the paper reports significance. */
export function pairedTTest(a: readonly number[], b: readonly number[]): TTestResult {
  const differences = subtract(a, b, 2);
  const n = differences.length;
  const difference = mean(differences);
  const variance = differences.reduce((total, value) => total + (value - difference) ** 2, 0) / (n - 1);
  const t = difference === 0 ? 0 : difference / Math.sqrt(variance / n);
  return { difference, t, degreesOfFreedom: n - 1, p: tailOfStudent(t, n - 1) };
}

function subtract(a: readonly number[], b: readonly number[], least: number): number[] {
  if (a.length !== b.length || a.length < least) {
    throw new InputError(
      `a paired comparison needs scores of the same questions, ${least} at least; got ${a.length} and ${b.length}`,
    );
  }
  return a.map((value, i) => value - b[i]!);
}
