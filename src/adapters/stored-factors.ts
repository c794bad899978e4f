import { ConfigError, FormatError } from "../base/errors.ts";
import { float16FromFloat32, float32FromFloat16, float32FromInt8, int8FromFloat32 } from "../weights/half.ts";
import type { TensorData, TensorEntry } from "../weights/safetensors.ts";
import type { AdapterDtype } from "./size.ts";

/** One factor to be stored: [R, width] numbers and the name of its tensor. */
export interface Factor {
  name: string;
  rank: number;
  data: Float32Array;
}

/** How the numbers of a factor become tensors, by the adapter's number type. */
export const storeFactor: { [D in AdapterDtype]: (factor: Factor) => TensorData[] } = {
  f32: ({ name, rank, data }) => [{ name, dtype: "F32", shape: [rank, data.length / rank], data }],
  f16: (factor) => [storeFloat16(factor)],
  int8: storeInt8,
};

function storeFloat16({ name, rank, data }: Factor): TensorData {
  const halves = float16FromFloat32(data);
  if (halves.some((bits) => (bits & 0x7c00) === 0x7c00))
    throw new ConfigError(
      `${name} has a number beyond f16's 65504; store this adapter as f32 (--adapter-dtype f32)`,
    );
  return { name, dtype: "F16", shape: [rank, data.length / rank], data: halves };
}

/** Symmetric, one scale per rank row: rows of a factor may differ much in size, numbers of one row do not. */
function storeInt8({ name, rank, data }: Factor): TensorData[] {
  const width = data.length / rank;
  const bytes = new Int8Array(data.length);
  const scales = new Float32Array(rank);
  for (let row = 0; row < rank; row++) {
    const numbers = data.subarray(row * width, (row + 1) * width);
    const scale = Math.fround(numbers.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / 127);
    scales[row] = scale;
    if (scale > 0) bytes.set(int8FromFloat32(numbers, scale), row * width);
  }
  return [
    { name, dtype: "I8", shape: [rank, width], data: bytes },
    { name: scaleName(name), dtype: "F32", shape: [rank], data: scales },
  ];
}

/** The tensor of the row scales of an int8 factor. */
function scaleName(name: string): string {
  return `${name}_scale`;
}

/** The bytes of a file's tensors, by name; they begin at a multiple of their numbers' size. */
export interface StoredTensors {
  path: string;
  get(name: string): { entry: TensorEntry; bytes: Uint8Array<ArrayBuffer> } | undefined;
}

/** Reads one factor [R, width] back; a missing tensor or one of another form is a `FormatError`. */
export function readFactor(
  tensors: StoredTensors,
  name: string,
  { rank, dtype }: { rank: number; dtype: AdapterDtype },
): { data: Float32Array; width: number } {
  const { entry, bytes } = getTensor(tensors, name, fileDtypes[dtype]);
  const width = entry.shape[1];
  if (entry.shape.length !== 2 || entry.shape[0] !== rank || !width)
    throw new FormatError(`tensor "${name}" is [${entry.shape.join(", ")}], wanted [${rank}, its features]`, {
      path: tensors.path,
    });
  const count = rank * width;
  if (dtype === "f32") return { data: new Float32Array(bytes.buffer, bytes.byteOffset, count), width };
  if (dtype === "f16")
    return { data: float32FromFloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, count)), width };
  const scales = readScales(tensors, scaleName(name), rank);
  const data = new Float32Array(bytes.length);
  const numbers = new Int8Array(bytes.buffer, bytes.byteOffset, count);
  scales.forEach((scale, row) => {
    data.set(float32FromInt8(numbers.subarray(row * width, (row + 1) * width), scale), row * width);
  });
  return { data, width };
}

const fileDtypes = { f32: "F32", f16: "F16", int8: "I8" } satisfies {
  [D in AdapterDtype]: TensorEntry["dtype"];
};

function readScales(tensors: StoredTensors, name: string, rank: number): Float32Array {
  const { entry, bytes } = getTensor(tensors, name, "F32");
  if (entry.shape.length !== 1 || entry.shape[0] !== rank)
    throw new FormatError(`tensor "${name}" is [${entry.shape.join(", ")}], wanted [${rank}]`, {
      path: tensors.path,
    });
  return new Float32Array(bytes.buffer, bytes.byteOffset, rank);
}

function getTensor({ path, get }: StoredTensors, name: string, dtype: TensorEntry["dtype"]) {
  const tensor = get(name);
  if (!tensor) throw new FormatError(`tensor "${name}" is missing`, { path });
  if (tensor.entry.dtype !== dtype)
    throw new FormatError(`tensor "${name}" is ${tensor.entry.dtype}, wanted ${dtype}`, { path });
  return tensor;
}
