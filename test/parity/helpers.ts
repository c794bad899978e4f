import { join } from "node:path";
import { expect } from "vitest";
import { type Adapter, scalingOf } from "../../src/adapters/adapter.ts";
import { factorInputs, loraLinear } from "../../src/adapters/lora-linear.ts";
import type { DecodingSession } from "../../src/generation/decoding-session.ts";
import { toOnnx } from "../../src/graph/onnx.ts";
import type { Model } from "../../src/models/open-model.ts";
import { createScoringGraph } from "../../src/models/training-graph.ts";
import type { HostTensor, Runtime } from "../../src/runtime/runtime.ts";

/** Folder of the fixtures; its README tells what they are and which tolerance is meant. */
export const fixtures = join(import.meta.dirname, "fixtures");

export function int64(values: readonly number[], dims: readonly number[]): HostTensor {
  return { dtype: "int64", dims, data: BigInt64Array.from(values, BigInt) };
}

/** [1, 1, 1, T, T]: each token sees itself and what came before. */
export function causalMask(T: number): HostTensor {
  const data = new Float32Array(T * T).fill(-1e9);
  for (let row = 0; row < T; row++) data.fill(0, row * T, row * T + row + 1);
  return { dtype: "float32", dims: [1, 1, 1, T, T], data };
}

/** The numbers of a tensor that must be float32. */
export function floats(tensor: HostTensor | undefined): Float32Array {
  if (tensor?.dtype !== "float32") throw new Error(`wanted float32, got ${tensor?.dtype}`);
  return tensor.data;
}

/** Largest absolute difference of two vectors of equal length. */
export function largestDifference(got: Float32Array, wanted: Float32Array): number {
  expect(got.length).toBe(wanted.length);
  return wanted.reduce((max, x, i) => Math.max(max, Math.abs(got[i]! - x)), 0);
}

/** Logits [positions, V] of one sequence by the differentiable forward pass, with an adapter if one is given. */
export async function scoreLogits(
  runtime: Runtime,
  model: Model,
  { ids, positions, adapter }: { ids: readonly number[]; positions: readonly number[]; adapter?: Adapter },
): Promise<HostTensor> {
  const T = ids.length;
  const modules = [...(adapter?.modules ?? [])];
  const factors = new Map(
    modules.map(([name, { inFeatures, outFeatures }]) => [
      name,
      factorInputs(name, { in: inFeatures, out: outFeatures }),
    ]),
  );
  const scaling = adapter ? scalingOf(adapter.config) : 1;
  const graph = createScoringGraph(model, {
    positions: T,
    adapt: (base) => loraLinear(base, { factors, scaling }),
  });
  const session = await runtime.openSession(toOnnx({ logits: graph.logits }, { folder: graph.folder }));
  try {
    const feeds: Record<string, HostTensor> = {
      ids: int64(ids, [1, T]),
      positions: int64([...ids.keys()], [1, T]),
      mask: causalMask(T),
      rows: int64(
        positions.flatMap((t) => [0, t]),
        [positions.length, 2],
      ),
    };
    for (const [name, { down, up, inFeatures, outFeatures }] of modules) {
      const rank = adapter!.config.rank;
      feeds[factors.get(name)!.down.name] = { dtype: "float32", dims: [1, rank, inFeatures], data: down };
      feeds[factors.get(name)!.up.name] = { dtype: "float32", dims: [1, rank, outFeatures], data: up };
    }
    return (await session.run(feeds)).values.logits!;
  } finally {
    await session.dispose();
  }
}

/** A row to be continued greedily; it ends after `count` tokens. */
export interface GreedyRow {
  prompt: readonly number[];
  count: number;
  adapter?: Adapter | undefined;
}

/** Continues rows in one batch; a row that has ended is fed nothing while others go on. */
export async function greedyIds(session: DecodingSession, rows: readonly GreedyRow[]): Promise<number[][]> {
  const capacity = Math.max(...rows.map(({ prompt, count }) => prompt.length + count));
  const batch = await session.openBatch(
    rows.map(({ adapter }) => adapter),
    capacity,
  );
  const chosen: number[][] = rows.map(() => []);
  try {
    let logits = await batch.feed(rows.map(({ prompt }) => prompt));
    while (true) {
      rows.forEach(({ count }, i) => {
        if (chosen[i]!.length < count) chosen[i]!.push(indexOfLargest(logits[i]!));
      });
      if (rows.every(({ count }, i) => chosen[i]!.length === count)) return chosen;
      logits = await batch.feed(
        rows.map(({ count }, i) => (chosen[i]!.length < count ? [chosen[i]!.at(-1)!] : [])),
      );
    }
  } finally {
    await batch.dispose();
  }
}

export function indexOfLargest(values: Float32Array): number {
  return values.indexOf(values.reduce((a, b) => Math.max(a, b)));
}
