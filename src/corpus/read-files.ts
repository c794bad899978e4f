import { type FindOptions, findFiles, type Unread } from "./find-files.ts";
import { openParser } from "./read/parser.ts";
import { type CutDocument, type ReadOptions, readDocuments } from "./read-documents.ts";
import { defaultMaxFileBytes, reasonToSkip } from "./readers.ts";

/** A document with the file that it is from. */
export interface ReadDocument extends CutDocument {
  source: string;
}

/** How files are read without a corpus. */
export interface ReadFilesOptions extends Omit<ReadOptions, "parser">, FindOptions {
  /** The folder to which inputs and sources are relative. */
  base: string;
  /** Larger files are skipped. */
  maxFileBytes?: number | undefined;
  /** Given every document, in the order of the files' names. */
  onDocument(document: ReadDocument): void;
}

/** Reads the documents of files, folders and globs, as an ingest would, without a corpus. */
export async function readFiles(
  inputs: readonly string[],
  { base, maxFileBytes = defaultMaxFileBytes, onDocument, ...options }: ReadFilesOptions,
): Promise<Unread> {
  const { files, skipped } = await findFiles(inputs, base, options);
  const incomplete: Unread["incomplete"] = [];
  const parser = openParser();
  try {
    for (const file of files) {
      const { source } = file;
      const reason = reasonToSkip(file, maxFileBytes);
      if (reason) {
        skipped.push({ source, reason });
        continue;
      }
      const documents = readDocuments(file, { ...options, parser });
      let [next, isAny] = [await documents.next(), false];
      for (; !next.done; next = await documents.next()) {
        isAny = true;
        onDocument({ ...next.value, source });
      }
      if (next.value) (isAny ? incomplete : skipped).push({ source, reason: next.value });
    }
  } finally {
    await parser.close();
  }
  return { skipped, incomplete };
}
