import type { Adapter } from "../../src/adapters/adapter.ts";
import { feedForwardModules } from "../../src/adapters/adapter.ts";
import { createInitialAdapter } from "../../src/adapters/initialise.ts";
import { Random } from "../../src/base/random.ts";
import type { ModelConfig } from "../../src/models/config.ts";
import { targetModulesOf } from "../../src/training/target-modules.ts";

/** Attention too, so that more than the default targets is compared. */
export const drawnTargets = ["q_proj", "v_proj", ...feedForwardModules];

/** A deterministic adapter of rank 3, alpha 16, whose `up` is uniform: no function whose last bit a machine may choose. */
export function createDrawnAdapter(model: ModelConfig): Adapter {
  const config = { rank: 3, alpha: 16, targetModules: drawnTargets };
  const shapes = targetModulesOf(model, config).map(({ name, size }) => ({
    name,
    inFeatures: size.in,
    outFeatures: size.out,
  }));
  const adapter = createInitialAdapter(shapes, config, "drawn adapter");
  const random = new Random("drawn adapter up");
  for (const { up } of adapter.modules.values())
    for (let i = 0; i < up.length; i++) up[i] = 0.1 * (2 * random.next() - 1);
  return adapter;
}
