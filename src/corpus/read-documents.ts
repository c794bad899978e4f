import { InputError } from "../base/errors.ts";
import { createTurns, type Steps } from "../base/steps.ts";
import { type ChunkOptions, chunkSteps } from "./chunk.ts";
import type { Document, Passage } from "./corpus.ts";
import type { FoundFile } from "./find-files.ts";
import { documentId, passageId } from "./identity.ts";
import { tidySteps, tidyTitle } from "./read/decode.ts";
import type { Parser } from "./read/parser.ts";
import type { SourceRecord } from "./read/reader.ts";
import { readerFor, titleOf } from "./readers.ts";

/** A document with the passages it is cut into. */
export interface CutDocument {
  document: Document;
  passages: Pick<Passage, "id" | "title" | "text">[];
}

/** How files are read and cut. */
export interface ReadOptions extends ChunkOptions {
  parser: Parser;
  signal?: AbortSignal | undefined;
}

/**
 * The documents of a file, cut, each once; what could not be read comes last, as one sentence. It never throws because
 * of what is in the file.
 */
export async function* readDocuments(
  file: FoundFile,
  options: ReadOptions,
): AsyncGenerator<CutDocument, string | undefined> {
  const { path, source, extension } = file;
  const read = readerFor(extension);
  if (!read) throw new Error(`internal: no reader for ${source}`);
  const problems = createProblems();
  const ids = new Set<string>();
  const inTurns = createTurns(options.signal);
  try {
    for await (const record of read({
      path,
      name: titleOf(path),
      parser: options.parser,
      signal: options.signal,
    })) {
      options.signal?.throwIfAborted();
      if ("problem" in record) {
        problems.add(record.problem);
        continue;
      }
      const cut = await inTurns(cutRecord(record, source, options));
      if (!cut.passages.length) problems.add(record.record ? `record ${record.record}: empty` : "empty");
      else if (!ids.has(cut.document.id)) {
        ids.add(cut.document.id);
        yield cut;
      }
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    problems.add(error.message);
  }
  return problems.summary() ?? (ids.size ? undefined : "empty");
}

function* cutRecord(record: SourceRecord, source: string, options: ChunkOptions): Steps<CutDocument> {
  const title = tidyTitle(record.title);
  const text = yield* tidySteps(record.text);
  const fields = { source: record.record ? `${source}#${record.record}` : source, title, text };
  const parts = record.isPassage && text !== "" ? [text] : yield* chunkSteps(text, options);
  const passages: CutDocument["passages"] = [];
  for (const part of parts) {
    passages.push({ id: passageId({ title, text: part }), title, text: part });
    yield part.length;
  }
  return { document: { id: documentId(fields), ...fields }, passages };
}

/** Collects what is wrong with a file's records: the first, and how many there are. */
function createProblems() {
  let first: string | undefined;
  let count = 0;
  return {
    add(problem: string) {
      first ??= problem;
      count++;
    },
    summary: () => (count > 1 ? `${first} (and ${count - 1} more like this)` : first),
  };
}
