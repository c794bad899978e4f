import { join } from "node:path";
import type { HostTensor } from "../../src/runtime/runtime.ts";

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
