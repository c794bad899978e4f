import { gatherNd } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { cachedAttention } from "./attention.ts";
import { type BaseWeights, createBaseWeights, type Linear } from "./base-weights.ts";
import { type DecoderParts, decode, logitsOf } from "./decoder.ts";
import type { Model } from "./open-model.ts";
import { createRopeTables } from "./rope.ts";

/** The forward pass of generation. */
export interface GenerationGraph {
  folder: string;
  /** `logits` [B, V] at each row's chosen token, and what is added to the cache: `newKey0`, `newValue0`, … [B, K, T, Dh] */
  outputs: Record<string, Tensor>;
}

/**
 * Forward pass with a key/value cache, for prompts (T tokens, rows padded on the right) and for single tokens alike.
 * Graph inputs: `ids`, `positions` [B, T] int64; `rows` [B, 2] int64 (batch row, token whose logits are wanted); the
 * cache of `cachedAttention`. `adapt` may wrap the base model's linear layers.
 */
export function createGenerationGraph(
  { checkpoint, config }: Model,
  {
    adapt = (base) => base,
    positions,
    weights = createBaseWeights(checkpoint, config),
  }: { adapt?: (base: Linear) => Linear; positions: number; weights?: BaseWeights },
): GenerationGraph {
  const { attend, cache } = cachedAttention(config, {
    rope: createRopeTables(config, positions),
    positions: input("positions", "int64", ["B", "T"]),
  });
  const parts: DecoderParts = { weights, linear: adapt(weights.linear), attend, gate: "fused" };
  const hidden = decode(config, parts, input("ids", "int64", ["B", "T"])); // [B, T, D]
  const last = gatherNd(hidden, input("rows", "int64", ["B", 2])); // [B, D]
  return { folder: weights.folder, outputs: { logits: logitsOf(config, parts, last), ...cache.added } };
}
