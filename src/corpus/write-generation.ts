import { messageOf, systemCode } from "../base/errors.ts";
import { sha256OfFile } from "../base/hash.ts";
import { noProgress, type Progress } from "../base/progress.ts";
import type { Corpus, CorpusManifest, FileEntry } from "./corpus-folder.ts";
import { type CorpusWriter, createCorpusWriter } from "./corpus-writer.ts";
import type { FoundFile, SkippedFile } from "./find-files.ts";
import { type Plan, type PlannedFile, sourceOf } from "./ingest-plan.ts";
import { openParser, type ParserOptions } from "./read/parser.ts";
import { type ReadOptions, readDocuments } from "./read-documents.ts";

/** A finished generation that is not yet the current one. */
export interface GenerationResult {
  generation: string;
  entries: FileEntry[];
  skipped: SkippedFile[];
  documents: number;
  passages: number;
}

interface WriteParts {
  plan: Plan;
  previous: Corpus | undefined;
  making: CorpusManifest["making"];
  progress?: Progress | undefined;
  signal?: AbortSignal | undefined;
  parsing?: ParserOptions | undefined;
}

/** Writes the planned corpus beside the current one. */
export async function writeGeneration(
  folder: string,
  { plan, previous, making, progress = noProgress, signal, parsing }: WriteParts,
): Promise<GenerationResult> {
  const skipped = [...plan.skipped];
  const files: FileEntry[] = [];
  const writer = await createCorpusWriter(folder);
  const parser = openParser(parsing);
  try {
    for (const [done, planned] of plan.files.entries()) {
      signal?.throwIfAborted();
      progress({ task: "ingest", done, total: plan.files.length, note: sourceOf(planned) });
      const outcome =
        planned.kind === "keep"
          ? await copyFile(planned, previous, writer)
          : await readFile(planned.file, writer, { ...making, parser, signal });
      if ("reason" in outcome) skipped.push(outcome);
      else files.push(outcome);
    }
    progress({ task: "ingest", done: plan.files.length, total: plan.files.length });
    const generation = await writer.finish({ making, files });
    const { documents, passages } = writer;
    return { generation, entries: files, skipped, documents, passages };
  } finally {
    await parser.close();
    await writer.discard();
  }
}

/** Takes the documents of an unchanged file over from the previous corpus. */
async function copyFile(
  { entry, firstDocument }: Extract<PlannedFile, { kind: "keep" }>,
  previous: Corpus | undefined,
  writer: CorpusWriter,
): Promise<FileEntry> {
  if (!previous) throw new Error("internal: nothing to keep without a previous corpus");
  for (let i = firstDocument; i < firstDocument + entry.documents; i++) {
    const passages = previous.passagesOf(i).map((ordinal) => previous.passage(ordinal));
    await writer.add(previous.document(i), passages);
  }
  return entry;
}

async function readFile(
  file: FoundFile,
  writer: CorpusWriter,
  options: ReadOptions,
): Promise<FileEntry | SkippedFile> {
  const { source, size } = file;
  let hash: string;
  try {
    hash = await sha256OfFile(file.path);
  } catch (error) {
    if (!systemCode(error)) throw error;
    return { source, reason: `unreadable: ${messageOf(error)}` };
  }
  const before = writer.documents;
  const documents = readDocuments(file, options);
  let next = await documents.next();
  for (; !next.done; next = await documents.next())
    await writer.add(next.value.document, next.value.passages);
  const count = writer.documents - before;
  const problem = next.value;
  if (count === 0) return { source, reason: problem ?? "empty" };
  return { source, size, hash, documents: count, ...(problem === undefined ? {} : { problem }) };
}
