import { toOnnx } from "../graph/onnx.ts";
import { softmax, topK } from "../graph/ops.ts";
import type { Model } from "../models/open-model.ts";
import { createScoringGraph } from "../models/training-graph.ts";
import type { HostTensor, Runtime, Session } from "../runtime/runtime.ts";
import { layOut, pack } from "./packing.ts";

/** A token with the base model's probability; the kept ones of a place are scaled to sum to 1. */
export interface TokenProbability {
  token: number;
  probability: number;
}

/** Token ids whose distribution is wanted at every place from `from` to the end. */
export interface ScoredSequence {
  ids: readonly number[];
  from: number;
}

/** The frozen base model's next-token distributions. */
export interface BaseDistributions {
  /** For each sequence, for each place from `from` on: the likeliest tokens. */
  score(
    sequences: readonly ScoredSequence[],
    options?: { signal?: AbortSignal | undefined },
  ): Promise<TokenProbability[][][]>;
  dispose(): Promise<void>;
}

/** Tokens kept at each place. Too few would make every negative sharpen the distribution that it is to hold. */
const keptTokens = 512;
/** Sequences that are scored in one run. */
const batchSize = 16;

/** Opens a session that scores with the base model alone. */
export async function openBaseDistributions(
  runtime: Runtime,
  model: Model,
  { maxTokens }: { maxTokens: number },
): Promise<BaseDistributions> {
  const { folder, logits } = createScoringGraph(model, { positions: maxTokens });
  const { values, indices } = topK(softmax(logits), Math.min(keptTokens, model.config.vocabularySize));
  const session = await runtime.openSession(toOnnx({ values, indices }, { folder }));
  return {
    async score(sequences, { signal } = {}) {
      const results: TokenProbability[][][] = [];
      for (let start = 0; start < sequences.length; start += batchSize) {
        results.push(...(await scoreBatch(session, sequences.slice(start, start + batchSize), signal)));
      }
      return results;
    },
    dispose: () => session.dispose(),
  };
}

async function scoreBatch(
  session: Session,
  sequences: readonly ScoredSequence[],
  signal: AbortSignal | undefined,
): Promise<TokenProbability[][][]> {
  const batch = layOut(sequences.map(({ ids }) => pack([{ ids, targets: [] }])));
  const { rows: B, tokens: T } = batch;
  const places = sequences.map(({ ids, from }) =>
    Array.from({ length: ids.length - from }, (_, i) => from + i),
  );
  const rows = BigInt64Array.from(
    places.flatMap((list, b) => list.flatMap((t) => [b, t])),
    BigInt,
  );
  const { values } = await session.run(
    {
      ids: { dtype: "int64", dims: [B, T], data: batch.ids },
      positions: { dtype: "int64", dims: [B, T], data: batch.positions },
      mask: { dtype: "float32", dims: [B, 1, 1, T, T], data: batch.mask },
      rows: { dtype: "int64", dims: [rows.length / 2, 2], data: rows },
    },
    { signal },
  );
  const { probabilities, tokens, width } = readTop(values);
  let row = 0;
  return places.map((list) =>
    list.map(() => {
      const start = row++ * width;
      const kept = probabilities.subarray(start, start + width);
      const total = kept.reduce((a, b) => a + b, 0);
      return Array.from(kept, (p, i) => ({ token: Number(tokens[start + i]!), probability: p / total }));
    }),
  );
}

function readTop(values: Record<string, HostTensor>) {
  const [top, indices] = [values.values, values.indices];
  if (top?.dtype !== "float32" || indices?.dtype !== "int64")
    throw new Error("internal: unexpected scoring outputs");
  return { probabilities: top.data, tokens: indices.data, width: top.dims[1] ?? 0 };
}
