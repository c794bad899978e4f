import { ConfigError, EngineError, FormatError, messageOf, ShapeError } from "../base/errors.ts";
import type { Adapter, LoraFactors } from "./adapter.ts";

/** Name and size of one linear of the base model: y [out] = x [in] W. */
export interface ModuleShape {
  /** As in `Adapter.modules`: `layers.0.mlp.gate_proj`. */
  name: string;
  inFeatures: number;
  outFeatures: number;
}

/** The sizes of an adapter's modules, in its order. */
export function shapesOf(adapter: Adapter): ModuleShape[] {
  return [...adapter.modules].map(([name, { inFeatures, outFeatures }]) => ({
    name,
    inFeatures,
    outFeatures,
  }));
}

/** Factors of zeros, [R, in] and [R, out] per module. All share one buffer, so that an adapter is moved or copied in one piece. */
export function createFactors(shapes: readonly ModuleShape[], rank: number): Map<string, LoraFactors> {
  const numbers = shapes.reduce(
    (sum, { inFeatures, outFeatures }) => sum + rank * (inFeatures + outFeatures),
    0,
  );
  const all = new Float32Array(numbers);
  let taken = 0;
  const take = (count: number) => all.subarray(taken, (taken += count));
  return new Map(
    shapes.map(({ name, inFeatures, outFeatures }) => [
      name,
      { down: take(rank * inFeatures), up: take(rank * outFeatures), inFeatures, outFeatures },
    ]),
  );
}

/** Throws a `ShapeError` where factors and rank disagree, and a `ConfigError` where a number is not finite. */
export function checkAdapter({ config: { rank, alpha }, modules }: Adapter): void {
  if (!(Number.isInteger(rank) && rank > 0) || !(Number.isFinite(alpha) && alpha > 0))
    throw new ConfigError(
      `rank must be a positive integer and alpha positive, got rank ${rank}, alpha ${alpha}`,
    );
  for (const [name, { down, up, inFeatures, outFeatures }] of modules) {
    checkSize(`${name} down`, down, [rank, inFeatures]);
    checkSize(`${name} up`, up, [rank, outFeatures]);
  }
}

/** `checkAdapter` for what was read from a file: what is wrong with it is a `FormatError`. */
export function checkLoaded(adapter: Adapter, path: string): void {
  try {
    checkAdapter(adapter);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new FormatError(messageOf(error), { path, cause: error });
  }
}

function checkSize(what: string, data: Float32Array, [rows, columns]: [number, number]): void {
  if (data.length !== rows * columns)
    throw new ShapeError(`${what} must have ${rows * columns} numbers, got ${data.length}`, [
      [rows, columns],
    ]);
  if (!isAllFinite(data))
    throw new ConfigError(
      `${what} has a number that is not finite: the training diverged; lower its learning rate`,
    );
}

function isAllFinite(data: Float32Array): boolean {
  let zero = 0; // 0 · x is NaN for what is not finite: one pass without branches, since a store loads millions of numbers
  for (let i = 0; i < data.length; i++) zero += 0 * data[i]!;
  return zero === 0;
}

/** Throws a `ShapeError` unless every module of the adapter is a linear of the model, of the same size. */
export function checkFits(adapter: Adapter, model: readonly ModuleShape[]): void {
  const known = new Map(model.map((shape) => [shape.name, shape]));
  for (const { name, inFeatures, outFeatures } of shapesOf(adapter)) {
    const wanted = known.get(name);
    if (!wanted)
      throw new ShapeError(`the base model has no linear ${name}; use an adapter made for this model`);
    if (wanted.inFeatures !== inFeatures || wanted.outFeatures !== outFeatures)
      throw new ShapeError(
        `${name} of the base model has [in, out] = [${wanted.inFeatures}, ${wanted.outFeatures}], the adapter has [${inFeatures}, ${outFeatures}]; use an adapter made for this model`,
        [
          [wanted.inFeatures, wanted.outFeatures],
          [inFeatures, outFeatures],
        ],
      );
  }
}

const projections = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/** The model's order of module names: layer by layer, attention before feed-forward, gate, up, down. For files that sort by name. */
export function compareModuleNames(a: string, b: string): number {
  const [left, right] = [orderOf(a), orderOf(b)];
  return left.layer - right.layer || left.projection - right.projection || (a < b ? -1 : a > b ? 1 : 0);
}

function orderOf(name: string): { layer: number; projection: number } {
  const projection = projections.indexOf(lastPart(name));
  return {
    layer: Number(/(?:^|\.)layers\.(\d+)\./.exec(name)?.[1] ?? -1),
    projection: projection < 0 ? projections.length : projection,
  };
}

/** `gate_proj` of `layers.0.mlp.gate_proj`. */
export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
