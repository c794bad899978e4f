import { gatherNd } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { maskedAttention } from "./attention.ts";
import { type BaseWeights, createBaseWeights, type Linear } from "./base-weights.ts";
import { type DecoderParts, decode, logitsOf } from "./decoder.ts";
import type { Model } from "./open-model.ts";
import { createRopeTables } from "./rope.ts";

/** The differentiable forward pass, without a loss. */
export interface ScoringGraph {
  folder: string;
  /** Logits [N, V] at the places in `rows`. */
  logits: Tensor;
}

/**
 * Forward pass over whole sequences. Graph inputs: `ids` and `positions` [B, T] int64, `mask` [B, 1, 1, T, T] float32
 * added to attention scores, `rows` [N, 2] int64: (batch row, token) of each place whose logits are wanted.
 * `adapt` may wrap the base model's linear layers.
 */
export function createScoringGraph(
  { checkpoint, config }: Model,
  { adapt = (base) => base, positions }: { adapt?: (base: Linear) => Linear; positions: number },
): ScoringGraph {
  const weights: BaseWeights = createBaseWeights(checkpoint, config);
  const rope = createRopeTables(config, positions);
  const parts: DecoderParts = {
    weights,
    linear: adapt(weights.linear),
    attend: maskedAttention(config, {
      rope,
      positions: input("positions", "int64", ["B", "T"]),
      mask: input("mask", "float32", ["B", 1, 1, "T", "T"]),
    }),
    gate: "differentiable",
  };
  const hidden = decode(config, parts, input("ids", "int64", ["B", "T"])); // [B, T, D]
  // Places are chosen before the head: its cost is per target, not per token.
  const chosen = gatherNd(hidden, input("rows", "int64", ["N", 2])); // [N, D]
  return { folder: weights.folder, logits: logitsOf(config, parts, chosen) };
}
