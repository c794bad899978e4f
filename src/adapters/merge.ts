import { ConfigError, ShapeError } from "../base/errors.ts";
import { type Adapter, type LoraFactors, scalingOf } from "./adapter.ts";
import { createFactors, type ModuleShape } from "./factors.ts";

/**
 * How much each of k adapters counts. `sum` (the paper's): w = 1 each. `mean`: w = 1/k each. `score`: w = k · score / Σ scores,
 * so that equal scores give `sum`, and `scale` 1/k makes it an average.
 */
export type MergeWeights = "sum" | "mean" | "score";

/** See `merge`. */
export interface MergeOptions {
  weights?: MergeWeights | undefined;
  /** One per adapter, not negative, not all 0; needed by `score` only. */
  scores?: readonly number[] | undefined;
  /** Multiplies every weight. */
  scale?: number | undefined;
}

/**
 * Many adapters → one, by concatenating ranks: ΔW = Σ w · (alpha / rank) · ΔW of each, exact. Weight and scaling are baked into `down`
 * as PEFT's `cat` does, so the result has alpha = rank. Ranks may differ; a module that an adapter lacks adds nothing.
 */
export function merge(
  adapters: readonly Adapter[],
  { weights = "sum", scores, scale = 1 }: MergeOptions = {},
): Adapter {
  if (!adapters.length) throw new ConfigError("merge needs at least one adapter, got none");
  if (!Number.isFinite(scale)) throw new ConfigError(`scale must be a finite number, got ${scale}`);
  const weightOf = mergeWeights(adapters.length, weights, scores);
  const rank = adapters.reduce((sum, { config }) => sum + config.rank, 0);
  const shapes = commonShapes(adapters);
  const modules = createFactors(shapes, rank);
  const factors = adapters.map(({ config }, i) => scale * weightOf[i]! * scalingOf(config));
  for (const [name, merged] of modules) {
    let firstRow = 0;
    adapters.forEach(({ config, modules: own }, i) => {
      const from = own.get(name);
      if (from) copyRows(from, merged, { firstRow, factor: factors[i]! });
      firstRow += config.rank;
    });
  }
  const targetModules = [...new Set(adapters.flatMap(({ config }) => config.targetModules))];
  return { config: { rank, alpha: rank, targetModules }, modules };
}

/** The same delta with its scaling inside `down` (alpha = rank). Adapters kept like this are summed by copying alone. */
export function bake(adapter: Adapter): Adapter {
  return scalingOf(adapter.config) === 1 ? adapter : merge([adapter]);
}

function mergeWeights(count: number, weights: MergeWeights, scores: readonly number[] | undefined): number[] {
  if (weights !== "score") return new Array<number>(count).fill(weights === "sum" ? 1 : 1 / count);
  if (scores?.length !== count)
    throw new ConfigError(
      `merge weights "score" need one score per adapter (${count}), got ${scores?.length ?? "none"}`,
    );
  const total = scores.reduce((sum, score) => sum + score, 0);
  if (!(total > 0 && Number.isFinite(total)) || scores.some((score) => score < 0))
    throw new ConfigError(
      `merge weights "score" need scores that are not negative and not all 0, got ${scores.join(", ")}; use "sum" or "mean"`,
    );
  return scores.map((score) => (count * score) / total);
}

/** The union of the modules, in the order of their first appearance. */
function commonShapes(adapters: readonly Adapter[]): ModuleShape[] {
  const shapes = new Map<string, ModuleShape>();
  for (const { modules } of adapters)
    for (const [name, { inFeatures, outFeatures }] of modules) {
      const first = shapes.get(name);
      if (!first) shapes.set(name, { name, inFeatures, outFeatures });
      else if (first.inFeatures !== inFeatures || first.outFeatures !== outFeatures)
        throw new ShapeError(
          `adapters of different sizes at ${name} cannot be merged; use adapters of one base model`,
          [
            [first.inFeatures, first.outFeatures],
            [inFeatures, outFeatures],
          ],
        );
    }
  return [...shapes.values()];
}

/** Rows are contiguous, so with factor 1 both are plain memory copies. */
function copyRows(
  from: LoraFactors,
  to: LoraFactors,
  { firstRow, factor }: { firstRow: number; factor: number },
): void {
  const start = firstRow * from.inFeatures;
  to.up.set(from.up, firstRow * from.outFeatures);
  if (factor === 1) to.down.set(from.down, start);
  else multiply(from.down, to.down.subarray(start, start + from.down.length), factor);
}

function multiply(from: Float32Array, to: Float32Array, factor: number): void {
  for (let i = 0; i < from.length; i++) to[i] = factor * from[i]!;
}
