import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { FormatError, UnsupportedError } from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import { float32FromBfloat16, float32FromFloat16 } from "./half.ts";
import { byteLengthOf, type Dtype, itemSizes, parseHeader, type TensorEntry } from "./safetensors-header.ts";

export type { Dtype, TensorEntry } from "./safetensors-header.ts";

/** A safetensors file whose header has been read and checked. */
export interface SafetensorsFile {
  /** Real path, no link. */
  path: string;
  metadata: Readonly<Record<string, string>>;
  tensors: ReadonlyMap<string, TensorEntry>;
}

/** The limit that the format's other readers set too. */
const maxHeaderBytes = 100_000_000;
const maxReadBytes = 2 ** 30;

/** Reads and checks the header of a safetensors file; the data is not read. A malformed file is a `FormatError`. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  let file: FileHandle | undefined;
  try {
    const real = await realpath(path);
    if (!(await stat(real)).isFile()) throw new FormatError("is not a file", { path });
    file = await open(real, "r");
    const { size } = await file.stat();
    const header = await readHeader(file, size, path);
    return { path: real, ...parseHeader(header, { path, real, size }) };
  } catch (error) {
    throw explainSystemError(error, path);
  } finally {
    await file?.close();
  }
}

async function readHeader(file: FileHandle, size: number, path: string): Promise<Uint8Array> {
  if (size < 8) {
    throw new FormatError(`has ${size} bytes, too few for a safetensors file; fetch it again`, { path });
  }
  const lengthBytes = await readFully(file, { path, offset: 0, byteLength: 8 });
  const length = Buffer.from(lengthBytes.buffer).readBigUInt64LE();
  if (length > BigInt(maxHeaderBytes)) {
    throw new FormatError(
      `states a header of ${length} bytes, more than the ${maxHeaderBytes} allowed; it is not a safetensors file or is damaged`,
      { path },
    );
  }
  if (8 + Number(length) > size) {
    throw new FormatError(
      `states a header of ${length} bytes but has ${size} bytes in all: it is truncated; fetch it again`,
      { path },
    );
  }
  return await readFully(file, { path, offset: 8, byteLength: Number(length) });
}

async function readFully(
  file: FileHandle,
  { path, offset, byteLength }: { path: string; offset: number; byteLength: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(byteLength);
  for (let done = 0; done < byteLength; ) {
    const length = Math.min(byteLength - done, maxReadBytes);
    const { bytesRead } = await file.read(bytes, done, length, offset + done);
    if (bytesRead === 0) {
      throw new FormatError(
        `ends at byte ${offset + done}, wanted ${byteLength} bytes from ${offset}: it was changed or truncated`,
        { path },
      );
    }
    done += bytesRead;
  }
  return bytes;
}

/** The bytes of a tensor as they are stored, or of a part of it (`begin`, `end` in bytes from its beginning). */
export async function readRaw(
  entry: TensorEntry,
  { begin = 0, end = entry.byteLength } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  let file: FileHandle | undefined;
  try {
    file = await open(entry.file, "r");
    return await readFully(file, {
      path: entry.file,
      offset: entry.offset + begin,
      byteLength: end - begin,
    });
  } catch (error) {
    throw explainSystemError(error, entry.file);
  } finally {
    await file?.close();
  }
}

/** Reads a tensor of F32, F16 or BF16 as float32, in row-major order, or a part of it (`begin`, `end` in numbers). */
export async function readTensor(
  entry: TensorEntry,
  { begin = 0, end }: { begin?: number; end?: number } = {},
): Promise<Float32Array> {
  const convert = toFloat32[entry.dtype];
  if (!convert) {
    throw new UnsupportedError(
      `${entry.file}: tensor "${entry.name}" is ${entry.dtype}, wanted F32, F16 or BF16; convert the checkpoint`,
    );
  }
  const itemSize = itemSizes[entry.dtype];
  const range = { begin: begin * itemSize, end: end === undefined ? entry.byteLength : end * itemSize };
  return convert((await readRaw(entry, range)).buffer);
}

/** How the bytes of a number type become float32; types without an entry do not. */
export const toFloat32: { readonly [D in Dtype]?: (bytes: ArrayBuffer) => Float32Array } = {
  F32: (bytes) => new Float32Array(bytes),
  F16: (bytes) => float32FromFloat16(new Uint16Array(bytes)),
  BF16: (bytes) => float32FromBfloat16(new Uint16Array(bytes)),
};

/** What a tensor is called and how it is stored. */
export type TensorLayout = Pick<TensorEntry, "name" | "dtype" | "shape">;

/** A tensor to be written. `data` holds its numbers in the form of `dtype` (F16 and BF16 as a `Uint16Array`). */
export interface TensorData extends TensorLayout {
  data: ArrayBufferView;
}

/**
 * The beginning of a safetensors file and the order in which the tensors' bytes follow: larger number types first (so
 * that each is aligned), then by name. Equal input gives equal bytes, whatever its order.
 */
export function layOutSafetensors<T extends TensorLayout>(
  tensors: readonly T[],
  metadata: Readonly<Record<string, string>> = {},
): { header: Uint8Array; ordered: T[]; byteLength: number } {
  const ordered = tensors.toSorted(
    (a, b) => itemSizes[b.dtype] - itemSizes[a.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const fields: [string, unknown][] = [];
  const keys = Object.keys(metadata).sort();
  if (keys.length) fields.push(["__metadata__", Object.fromEntries(keys.map((key) => [key, metadata[key]]))]);
  if (new Set(tensors.map(({ name }) => name)).size < tensors.length) {
    throw new Error("internal: two tensors of one name");
  }
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    const begin = end;
    end += byteLengthOf(dtype, shape);
    fields.push([name, { dtype, shape, data_offsets: [begin, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)));
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return { header, ordered, byteLength: header.length + end };
}

/** The bytes of a safetensors file with these tensors. */
export function encodeSafetensors(
  tensors: readonly TensorData[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const { header, ordered, byteLength } = layOutSafetensors(tensors, metadata);
  const bytes = new Uint8Array(byteLength);
  bytes.set(header);
  let position = header.length;
  for (const { name, dtype, shape, data } of ordered) {
    const wanted = byteLengthOf(dtype, shape);
    if (data.byteLength !== wanted) {
      throw new Error(
        `internal: tensor ${name} of ${dtype} [${shape.join(", ")}] needs ${wanted} bytes, got ${data.byteLength}`,
      );
    }
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += wanted;
  }
  return bytes;
}
