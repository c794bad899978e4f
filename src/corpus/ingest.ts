import { ConfigError, InputError } from "../base/errors.ts";
import type { Progress } from "../base/progress.ts";
import { type ChunkOptions, chunk } from "./chunk.ts";
import {
  type Corpus,
  type FileEntry,
  openCorpusIfPresent,
  publish,
  removeLeftovers,
} from "./corpus-folder.ts";
import { type FindOptions, listSkipped, type SkippedFile, type Unread } from "./find-files.ts";
import { type Plan, planIngest, type SeenFile, sourceOf, writeSeen } from "./ingest-plan.ts";
import type { ParserOptions } from "./read/parser.ts";
import { defaultMaxFileBytes, readersVersion } from "./readers.ts";
import { type GenerationResult, writeGeneration } from "./write-generation.ts";

export type { ParserOptions } from "./read/parser.ts";

/** How to ingest. */
export interface IngestOptions extends ChunkOptions, FindOptions {
  /** The folder to which inputs, and the names of files in the corpus, are relative. */
  base: string;
  /** The time of the call, in ms since 1970. */
  startedMs: number;
  /** Larger files are skipped. */
  maxFileBytes?: number | undefined;
  progress?: Progress | undefined;
  signal?: AbortSignal | undefined;
  /** Limits of time and memory for files of formats that cannot be trusted with them. */
  parsing?: ParserOptions | undefined;
}

/** What an ingest did, counted in files. */
export interface IngestSummary extends Unread {
  added: number;
  changed: number;
  /** Files that are no longer there, or can no longer be read. */
  removed: number;
  /** Files whose documents were taken over, those of earlier ingests included. */
  unchanged: number;
  /** Size of the whole corpus now. */
  documents: number;
  passages: number;
  /** Hash of the whole corpus: equal corpora have equal ones. */
  generation: string;
}

/**
 * Brings the corpus in a folder up to date with files, folders and globs. New and changed files are read; files that no
 * longer exist go; files of earlier ingests that are not among the inputs stay. What comes out depends on the files and
 * the chunk options alone, and a kill at any moment leaves the old corpus or the new one. If nothing of the inputs can be
 * read, it is an `InputError`. The caller holds the lock of the data folder.
 */
export async function ingest(
  folder: string,
  inputs: readonly string[],
  options: IngestOptions,
): Promise<IngestSummary> {
  const {
    maxWords = 100,
    overlapWords = 0,
    maxFileBytes = defaultMaxFileBytes,
    base,
    within,
    dataFolder,
    signal,
    progress,
    parsing,
  } = options;
  chunk("", { maxWords, overlapWords }); // wrong options fail before any work
  if (!inputs.length) throw new ConfigError("nothing to ingest; name files, folders or globs");
  const making = { maxWords, overlapWords, readers: readersVersion };
  const previous = await openCorpusIfPresent(folder);
  try {
    await removeLeftovers(folder);
    const found = { inputs, base, within, dataFolder };
    const plan = await planIngest({ folder, ...found, maxFileBytes, previous, making, signal });
    const isUpToDate =
      previous !== undefined &&
      plan.files.length === previous.manifest.files.length &&
      plan.files.every(({ kind }) => kind === "keep");
    const result = isUpToDate
      ? asItIs(previous, plan)
      : await writeGeneration(folder, { plan, previous, making, progress, signal, parsing });
    const seen = withFiles(result.entries, plan);
    const isEmpty = seen.every(({ file }) => !file) && !countRemoved(previous, result.entries);
    if (!isEmpty && !isUpToDate) await publish(folder, result.generation);
    if (!isEmpty) await writeSeen(folder, seen, options.startedMs);
    await removeLeftovers(folder);
    if (isEmpty) throw nothingToIngest(result.skipped);
    return summarise({ plan, previous, result });
  } finally {
    previous?.close();
  }
}

/** An up-to-date corpus in the form of a new one. */
function asItIs({ generation, manifest }: Corpus, { skipped }: Plan): GenerationResult {
  const { documents, passages, files } = manifest;
  return { generation, entries: files, skipped, documents, passages };
}

function withFiles(entries: readonly FileEntry[], plan: Plan): SeenFile[] {
  const files = new Map(plan.files.map((planned) => [sourceOf(planned), planned.file]));
  return entries.map(({ source, hash }) => ({ source, hash, file: files.get(source) }));
}

function countRemoved(previous: Corpus | undefined, entries: readonly FileEntry[]): number {
  const remaining = new Set(entries.map(({ source }) => source));
  return (previous?.manifest.files ?? []).filter(({ source }) => !remaining.has(source)).length;
}

/** Nothing of what was to be ingested could be read, and why. */
export function nothingToIngest(skipped: readonly SkippedFile[]): InputError {
  return new InputError(`nothing could be ingested: ${listSkipped(skipped)}`);
}

interface SummaryParts {
  plan: Plan;
  previous: Corpus | undefined;
  result: GenerationResult;
}

function summarise({ plan, previous, result }: SummaryParts): IngestSummary {
  const { entries, skipped, documents, passages, generation } = result;
  const remaining = new Set(entries.map(({ source }) => source));
  const read = plan.files.flatMap((planned) =>
    planned.kind === "read" && remaining.has(planned.file.source) ? [planned] : [],
  );
  return {
    added: read.filter(({ isKnown }) => !isKnown).length,
    changed: read.filter(({ isKnown }) => isKnown).length,
    removed: countRemoved(previous, entries),
    unchanged: entries.length - read.length,
    skipped,
    incomplete: entries.flatMap(({ source, problem }) => (problem ? [{ source, reason: problem }] : [])),
    documents,
    passages,
    generation,
  };
}
