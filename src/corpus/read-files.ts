import { findFiles } from "./find-files.ts";
import { openParser } from "./read/parser.ts";
import { type CutDocument, type ReadOptions, readDocuments } from "./read-documents.ts";

/** A document with the file that it is from. */
export interface ReadDocument extends CutDocument {
  source: string;
}

/**
 * The documents of files, folders and globs, in the order of the files' names, without a corpus. Returns what could not be
 * read, one sentence each.
 */
export async function* readFiles(
  inputs: readonly string[],
  { base, ...options }: Omit<ReadOptions, "parser"> & { base: string },
): AsyncGenerator<ReadDocument, string[]> {
  const { files, skipped } = await findFiles(inputs, base);
  const problems = skipped.map(({ source, reason }) => `${source}: ${reason}`);
  const parser = openParser();
  try {
    for (const file of files) {
      const documents = readDocuments(file, { ...options, parser });
      let next = await documents.next();
      for (; !next.done; next = await documents.next()) yield { ...next.value, source: file.source };
      if (next.value) problems.push(`${file.source}: ${next.value}`);
    }
  } finally {
    await parser.close();
  }
  return problems;
}
