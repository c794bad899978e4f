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
 * Key and value buffers [1, K, capacity, Dh] of every layer, with a memory's rows at their positions, keys rotated.
 * `tail` are the rows of the memory's unfinished window. Whoever asked for the cache frees it.
 */
export async function createCache(
  runtime: Runtime,
  { config, capacity, memory }: { config: ModelConfig; capacity: number; memory?: Memory | undefined },
): Promise<{ cache: Record<string, ResidentTensor>; tail: Float32Array }> {
  const { keyValueHeads: K, headSize: Dh } = config;
  const names = cacheLayers(config).flatMap((layer) => [`pastKey${layer}`, `pastValue${layer}`]);
  const buffers = memory && names.map(() => new Float32Array(K * capacity * Dh));
  const tail =
    memory && buffers ? await fillBuffers(memory, { config, capacity, buffers }) : new Float32Array(0);
  const cache: Record<string, ResidentTensor> = {};
  try {
    for (const [i, name] of names.entries()) {
      const data = buffers?.[i] ?? new Float32Array(K * capacity * Dh);
      cache[name] = await runtime.createTensor({ dtype: "float32", dims: [1, K, capacity, Dh], data });
    }
  } catch (error) {
    for (const tensor of Object.values(cache)) await tensor.free();
    throw error;
  }
  return { cache, tail };
}

async function fillBuffers(
  memory: Memory,
  { config, capacity, buffers }: { config: ModelConfig; capacity: number; buffers: readonly Float32Array[] },
): Promise<Float32Array> {
  const { header } = memory;
  const { keyValueHeads: K, headSize: Dh } = config;
  const size = rowWidth(header);
  const count = rowCount(header);
  const rotate = createRotation(config);
  for (let begin = 0; begin < count; begin += pieceRows) {
    const end = Math.min(begin + pieceRows, count);
    const rows = await memory.readRows(begin, end);
    checkFinite(rows);
    for (let position = begin; position < end; position++) {
      const angles = rotate(position);
      buffers.forEach((buffer, i) => {
        for (let head = 0; head < K; head++) {
          const from = (position - begin) * size + (i * K + head) * Dh;
          const target = buffer.subarray(
            (head * capacity + position) * Dh,
            (head * capacity + position + 1) * Dh,
          );
          const source = rows.subarray(from, from + Dh);
          if (i % 2 === 0) turn(source, target, angles);
          else target.set(source);
        }
      });
    }
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

function checkFinite(rows: Float32Array): void {
  if (rows.every(Number.isFinite)) return;
  throw new FormatError("has numbers that are not finite; memorize the text again", { path: "the memory" });
}
