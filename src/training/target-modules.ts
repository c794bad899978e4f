import type { AdapterConfig } from "../adapters/adapter.ts";
import { lastPart } from "../adapters/factors.ts";
import { checkTargetKinds } from "../adapters/initialise.ts";
import { linearNames, linearSizes } from "../models/base-weights.ts";
import type { ModelConfig } from "../models/config.ts";

/** A linear layer that an adapter changes. */
export interface TargetModule {
  name: string;
  size: { in: number; out: number };
}

/** The modules that an adapter of this config has: layer by layer, in the config's order. A kind that no layer has is a `ConfigError`. */
export function targetModulesOf(
  model: ModelConfig,
  config: Pick<AdapterConfig, "targetModules">,
): TargetModule[] {
  const first = "layers.0.";
  const names = linearNames(model).filter((name) => name.startsWith(first));
  const places = new Map(names.map((name) => [lastPart(name), name.slice(first.length)]));
  checkTargetKinds(places.keys(), config.targetModules);
  const sizes = linearSizes(model);
  return Array.from({ length: model.layers }, (_, layer) =>
    config.targetModules.map((target) => {
      const name = `layers.${layer}.${places.get(target)}`;
      return { name, size: sizes(name) };
    }),
  ).flat();
}
