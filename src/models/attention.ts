import {
  add,
  groupQueryAttention,
  matmul,
  reshape,
  rotaryEmbedding,
  softmax,
  transpose,
} from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import type { ModelConfig } from "./config.ts";
import type { Attend } from "./decoder.ts";
import type { RopeTables } from "./rope.ts";

/**
 * Differentiable attention for training: mask [B, 1, 1, T, T] is added to the scores (0 or very negative), positions
 * [B, T] int64 choose the rotation, so that packed sequences see only what is theirs.
 */
export function maskedAttention(
  config: ModelConfig,
  { rope, positions, mask }: { rope: RopeTables; positions: Tensor; mask: Tensor },
): Attend {
  const { heads, keyValueHeads } = config;
  return (_layer, { query, key, value }) =>
    attendHeads(config, {
      query: rotaryEmbedding(query, { positions, ...rope }, heads),
      key: rotaryEmbedding(key, { positions, ...rope }, keyValueHeads),
      value,
      mask,
    });
}

/** Grouped-query attention: query [B, T, H·Dh], key and value [B, S, K·Dh], rotated; mask [B, 1, 1, T, S] → [B, T, H·Dh]. */
export function attendHeads(
  config: ModelConfig,
  { query, key, value, mask }: { query: Tensor; key: Tensor; value: Tensor; mask: Tensor },
): Tensor {
  return mixValues(config, attentionWeights(config, { query, key, mask }), value);
}

/** How much each query attends to each key: as `attendHeads`, → [B, K, G, T, S], where head h is (h / G, h mod G). */
export function attentionWeights(
  { heads: H, keyValueHeads: K, headSize: Dh }: ModelConfig,
  { query, key, mask }: { query: Tensor; key: Tensor; mask: Tensor },
): Tensor {
  const G = H / K; // query heads that share a key/value head
  const S = key.shape[1]!;
  const qHeads = transpose(reshape(query, ["B", "T", K, G, Dh]), [0, 2, 3, 1, 4]); // [B, K, G, T, Dh]
  const kHeads = transpose(reshape(key, ["B", S, K, 1, Dh]), [0, 2, 3, 1, 4]); // [B, K, 1, S, Dh]
  const scores = matmul(qHeads, kHeads, { transB: true, alpha: Dh ** -0.5 }); // [B, K, G, T, S]
  return softmax(add(scores, mask));
}

/** The values by their weights [B, K, G, T, S]: value [B, S, K·Dh] → [B, T, H·Dh]. */
export function mixValues(
  { heads: H, keyValueHeads: K, headSize: Dh }: ModelConfig,
  weights: Tensor,
  value: Tensor,
): Tensor {
  const S = value.shape[1]!;
  const vHeads = transpose(reshape(value, ["B", S, K, 1, Dh]), [0, 2, 3, 1, 4]); // [B, K, 1, S, Dh]
  const mixed = matmul(weights, vHeads); // [B, K, G, T, Dh]
  return reshape(transpose(mixed, [0, 3, 1, 2, 4]), ["B", "T", H * Dh]);
}

/** The graph inputs and outputs of a key/value cache. */
export interface CacheTensors {
  lastPositions: Tensor;
  totalLength: Tensor;
  /** Per layer, inputs `pastKey0`, … [B, K, P, Dh]. */
  past: { key: Tensor; value: Tensor }[];
  /** What the fed tokens add to the cache, outputs by name: `newKey0`, … [B, K, T, Dh], keys rotated. */
  added: Record<string, Tensor>;
}

/** Causal attention over a key/value cache, for generation. */
export function cachedAttention(
  config: ModelConfig,
  { rope, positions }: { rope: RopeTables; positions: Tensor },
): { attend: Attend; cache: CacheTensors } {
  const { heads, keyValueHeads, headSize } = config;
  const buffer = (name: string) => input(name, "float32", ["B", keyValueHeads, "P", headSize]);
  const cache: CacheTensors = {
    lastPositions: input("lastPositions", "int32", ["B"]),
    totalLength: input("totalLength", "int32", []),
    past: Array.from({ length: config.layers }, (_, i) => ({
      key: buffer(`pastKey${i}`),
      value: buffer(`pastValue${i}`),
    })),
    added: {},
  };
  const attend: Attend = (layer, { query, key, value }) => {
    const past = cache.past[layer]!;
    const rotated = rotaryEmbedding(key, { positions, ...rope }, keyValueHeads);
    cache.added[`newKey${layer}`] = cacheRows(config, rotated);
    cache.added[`newValue${layer}`] = cacheRows(config, value);
    return groupQueryAttention(
      [
        rotaryEmbedding(query, { positions, ...rope }, heads),
        rotated,
        value,
        past.key,
        past.value,
        cache.lastPositions,
        cache.totalLength,
      ],
      { heads, keyValueHeads },
    );
  };
  return { attend, cache };
}

/** Keys or values [B, T, K·Dh] as the cache has them: [B, K, T, Dh]. */
export function cacheRows({ keyValueHeads, headSize }: ModelConfig, rows: Tensor): Tensor {
  return transpose(reshape(rows, ["B", "T", keyValueHeads, headSize]), [0, 2, 1, 3]);
}
