import { access, type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { FormatError, systemCode } from "../base/errors.ts";
import { explainSystemError, parseJson, writeAtomic } from "../base/files.ts";

/*
 * One file: 8 bytes of magic, the length of the header and its CRC-32 (32 bits each, little-endian), the header as JSON, then one
 * record per passage, appended as they are made: its id (32 bytes, filled up with zeros), its vector (float32, little-endian) and
 * the CRC-32 of both. A last record that is cut off is what a killed writer left: it is ignored, and cut off by the next writer.
 */
const magic = "PRAGVECT";
const version = 1;
const prefixLength = magic.length + 8;
const idBytes = 32;
const blockBytes = 1 << 18;
const maxHeaderBytes = 1 << 16;

const headerSchema = z.object({
  version: z.literal(version),
  /** See `Embedder.identity`. */
  embedder: z.string(),
  dimensions: z
    .int()
    .min(1)
    .max(1 << 16),
  dtype: z.literal("f32"),
});

/** Whose vectors a file holds. */
export type VectorHeader = Pick<z.infer<typeof headerSchema>, "embedder" | "dimensions">;

/** Which passages are looked for in a file. */
export interface WantedPassages {
  count: number;
  ordinalOf(passageId: string): number | undefined;
}

/** The vectors of some passages. */
export interface LoadedVectors extends VectorHeader {
  /** By ordinal, [count, dimensions]; zeros where there is none. */
  rows: Float32Array;
  /** By ordinal; nothing where there is no vector. */
  ids: (string | undefined)[];
  /** Records that nobody looked for. */
  others: number;
}

/** Loads vectors; nothing where there is no file. A damaged or foreign file is a `FormatError`. */
export async function loadVectors(path: string, wanted: WantedPassages): Promise<LoadedVectors | undefined> {
  const file = await openIfPresent(path);
  if (!file) return undefined;
  try {
    const { header, end } = await readHeader(file, path);
    const { dimensions } = header;
    const rows = new Float32Array(wanted.count * dimensions);
    const bytes = new Uint8Array(rows.buffer);
    const ids = new Array<string | undefined>(wanted.count).fill(undefined);
    let others = 0;
    for await (const { id, vector } of recordsOf(file, { path, start: end, dimensions })) {
      const ordinal = wanted.ordinalOf(id);
      if (ordinal === undefined) others++;
      else {
        bytes.set(vector, ordinal * vector.length);
        ids[ordinal] = id;
      }
    }
    return { ...header, rows, ids, others };
  } finally {
    await file.close();
  }
}

/** The vector of one passage. */
export interface VectorRecord {
  id: string;
  vector: Float32Array;
}

/** Writes a file anew, atomically. */
export async function saveVectors(
  path: string,
  header: VectorHeader,
  records: Iterable<VectorRecord> = [],
): Promise<void> {
  await writeAtomic(path, Buffer.concat([headerBytes(header), ...Array.from(records, recordBytes)]));
}

/** An open file of vectors: what `append` was given is on disk when its promise resolves. */
export interface VectorWriter {
  append(records: readonly VectorRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens a file for the one writer there is, and cuts off a half-written last record. */
export async function openVectorWriter(path: string): Promise<VectorWriter> {
  const file = await openIfPresent(path, "a+");
  if (!file) throw new Error(`internal: ${path} is to be saved before it is appended to`);
  try {
    const { header, end } = await readHeader(file, path);
    const { size } = await file.stat();
    await file.truncate(size - ((size - end) % recordSize(header.dimensions)));
  } catch (error) {
    await file.close();
    throw explainSystemError(error, path);
  }
  return {
    async append(records) {
      const { size } = await file.stat();
      try {
        await file.appendFile(Buffer.concat(records.map(recordBytes)));
        await file.datasync();
      } catch (error) {
        await file.truncate(size).catch(() => undefined); // what a full disk took of it
        throw explainSystemError(error, path);
      }
    },
    close: () => file.close(),
  };
}

const recordSize = (dimensions: number) => idBytes + 4 * dimensions + 4;

function recordBytes({ id, vector }: VectorRecord): Buffer {
  const bytes = Buffer.alloc(recordSize(vector.length));
  if (id.length > idBytes || bytes.write(id, "latin1") === 0)
    throw new Error(`internal: the passage id "${id}" has not 1 to ${idBytes} characters`);
  bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), idBytes);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

function headerBytes({ embedder, dimensions }: VectorHeader): Buffer {
  const header: z.input<typeof headerSchema> = { version, embedder, dimensions, dtype: "f32" };
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(prefixLength);
  prefix.write(magic, "latin1");
  prefix.writeUInt32LE(json.length, magic.length);
  prefix.writeUInt32LE(crc32(json), magic.length + 4);
  return Buffer.concat([prefix, json]);
}

async function readHeader(file: FileHandle, path: string): Promise<{ header: VectorHeader; end: number }> {
  const prefix = await readFrom(file, 0, prefixLength);
  if (prefix.length < prefixLength || prefix.toString("latin1", 0, magic.length) !== magic)
    throw damaged("holds no vectors of passages", path);
  const length = prefix.readUInt32LE(magic.length);
  if (length > maxHeaderBytes) throw damaged("has a damaged header", path);
  const json = await readFrom(file, prefixLength, length);
  if (json.length < length || crc32(json) !== prefix.readUInt32LE(magic.length + 4))
    throw damaged("has a damaged header", path);
  const text = json.toString("utf8");
  const { version: found } = parseJson(text, z.looseObject({ version: z.number() }), path);
  if (found !== version) throw damaged(`has format version ${found}, wanted ${version}`, path);
  const { embedder, dimensions } = parseJson(text, headerSchema, path);
  return { header: { embedder, dimensions }, end: prefixLength + length };
}

/** All whole records. What they give is valid until the next one is asked for. */
async function* recordsOf(
  file: FileHandle,
  { path, start, dimensions }: { path: string; start: number; dimensions: number },
): AsyncGenerator<{ id: string; vector: Uint8Array }> {
  const size = recordSize(dimensions);
  const perBlock = Math.max(1, Math.floor(blockBytes / size));
  for (let position = start; ; position += perBlock * size) {
    const block = await readFrom(file, position, perBlock * size);
    for (let at = 0; at + size <= block.length; at += size) {
      const record = block.subarray(at, at + size);
      if (crc32(record.subarray(0, -4)) !== record.readUInt32LE(size - 4))
        throw damaged(`is damaged (the checksum of record ${(position + at - start) / size} differs)`, path);
      const id = record.toString("latin1", 0, idBytes).replace(/\0+$/, "");
      yield { id, vector: record.subarray(idBytes, size - 4) };
    }
    if (block.length < perBlock * size) return;
  }
}

/** The bytes from a position on, fewer at the end of the file. */
async function readFrom(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; ; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    done += bytesRead;
    if (bytesRead === 0 || done === length) return bytes.subarray(0, done);
  }
}

async function openIfPresent(path: string, flags: "r" | "a+" = "r"): Promise<FileHandle | undefined> {
  try {
    if (flags === "a+") await access(path); // which would make the file
    return await open(path, flags);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw explainSystemError(error, path);
  }
}

function damaged(what: string, path: string): FormatError {
  return new FormatError(`${what}; delete the file, and the vectors are made anew`, { path });
}
