import { Random } from "../base/random.ts";
import { type Adapter, scalingOf } from "./adapter.ts";
import { createFactors, type ModuleShape } from "./factors.ts";

/** The feed-forward linears of a small model. */
export function feedForwardShapes(layers = 2, hiddenSize = 6, feedForwardSize = 10): ModuleShape[] {
  return Array.from({ length: layers }, (_, layer) =>
    [
      { name: "gate_proj", inFeatures: hiddenSize, outFeatures: feedForwardSize },
      { name: "up_proj", inFeatures: hiddenSize, outFeatures: feedForwardSize },
      { name: "down_proj", inFeatures: feedForwardSize, outFeatures: hiddenSize },
    ].map((shape) => ({ ...shape, name: `layers.${layer}.mlp.${shape.name}` })),
  ).flat();
}

/** An adapter of normal random numbers. */
export function randomAdapter(
  seed: number,
  { rank = 2, alpha = 32, shapes = feedForwardShapes() } = {},
): Adapter {
  const random = new Random(seed);
  const modules = createFactors(shapes, rank);
  for (const { down, up } of modules.values()) {
    for (let i = 0; i < down.length; i++) down[i] = random.normal();
    for (let i = 0; i < up.length; i++) up[i] = random.normal();
  }
  return { config: { rank, alpha, targetModules: ["gate_proj", "up_proj", "down_proj"] }, modules };
}

/** ΔW [in · out] of one module in double precision; the straightforward definition that everything is compared with. */
export function denseDelta(adapter: Adapter, name: string): Float64Array {
  const factors = adapter.modules.get(name);
  if (!factors) throw new Error(`internal: no module ${name}`);
  const { down, up, inFeatures, outFeatures } = factors;
  const delta = new Float64Array(inFeatures * outFeatures);
  for (let r = 0; r < adapter.config.rank; r++)
    for (let i = 0; i < inFeatures; i++)
      for (let o = 0; o < outFeatures; o++)
        delta[i * outFeatures + o]! +=
          scalingOf(adapter.config) * down[r * inFeatures + i]! * up[r * outFeatures + o]!;
  return delta;
}

/** The largest difference of two arrays, relative to the largest number of the second. */
export function relativeError(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (got.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let [error, size] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    error = Math.max(error, Math.abs(got[i]! - wanted[i]!));
    size = Math.max(size, Math.abs(wanted[i]!));
  }
  return size === 0 ? error : error / size;
}
