import { closeSync, openSync, readSync } from "node:fs";
import type { z } from "zod";
import { FormatError } from "../base/errors.ts";
import { explainSystemError, parseJson } from "../base/files.ts";

/** A JSONL file whose rows begin with their id, opened to be read row by row without keeping it in memory. */
export interface Rows<T> {
  readonly count: number;
  row(ordinal: number): T;
  /** The ordinal of the row with this id, if there is one. */
  find(id: string): number | undefined;
  close(): void;
}

const blockSize = 1 << 20;
const prefix = '{"id":"';
const idLength = 32;

/**
 * Opens the rows of a file. Only the places of its lines are kept (8 bytes each), and the ids once one was looked for.
 * The open file outlives its removal, so a reader is not disturbed by a writer.
 */
export function openRows<T>(path: string, schema: z.ZodType<T>): Rows<T> {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    throw explainSystemError(error, path);
  }
  let ends: number[];
  try {
    ends = lineEnds(file);
  } catch (error) {
    closeSync(file);
    throw explainSystemError(error, path);
  }
  let ordinals: Map<string, number> | undefined;
  const startOf = (ordinal: number) => (ordinal === 0 ? 0 : (ends[ordinal - 1] ?? 0) + 1);
  return {
    count: ends.length,
    row(ordinal) {
      const end = ends[ordinal];
      if (end === undefined)
        throw new Error(`internal: ${path} has ${ends.length} rows, wanted row ${ordinal}`);
      const start = startOf(ordinal);
      return parseJson(readText(file, start, end), schema, `${path}:${ordinal + 1}`);
    },
    find(id) {
      ordinals ??= new Map(ends.map((_, i) => [readId(file, startOf(i), `${path}:${i + 1}`), i]));
      return ordinals.get(id);
    },
    close: () => closeSync(file),
  };
}

/** Where the lines of a file end, in bytes. A last line without its end is not counted. */
function lineEnds(file: number): number[] {
  const ends: number[] = [];
  const block = Buffer.allocUnsafe(blockSize);
  for (let position = 0; ; ) {
    const length = readSync(file, block, 0, blockSize, position);
    if (length === 0) return ends;
    const bytes = block.subarray(0, length);
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) ends.push(position + at);
    position += length;
  }
}

function readText(file: number, start: number, end: number): string {
  const bytes = Buffer.allocUnsafe(end - start);
  let done = 0;
  while (done < bytes.length) {
    const length = readSync(file, bytes, done, bytes.length - done, start + done);
    if (length === 0) break;
    done += length;
  }
  return bytes.toString("utf8", 0, done);
}

function readId(file: number, start: number, path: string): string {
  const text = readText(file, start, start + prefix.length + idLength);
  if (!text.startsWith(prefix)) throw new FormatError(`a row does not begin with ${prefix}`, { path });
  return text.slice(prefix.length);
}
