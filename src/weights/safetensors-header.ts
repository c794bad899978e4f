import { z } from "zod";
import { FormatError, messageOf } from "../base/errors.ts";

/** Bytes of one element, by the number types of the format: https://github.com/huggingface/safetensors#format */
export const itemSizes = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** The number type of a stored tensor. */
export type Dtype = keyof typeof itemSizes;

/** Where a tensor's bytes lie: in `file` (a real path, no link) from byte `offset`, little-endian, row-major. */
export interface TensorEntry {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
  file: string;
  /** From the beginning of the file. */
  offset: number;
  byteLength: number;
}

const offset = z.int().nonnegative();
const entrySchema = z.object({
  dtype: z.custom<Dtype>((value) => typeof value === "string" && Object.hasOwn(itemSizes, value), {
    error: ({ input }) => `is ${JSON.stringify(input)}, wanted one of ${Object.keys(itemSizes).join(", ")}`,
  }),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([offset, offset]),
});
const metadataSchema = z.record(z.string(), z.string());

/** Which file a header belongs to. */
export interface HeaderContext {
  /** As the caller wrote it, for messages. */
  path: string;
  real: string;
  /** Of the file, in bytes. */
  size: number;
}

/** Parses and checks the JSON header (without its 8 length bytes): every byte of the data has exactly one owner. */
export function parseHeader(bytes: Uint8Array, { path, real, size }: HeaderContext) {
  const header = parseHeaderJson(bytes, path);
  const dataStart = 8 + bytes.length;
  let metadata: Record<string, string> = {};
  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = parseField(value, metadataSchema, name, path);
    else entries.push(parseEntry(name, value, { path, real, dataStart }));
  }
  checkCoverage(entries, { path, dataStart, size });
  return { metadata, tensors: new Map(entries.map((entry) => [entry.name, entry])) };
}

function parseHeaderJson(bytes: Uint8Array, path: string): object {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`the header is not valid JSON (${messageOf(error)})`, { path, cause: error });
  }
  if (!text.startsWith("{") || typeof header !== "object" || header === null) {
    throw new FormatError("the header is not a JSON object", { path });
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) {
    throw new FormatError(`the header names ${JSON.stringify(duplicate)} twice`, { path });
  }
  return header;
}

function parseField<T>(value: unknown, schema: z.ZodType<T>, name: string, path: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = [name, ...(issue?.path ?? [])].join(".");
  throw new FormatError(`header field "${field}": ${issue?.message ?? "is malformed"}`, { path });
}

function parseEntry(
  name: string,
  value: unknown,
  { path, real, dataStart }: { path: string; real: string; dataStart: number },
): TensorEntry {
  const { dtype, shape, data_offsets } = parseField(value, entrySchema, name, path);
  const [begin, end] = data_offsets;
  const byteLength = byteLengthOf(dtype, shape);
  if (end < begin || end - begin !== byteLength) {
    throw new FormatError(
      `tensor "${name}" of ${dtype} [${shape.join(", ")}] needs ${byteLength} bytes, its offsets ${begin}–${end} hold ${end - begin}`,
      { path },
    );
  }
  return { name, dtype, shape, file: real, offset: dataStart + begin, byteLength };
}

/** Bytes of a tensor; not a safe integer where the shape is absurd, which no offsets match. */
export function byteLengthOf(dtype: Dtype, shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, itemSizes[dtype]);
}

/** The format wants every byte of the data to belong to exactly one tensor. */
function checkCoverage(
  entries: readonly TensorEntry[],
  { path, dataStart, size }: { path: string; dataStart: number; size: number },
): void {
  let end = dataStart;
  const sorted = entries.toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  for (const entry of sorted) {
    if (entry.offset !== end) {
      const what = entry.offset < end ? "overlaps the tensor before it" : "leaves a hole before it";
      throw new FormatError(`tensor "${entry.name}" ${what}: begins at byte ${entry.offset}, wanted ${end}`, {
        path,
      });
    }
    end = entry.offset + entry.byteLength;
    if (end > size) {
      throw new FormatError(
        `tensor "${entry.name}" ends at byte ${end} but the file has ${size}: it is truncated; fetch it again`,
        { path },
      );
    }
  }
  if (end !== size) {
    throw new FormatError(`has ${size} bytes but its tensors end at byte ${end}`, { path });
  }
}

/** The first key that stands twice in one object of a valid JSON text (which `JSON.parse` would not tell). */
function findDuplicateKey(json: string): string | undefined {
  const objects: (Set<string> | undefined)[] = [];
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === "{") objects.push(new Set());
    else if (character === "[") objects.push(undefined);
    else if (character === "}" || character === "]") objects.pop();
    else if (character === '"') {
      const begin = i;
      i = endOfString(json, begin);
      const keys = objects.at(-1);
      if (!keys || !isFollowedByColon(json, i + 1)) continue;
      const key = String(JSON.parse(json.slice(begin, i + 1)));
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** Where the string that begins at `begin` has its closing quote. */
function endOfString(json: string, begin: number): number {
  let i = begin + 1;
  while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
  return i;
}

function isFollowedByColon(json: string, position: number): boolean {
  let i = position;
  while (json[i] === " " || json[i] === "\n" || json[i] === "\r" || json[i] === "\t") i++;
  return json[i] === ":";
}
