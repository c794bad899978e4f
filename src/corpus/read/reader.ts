import type { Parser } from "./parser.ts";

/** A file to be read, and what its reader needs. */
export interface SourceFile {
  path: string;
  /** The title of what has none of its own. */
  name: string;
  parser: Parser;
  signal?: AbortSignal | undefined;
}

/** One text of a file: the whole file, or one record of a table. */
export interface SourceRecord {
  title: string;
  text: string;
  /** Which record of a table it is: its own id, or its number from 1. */
  record?: string | undefined;
  /** It is a passage already and is not cut again. */
  isPassage?: boolean | undefined;
}

/** What is wrong with one record, while the others of its file can be read. */
export interface RecordProblem {
  problem: string;
}

/**
 * Reads a file's records in order. A file that cannot be read at all, or not to its end, is an `InputError`
 * with the reason alone (the caller names the file); it never throws anything else, whatever the bytes.
 */
export type Reader = (file: SourceFile) => AsyncIterable<SourceRecord | RecordProblem>;
