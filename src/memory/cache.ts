import { FormatError } from "../base/errors.ts";
import type { ModelConfig } from "../models/config.ts";
import { ropeFrequencies } from "../models/rope.ts";
import type { ResidentTensor, Runtime } from "../runtime/runtime.ts";
import { type Memory, rowCount, rowWidth } from "./memory.ts";

/** Rows that are read at a time. */
const pieceRows = 1024;

/** Numbers of the layers. */
export function cacheLayers({ layers }: ModelConfig): number[] {
  return Array.from({ length: layers }, (_, layer) => layer);
}

/**
 * Key and value buffers [1, K, capacity, Dh] of every layer, with a memory's rows at their positions, keys rotated. `tail`
 * are the rows of the memory's unfinished window. Rows are read and handed over piece by piece: beside the cache itself there
 * is never more than one of them. Whoever asked for the cache frees it.
 */
export async function createCache(
  runtime: Runtime,
  { config, capacity, memory }: { config: ModelConfig; capacity: number; memory?: Memory | undefined },
): Promise<{ cache: Record<string, ResidentTensor>; tail: Float32Array }> {
  const { keyValueHeads: K, headSize: Dh } = config;
  const names = cacheLayers(config).flatMap((layer) => [`pastKey${layer}`, `pastValue${layer}`]);
  const tensors = await runtime.allocate(names.map(() => [1, K, capacity, Dh]));
  try {
    const tail = memory
      ? await fillCache(runtime, memory, { config, capacity, tensors })
      : new Float32Array(0);
    return { cache: Object.fromEntries(names.map((name, i) => [name, tensors[i]!])), tail };
  } catch (error) {
    for (const tensor of tensors) await tensor.free();
    throw error;
  }
}

async function fillCache(
  runtime: Runtime,
  memory: Memory,
  {
    config,
    capacity,
    tensors,
  }: { config: ModelConfig; capacity: number; tensors: readonly ResidentTensor[] },
): Promise<Float32Array> {
  const { header } = memory;
  const { keyValueHeads: K, headSize: Dh } = config;
  const size = rowWidth(header);
  const count = rowCount(header);
  const rotate = createRotation(config);
  for (let begin = 0; begin < count; begin += pieceRows) {
    const end = Math.min(begin + pieceRows, count);
    const rows = await memory.readRows(begin, end);
    checkFinite(rows, memory.path);
    const angles = Array.from({ length: end - begin }, (_, n) => rotate(begin + n));
    const writes = tensors.flatMap((tensor, i) =>
      Array.from({ length: K }, (_, head) => {
        const data = new Float32Array((end - begin) * Dh);
        angles.forEach((angle, n) => {
          const from = n * size + (i * K + head) * Dh;
          const source = rows.subarray(from, from + Dh);
          const target = data.subarray(n * Dh, (n + 1) * Dh);
          if (i % 2 === 0) turn(source, target, angle);
          else target.set(source);
        });
        const offset = (head * capacity + begin) * Dh;
        return { to: { handle: tensor.handle, offset, length: data.length }, data };
      }),
    );
    await runtime.write(writes);
  }
  return memory.readRows(header.entries, count);
}

/** Cosines and sines of a position, halves rotated, in single precision as the graph's tables. */
function createRotation(config: ModelConfig): (position: number) => { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(config);
  return (position) => ({
    cos: Float32Array.from(frequencies, (frequency) => Math.cos(position * frequency)),
    sin: Float32Array.from(frequencies, (frequency) => Math.sin(position * frequency)),
  });
}

function turn(
  source: Float32Array,
  target: Float32Array,
  { cos, sin }: { cos: Float32Array; sin: Float32Array },
): void {
  const half = cos.length;
  for (let i = 0; i < half; i++) {
    const [a, b] = [source[i]!, source[i + half]!];
    target[i] = a * cos[i]! - b * sin[i]!;
    target[i + half] = b * cos[i]! + a * sin[i]!;
  }
}

function checkFinite(rows: Float32Array, path: string): void {
  if (rows.every(Number.isFinite)) return;
  throw new FormatError("has numbers that are not finite; memorize the text again", { path });
}
