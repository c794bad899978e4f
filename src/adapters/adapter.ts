/** The feed-forward projections that the paper adapts. */
export const feedForwardModules = ["gate_proj", "up_proj", "down_proj"] as const;

/** What an adapter's numbers mean: its delta is `alpha / rank` times up·down on every target module. */
export interface AdapterConfig {
  rank: number;
  alpha: number;
  /** Last parts of module names, e.g. `gate_proj`. */
  targetModules: readonly string[];
}

/** The two factors of one module's delta: y += scaling · (x downᵀ) up. */
export interface LoraFactors {
  /** [R, in], PEFT's A, row-major. */
  down: Float32Array;
  /** [R, out], PEFT's B transposed, row-major. */
  up: Float32Array;
  inFeatures: number;
  outFeatures: number;
}

/** A LoRA delta for a base model. Module names are those of the model without prefix: `layers.0.mlp.gate_proj`. */
export interface Adapter {
  config: AdapterConfig;
  /** In the model's order: layer by layer, gate, up, down. */
  modules: ReadonlyMap<string, LoraFactors>;
}

/** The factor before up·down. */
export function scalingOf({ rank, alpha }: Pick<AdapterConfig, "rank" | "alpha">): number {
  return alpha / rank;
}
