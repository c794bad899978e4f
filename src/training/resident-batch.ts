import type { HostTensor, ResidentTensor, Runtime } from "../runtime/runtime.ts";
import { layOut, type PackedBatch, type PackedRow } from "./packing.ts";

/** A batch whose tensors lie in the worker. */
export interface ResidentBatch {
  layout: PackedBatch;
  tensors: Record<string, ResidentTensor>;
}

/** Keeps the batch of the last rows resident, since the same rows often come again. */
export async function withBatches(
  runtime: Runtime,
  body: (batchOf: (rows: readonly PackedRow[]) => Promise<ResidentBatch>) => Promise<void>,
): Promise<void> {
  let current: { rows: readonly PackedRow[]; batch: ResidentBatch } | undefined;
  const free = async () => {
    for (const tensor of Object.values(current?.batch.tensors ?? {})) await tensor.free();
  };
  try {
    await body(async (rows) => {
      if (current && rows.every((row, i) => row === current!.rows[i])) return current.batch;
      await free();
      current = { rows, batch: await createBatch(runtime, layOut(rows)) };
      return current.batch;
    });
  } finally {
    await free();
  }
}

async function createBatch(runtime: Runtime, layout: PackedBatch): Promise<ResidentBatch> {
  const { rows: B, tokens: T } = layout;
  const feeds: Record<string, HostTensor> = {
    ids: { dtype: "int64", dims: [B, T], data: layout.ids },
    positions: { dtype: "int64", dims: [B, T], data: layout.positions },
    mask: { dtype: "float32", dims: [B, 1, 1, T, T], data: layout.mask },
    rows: { dtype: "int64", dims: [layout.places.length / 2, 2], data: layout.places },
    picks: { dtype: "int64", dims: [layout.picks.length / 2, 2], data: layout.picks },
    weights: { dtype: "float32", dims: [layout.weights.length], data: layout.weights },
  };
  const tensors: Record<string, ResidentTensor> = {};
  for (const [name, tensor] of Object.entries(feeds)) tensors[name] = await runtime.createTensor(tensor);
  return { layout, tensors };
}
