import { gatherNd, reshape, rotaryEmbedding } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { attentionWeights, mixValues } from "./attention.ts";
import { type BaseWeights, createBaseWeights } from "./base-weights.ts";
import { type Attend, type DecoderParts, decode, logitsOf } from "./decoder.ts";
import type { Model } from "./open-model.ts";
import { createRopeTables } from "./rope.ts";

/** A forward pass that shows what the last layer attends to. */
export interface AttentionGraph {
  folder: string;
  /** `logits` [N, V] at the places in `rows`; `attention` [B, H, T, T] of the last layer. */
  outputs: { logits: Tensor; attention: Tensor };
}

/**
 * Forward pass of the base model over whole sequences, without a cache. Graph inputs: `ids` and `positions` [B, T]
 * int64, `mask` [B, 1, 1, T, T] float32 added to attention scores, `rows` [N, 2] int64: (batch row, token).
 */
export function createAttentionGraph(
  { checkpoint, config }: Model,
  {
    positions,
    weights = createBaseWeights(checkpoint, config),
  }: { positions: number; weights?: BaseWeights | undefined },
): AttentionGraph {
  const { heads, keyValueHeads, layers } = config;
  const rotation = {
    positions: input("positions", "int64", ["B", "T"]),
    ...createRopeTables(config, positions),
  };
  const mask = input("mask", "float32", ["B", 1, 1, "T", "T"]);
  const seen: Tensor[] = [];
  const attend: Attend = (layer, { query, key, value }) => {
    const weightsOfLayer = attentionWeights(config, {
      query: rotaryEmbedding(query, rotation, heads),
      key: rotaryEmbedding(key, rotation, keyValueHeads),
      mask,
    });
    if (layer === layers - 1) seen.push(reshape(weightsOfLayer, ["B", heads, "T", "T"]));
    return mixValues(config, weightsOfLayer, value);
  };
  const parts: DecoderParts = { weights, linear: weights.linear, attend, gate: "fused" };
  const hidden = decode(config, parts, input("ids", "int64", ["B", "T"])); // [B, T, D]
  const chosen = gatherNd(hidden, input("rows", "int64", ["N", 2])); // [N, D]
  const [attention] = seen;
  if (!attention) throw new Error("internal: a decoder without layers");
  return { folder: weights.folder, outputs: { logits: logitsOf(config, parts, chosen), attention } };
}
