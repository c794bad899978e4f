import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";
import { FormatError, UnsupportedError } from "../base/errors.ts";
import { explainSystemError, parseJson } from "../base/files.ts";
import { layOutSafetensors, openSafetensors, readTensor } from "../weights/safetensors.ts";
import { type Memory, type MemoryHeader, rowCount, rowWidth } from "./memory.ts";
import { checkRatio } from "./window.ts";

/** Raised when the layout changes. */
const formatVersion = 1;
const metadataKey = "parametric-rag.memory";
const tensorName = "rows";

/** Bytes before the rows: the header is written last, when all numbers are known, into this room. */
export const headerRoom = 64 * 1024;

const identity = z.object({ name: z.string(), fingerprint: z.string() });
const size = z.int().positive();
const count = z.int().nonnegative();
const headerSchema = z.object({
  formatVersion: z.literal(formatVersion),
  baseModel: identity,
  memoryModel: identity,
  layers: size,
  width: size,
  window: size,
  ratio: size,
  tokens: count,
  entries: count,
  openTokens: count,
  frame: z.array(z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() })),
});

/** The beginning of a memory's file, exactly `headerRoom` bytes; the rows follow (F32 [rows, layers · 2 · width]). */
export function encodeMemoryHeader(header: MemoryHeader): Uint8Array {
  const shape = [rowCount(header), rowWidth(header)];
  const metadata = { [metadataKey]: JSON.stringify({ formatVersion, ...header }) };
  const { header: bytes } = layOutSafetensors([{ name: tensorName, dtype: "F32", shape }], metadata);
  if (bytes.length > headerRoom) throw new Error("internal: the header of a memory is longer than its room");
  const padded = new Uint8Array(headerRoom).fill(0x20); // the format allows spaces after the JSON
  padded.set(bytes);
  new DataView(padded.buffer).setBigUint64(0, BigInt(headerRoom - 8), true);
  return padded;
}

/** A memory on disk. */
export interface MemoryFile extends Memory {
  /** The same memory from a file that stays open until `close`: meanwhile it may be replaced or deleted. */
  hold(): Promise<Memory & { close(): Promise<void> }>;
}

/** Opens a memory's file; rows are read when they are asked for. A malformed file is a `FormatError`. */
export async function openMemoryFile(path: string): Promise<MemoryFile> {
  const file = await openSafetensors(path);
  const text = file.metadata[metadataKey];
  if (text === undefined)
    throw new FormatError(`is no memory (no "${metadataKey}" in its metadata)`, { path });
  const version = parseJson(text, z.object({ formatVersion: z.int() }), path).formatVersion;
  if (version !== formatVersion) {
    throw new UnsupportedError(
      `${path} has format version ${version}, this version of parametric-rag reads ${formatVersion}; ${version > formatVersion ? "update parametric-rag" : "memorize the text again"}`,
    );
  }
  const { formatVersion: _version, ...header } = parseJson(text, headerSchema, path);
  checkNumbers(header, path);
  const entry = file.tensors.get(tensorName);
  const wanted = [rowCount(header), rowWidth(header)];
  if (entry?.dtype !== "F32" || entry.shape.join() !== wanted.join() || file.tensors.size !== 1) {
    throw new FormatError(
      `has ${file.tensors.size} tensors, "${tensorName}" ${entry ? `${entry.dtype} [${entry.shape.join(", ")}]` : "is missing"}, wanted F32 [${wanted.join(", ")}] alone; memorize the text again`,
      { path },
    );
  }
  const width = rowWidth(header);
  return {
    header,
    path,
    readRows: (begin, end) => readTensor(entry, { begin: begin * width, end: end * width }),
    async hold() {
      try {
        const held = await open(entry.file, "r");
        return { ...memoryIn(held, { header, path, offset: entry.offset }), close: () => held.close() };
      } catch (error) {
        throw explainSystemError(error, path);
      }
    },
  };
}

function checkNumbers(header: MemoryHeader, path: string): void {
  const { window, ratio, openTokens, entries, tokens } = header;
  try {
    checkRatio(ratio, window);
  } catch (cause) {
    throw new FormatError(`has the ratio ${ratio} for a window of ${window}`, { path, cause });
  }
  const finished = tokens - openTokens;
  const isPossible = openTokens < window && finished >= 0 && finished % window === 0;
  if (!isPossible || entries < finished / window || entries > finished / 2) {
    throw new FormatError(
      `counts ${tokens} tokens, ${openTokens} of them in the unfinished window of ${window}, and ${entries} entries, which do not fit one another`,
      { path },
    );
  }
}

/** A memory that is being written: its rows lie behind the room of the header. */
export function partialMemory(file: FileHandle, path: string, header: MemoryHeader): Memory {
  return memoryIn(file, { header, path, offset: headerRoom });
}

/** A memory whose rows begin at byte `offset` of an open file. */
function memoryIn(
  file: FileHandle,
  { header, path, offset }: { header: MemoryHeader; path: string; offset: number },
): Memory {
  const rowBytes = 4 * rowWidth(header);
  return {
    header,
    path,
    async readRows(begin, end) {
      const bytes = new Uint8Array((end - begin) * rowBytes);
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await file.read(
          bytes,
          done,
          bytes.length - done,
          offset + begin * rowBytes + done,
        );
        if (bytesRead === 0) throw new FormatError("ends before its rows do", { path });
        done += bytesRead;
      }
      return new Float32Array(bytes.buffer);
    },
  };
}
