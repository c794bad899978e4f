import type { AdapterConfig } from "../adapters/adapter.ts";
import { linearSizes } from "../models/base-weights.ts";
import type { ModelConfig } from "../models/config.ts";

/** A linear layer that an adapter changes. */
export interface TargetModule {
  name: string;
  size: { in: number; out: number };
}

/** The modules that an adapter of this config has, in the model's order. */
export function targetModulesOf(
  model: ModelConfig,
  config: Pick<AdapterConfig, "targetModules">,
): TargetModule[] {
  const sizes = linearSizes(model);
  const attention = ["q_proj", "k_proj", "v_proj", "o_proj"];
  return Array.from({ length: model.layers }, (_, layer) =>
    config.targetModules.map((target) => {
      const name = `layers.${layer}.${attention.includes(target) ? "self_attn" : "mlp"}.${target}`;
      return { name, size: sizes(name) };
    }),
  ).flat();
}
