import { add, fusedSilu, mul, rmsNorm, silu } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { BaseWeights, Linear } from "./base-weights.ts";
import type { ModelConfig } from "./config.ts";

/** Attention of one layer: query [B, T, H·Dh], key and value [B, T, K·Dh] → [B, T, H·Dh], rotation included. */
export type Attend = (layer: number, projected: { query: Tensor; key: Tensor; value: Tensor }) => Tensor;

/** What the forward pass is made from. */
export interface DecoderParts {
  weights: BaseWeights;
  /** The base model's linear layers, or ones that add an adapter's delta. */
  linear: Linear;
  attend: Attend;
  /** Gates as one kernel without a gradient (generation), or from differentiable parts (training). */
  gate: "fused" | "differentiable";
}

/**
 * The decoder of Llama, Mistral and Qwen2 up to the last layer's output: ids [B, T] → hidden states [B, T, D].
 * Pre-norm blocks: x + attention(norm(x)), then x + feedForward(norm(x)).
 */
export function decode(config: ModelConfig, parts: DecoderParts, ids: Tensor): Tensor {
  let x = parts.weights.embed(ids); // [B, T, D]
  for (let layer = 0; layer < config.layers; layer++) {
    x = add(x, attentionBlock(config, parts, { layer, x }));
    x = add(x, feedForwardBlock(config, parts, { layer, x }));
  }
  return x;
}

/** Final norm and output head: hidden states [..., D] → logits [..., V]. */
export function logitsOf(config: ModelConfig, { weights, linear }: DecoderParts, hidden: Tensor): Tensor {
  return linear("lm_head", rmsNorm(hidden, weights.vector("norm"), config.normEpsilon));
}

interface BlockInput {
  layer: number;
  x: Tensor;
}

function attentionBlock(config: ModelConfig, parts: DecoderParts, { layer, x }: BlockInput): Tensor {
  const { weights, linear, attend } = parts;
  const normed = rmsNorm(x, weights.vector(`layers.${layer}.input_layernorm`), config.normEpsilon);
  const name = (projection: string) => `layers.${layer}.self_attn.${projection}`;
  const query = linear(name("q_proj"), normed); // [B, T, H·Dh]
  const key = linear(name("k_proj"), normed); // [B, T, K·Dh]
  const value = linear(name("v_proj"), normed); // [B, T, K·Dh]
  return linear(name("o_proj"), attend(layer, { query, key, value }));
}

function feedForwardBlock(config: ModelConfig, parts: DecoderParts, { layer, x }: BlockInput): Tensor {
  const { weights, linear, gate } = parts;
  const normed = rmsNorm(x, weights.vector(`layers.${layer}.post_attention_layernorm`), config.normEpsilon);
  const name = (projection: string) => `layers.${layer}.mlp.${projection}`;
  const gated = linear(name("gate_proj"), normed); // [B, T, F]
  const activated = gate === "fused" ? fusedSilu(gated) : silu(gated);
  return linear(name("down_proj"), mul(activated, linear(name("up_proj"), normed)));
}
