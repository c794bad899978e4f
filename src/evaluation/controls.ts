import { z } from "zod";
import type { Adapter } from "../adapters/adapter.ts";
import { cosineSimilarity, withNorm } from "../adapters/similarity.ts";
import type { Random } from "../base/random.ts";
import { mean, percentile } from "./summary.ts";

/** Beside a run's files: how alike its adapters are. */
export const similarityFile = "similarity.json";

const cosines = z.strictObject({
  pairs: z.int().nonnegative(),
  mean: z.number(),
  p5: z.number(),
  p50: z.number(),
  p95: z.number(),
});

export const similaritySchema = z.strictObject({
  name: z.string(),
  adapters: z.int().nonnegative(),
  /** Frobenius norm of the delta. */
  meanNorm: z.number(),
  /** Pairs of passages of the same document. */
  within: cosines,
  between: cosines,
});

/** Are the adapters of different documents different? Cosines of their deltas. */
export type SimilarityReport = z.infer<typeof similaritySchema>;

/** An adapter with the document whose passage it stands for. */
export interface DocumentAdapter {
  documentId: string;
  adapter: Adapter;
}

/** Compares adapters pair by pair; of each kind of pair at most so many, drawn by the seed. */
export function compareAdapters(
  name: string,
  items: readonly DocumentAdapter[],
  { random, maxPairs = 5000 }: { random: Random; maxPairs?: number },
): SimilarityReport {
  const normed = items.map(({ documentId, adapter }) => ({ documentId, ...withNorm(adapter) }));
  const pairs = normed.flatMap((a, i) => normed.slice(i + 1).map((b) => [a, b] as const));
  const isWithin = ([a, b]: (typeof pairs)[number]) => a.documentId === b.documentId;
  const describe = (kind: string, chosen: typeof pairs) =>
    spread(
      random
        .fork(kind)
        .sample(chosen, maxPairs)
        .map(([a, b]) => cosineSimilarity(a, b)),
    );
  return {
    name,
    adapters: items.length,
    meanNorm: mean(normed.map(({ norm }) => norm)),
    within: describe("within", pairs.filter(isWithin)),
    between: describe(
      "between",
      pairs.filter((pair) => !isWithin(pair)),
    ),
  };
}

function spread(values: readonly number[]): SimilarityReport["within"] {
  return {
    pairs: values.length,
    mean: mean(values),
    p5: percentile(values, 0.05),
    p50: percentile(values, 0.5),
    p95: percentile(values, 0.95),
  };
}
