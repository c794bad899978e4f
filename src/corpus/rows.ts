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
  const rows: Rows<T> = {
    count: ends.length,
    row(ordinal) {
      const end = ends[ordinal];
      if (end === undefined)
        throw new Error(`internal: ${path} has ${ends.length} rows, wanted row ${ordinal}`);
      const start = startOf(ordinal);
      return parseJson(readText(file, start, end), schema, `${path}:${ordinal + 1}`);
    },
    find(id) {
      ordinals ??= readIds(file, path, ends);
      return ordinals.get(id);
    },
    close() {
      abandoned.unregister(rows);
      closeSync(file);
    },
  };
  abandoned.register(rows, file, rows);
  return rows;
}

/** Files of rows that nobody holds any more: a corpus that was replaced lives as long as questions read it. */
const abandoned = new FinalizationRegistry<number>((file) => closeSync(file));

/** Where the lines of a file end, in bytes. A last line without its end is not counted. */
function lineEnds(file: number): number[] {
  const ends: number[] = [];
  for (const { bytes, position } of blocksOf(file))
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) ends.push(position + at);
  return ends;
}

/** Id → ordinal, from the beginnings of the rows. */
function readIds(file: number, path: string, ends: readonly number[]): Map<string, number> {
  const ordinals = new Map<string, number>();
  let ordinal = 0;
  let start = 0;
  for (const { bytes, position } of blocksOf(file)) {
    for (; ordinal < ends.length && start < position + bytes.length; ordinal++) {
      const end = start + prefix.length + idLength;
      const isInBlock = end <= position + bytes.length;
      const head = isInBlock
        ? bytes.toString("latin1", start - position, end - position)
        : readText(file, start, end);
      if (!head.startsWith(prefix))
        throw new FormatError(`a row does not begin with ${prefix}`, { path: `${path}:${ordinal + 1}` });
      ordinals.set(head.slice(prefix.length), ordinal);
      start = (ends[ordinal] ?? 0) + 1;
    }
  }
  return ordinals;
}

/** A file from its beginning; the bytes are only valid until the next block is asked for. */
function* blocksOf(file: number): Generator<{ bytes: Buffer; position: number }> {
  const block = Buffer.allocUnsafe(blockSize);
  for (let position = 0; ; ) {
    const length = readSync(file, block, 0, blockSize, position);
    if (length === 0) return;
    yield { bytes: block.subarray(0, length), position };
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
