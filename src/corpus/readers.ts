import { basename, extname } from "node:path";
import type { FoundFile } from "./find-files.ts";
import { readJsonl } from "./read/jsonl.ts";
import { readMarkdown } from "./read/markdown.ts";
import { readDocx, readHtml, readPdf } from "./read/parsed.ts";
import type { Reader } from "./read/reader.ts";
import { readCsv, readTsv } from "./read/table.ts";
import { readText } from "./read/text.ts";

/** Raised when a reader gives other text for the same file, so that corpora are made anew. */
export const readersVersion = 1;

/** Which reader reads which files. */
const readers: Record<string, Reader> = {
  ".txt": readText,
  ".md": readMarkdown,
  ".markdown": readMarkdown,
  ".html": readHtml,
  ".htm": readHtml,
  ".pdf": readPdf,
  ".docx": readDocx,
  ".jsonl": readJsonl,
  ".ndjson": readJsonl,
  ".csv": readCsv,
  ".tsv": readTsv,
};

/** The reader for an extension (lower case, with its dot), if there is one. */
export function readerFor(extension: string): Reader | undefined {
  return Object.hasOwn(readers, extension) ? readers[extension] : undefined;
}

/** The extensions that can be ingested. */
export const readableExtensions: readonly string[] = Object.keys(readers);

/** Larger files are skipped where nothing else is said, in bytes. */
export const defaultMaxFileBytes = 64 * 2 ** 20;

/** Why a file is not read, as a user is told; `undefined` where it is. */
export function reasonToSkip({ extension, size }: FoundFile, maxFileBytes: number): string | undefined {
  if (!readerFor(extension))
    return `unsupported extension ${extension || "(none)"}; can read ${readableExtensions.join(" ")}`;
  if (size === 0) return "empty";
  if (size > maxFileBytes) return `too large: ${size} bytes, at most ${maxFileBytes} are read`;
  return undefined;
}

/** The title of a file that has none of its own: its name in words. */
export function titleOf(path: string): string {
  return basename(path, extname(path)).replace(/[-_]+/g, " ").trim();
}
