import { lstat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { InputError, NotFoundError, systemCode } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { nothingToIngest } from "../corpus/ingest.ts";
import { readableExtensions } from "../corpus/readers.ts";
import { type IngestReport, ingest } from "./ingest.ts";
import type { EngineParts } from "./parts.ts";

/** Bytes of a stem in UTF-8: file systems take 255 of a name, and what is half written has a longer one. */
const longestStem = 180;
const shownName = 120;

/**
 * The name under which an uploaded file is kept: its last part, with nothing in it that a file system could take for more
 * than a name. What cannot be read is an `InputError`.
 */
export function uploadName(given: string): string {
  const last = basename(given.replaceAll("\\", "/")).normalize("NFC");
  const extension = extname(last).toLowerCase();
  if (!readableExtensions.includes(extension))
    throw new InputError(
      `"${last.slice(0, shownName)}" cannot be read; files must end in ${readableExtensions.join(" ")}`,
    );
  const stem = last
    .slice(0, last.length - extension.length)
    .replace(/[^\p{L}\p{N} ._()-]/gu, "_")
    .replace(/^[. ]+|[. ]+$/g, "");
  if (stem === "") throw new InputError(`"${last.slice(0, shownName)}" has no name before its extension`);
  return `${cutToBytes(stem, longestStem)}${extension}`;
}

/** The longest beginning of whole characters that has at most so many bytes. */
function cutToBytes(text: string, bytes: number): string {
  let length = 0;
  let kept = "";
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    kept += character;
  }
  return kept;
}

/** Where the uploads of a collection lie. */
const uploadsFolder = ({ folder }: EngineParts) => join(folder.collection.path, "uploads");

/** Keeps an uploaded file with its collection; one of the same name is replaced. */
export async function keepUpload(
  parts: EngineParts,
  { name, bytes }: { name: string; bytes: Uint8Array },
): Promise<void> {
  const path = join(uploadsFolder(parts), uploadName(name));
  const isLink = await lstat(path).then(
    (found) => !found.isFile(),
    (error: unknown) => systemCode(error) !== "ENOENT",
  );
  if (isLink)
    throw new InputError(`${basename(path)} stands for something that is no file; use another name`);
  await writeAtomic(path, bytes).catch((error: unknown) => {
    if (!(error instanceof NotFoundError)) throw error;
    return writeAtomic(path, bytes); // a writer that began just now took our half for a leftover
  });
}

/**
 * Ingests all uploads that are kept with the collection: those too whose own ingest was ended before its time. Where none of
 * the files of these names, as kept, could be read, it is an `InputError`.
 */
export async function ingestUploads(
  parts: EngineParts,
  names: readonly string[],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<IngestReport> {
  const base = dirname(resolve(parts.config.dataFolder));
  const report = await ingest(parts, [relative(base, resolve(uploadsFolder(parts)))], { base, signal });
  const refused = report.skipped.filter(({ source }) => names.includes(basename(source)));
  if (refused.length === names.length) throw nothingToIngest(refused);
  return report;
}
