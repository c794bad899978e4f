import { gather, gatherNd, reshape, rotaryEmbedding } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { attendHeads, cachedAttention, cacheRows } from "./attention.ts";
import { type BaseWeights, createBaseWeights } from "./base-weights.ts";
import type { ModelConfig } from "./config.ts";
import { type Attend, type DecoderParts, decode, logitsOf } from "./decoder.ts";
import { type MemoryTensors, withMemory } from "./memory-weights.ts";
import type { Model } from "./open-model.ts";
import { createRopeTables, type RopeTables } from "./rope.ts";

/** Whether a token is a memory token: 1 or 0, [B, T, 1]. */
const isMemoryInput = () => input("isMemory", "float32", ["B", "T", 1]);

/**
 * The differentiable forward pass over windows, one in each row. Graph inputs: `ids`, `positions` [B, T] int64; `isMemory`
 * [B, T, 1]; `keyRows` [B, S] int64: which tokens (row · T + token, of any window) a window attends to, in the order of
 * their positions 0, 1, …, memory of earlier windows first; `keyPositions` [B, S] int64; `mask` [B, 1, 1, T, S];
 * `rows` [N, 2] int64: (window, token) of each place whose logits are wanted. Since all layers of a window need of
 * earlier windows their memory tokens of the same layer only, all windows are computed side by side, and gradients flow
 * through the memory.
 */
export function createMemoryScoringGraph(
  { checkpoint, config }: Model,
  { memory, positions }: { memory: MemoryTensors; positions: number },
): { folder: string; logits: Tensor; keys: Tensor[]; values: Tensor[] } {
  const base = createBaseWeights(checkpoint, config);
  const keys: Tensor[] = [];
  const values: Tensor[] = [];
  const attend = gatheredAttention(config, createRopeTables(config, positions));
  const parts: DecoderParts = {
    ...withMemory(base, base.linear, { memory, isMemory: isMemoryInput() }),
    attend(layer, projected) {
      keys.push(projected.key);
      values.push(projected.value);
      return attend(layer, projected);
    },
    gate: "differentiable",
  };
  const hidden = decode(config, parts, input("ids", "int64", ["B", "T"])); // [B, T, D]
  const chosen = gatherNd(hidden, input("rows", "int64", ["N", 2])); // [N, D]
  return { folder: base.folder, logits: logitsOf(config, parts, chosen), keys, values };
}

function gatheredAttention(config: ModelConfig, rope: RopeTables): Attend {
  const { heads, keyValueHeads, headSize } = config;
  const positions = input("positions", "int64", ["B", "T"]);
  const keyPositions = input("keyPositions", "int64", ["B", "S"]);
  const keyRows = input("keyRows", "int64", ["B", "S"]);
  const mask = input("mask", "float32", ["B", 1, 1, "T", "S"]);
  const width = keyValueHeads * headSize;
  const gathered = (x: Tensor) => gather(reshape(x, ["BT", width]), keyRows); // [B, S, K·Dh]
  return (_layer, { query, key, value }) =>
    attendHeads(config, {
      query: rotaryEmbedding(query, { positions, ...rope }, heads),
      key: rotaryEmbedding(gathered(key), { positions: keyPositions, ...rope }, keyValueHeads),
      value: gathered(value),
      mask,
    });
}

/** The forward pass of generation with memory tokens. */
export interface MemoryGenerationGraph {
  folder: string;
  /** `logits` [B, V] and `newKey0`, `newValue0`, …, as of the generation graph. */
  outputs: Record<string, Tensor>;
  /** `key0`, `value0`, … [B, T, K·Dh]: what the layers make of the tokens, keys before rotation. */
  kept: Record<string, Tensor>;
}

/** As the generation graph, with `isMemory` [B, T, 1] as a further input. */
export function createMemoryGenerationGraph(
  { checkpoint, config }: Model,
  {
    memory,
    positions,
    weights = createBaseWeights(checkpoint, config),
  }: {
    memory: MemoryTensors;
    positions: number;
    weights?: BaseWeights | undefined;
  },
): MemoryGenerationGraph {
  const { attend, cache } = cachedAttention(config, {
    rope: createRopeTables(config, positions),
    positions: input("positions", "int64", ["B", "T"]),
  });
  const kept: Record<string, Tensor> = {};
  const parts: DecoderParts = {
    ...withMemory(weights, weights.linear, { memory, isMemory: isMemoryInput() }),
    attend(layer, projected) {
      kept[`key${layer}`] = projected.key;
      kept[`value${layer}`] = projected.value;
      return attend(layer, projected);
    },
    gate: "fused",
  };
  const hidden = decode(config, parts, input("ids", "int64", ["B", "T"]));
  const last = gatherNd(hidden, input("rows", "int64", ["B", 2])); // [B, D]
  return {
    folder: weights.folder,
    outputs: { logits: logitsOf(config, parts, last), ...cache.added },
    kept,
  };
}

/**
 * Keys and values as the cache has them, `newKey0`, `newValue0`, … [B, K, T, Dh]; inputs `positions` [B, T] int64 and `key0`,
 * `value0`, … [B, T, K·Dh] (keys before rotation).
 */
export function createCacheRowsGraph(
  config: ModelConfig,
  { positions }: { positions: number },
): Record<string, Tensor> {
  const places = input("positions", "int64", ["B", "T"]);
  const rope = createRopeTables(config, positions);
  const width = config.keyValueHeads * config.headSize;
  const outputs: Record<string, Tensor> = {};
  for (let layer = 0; layer < config.layers; layer++) {
    const key = input(`key${layer}`, "float32", ["B", "T", width]);
    const rotated = rotaryEmbedding(key, { positions: places, ...rope }, config.keyValueHeads);
    outputs[`newKey${layer}`] = cacheRows(config, rotated);
    outputs[`newValue${layer}`] = cacheRows(config, input(`value${layer}`, "float32", ["B", "T", width]));
  }
  return outputs;
}
