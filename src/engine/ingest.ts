import { readdir, rm } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { type IngestOptions, type IngestSummary, ingest as ingestFiles } from "../corpus/ingest.ts";
import { saveBm25Index } from "../retrieval/bm25-file.ts";
import { buildBm25IndexInTurns } from "../retrieval/bm25-index.ts";
import { asWriter } from "./data-folder.ts";
import { embedPassages } from "./embedding.ts";
import type { EngineParts } from "./parts.ts";
import { recordSettings } from "./settings.ts";

/** What an ingest gave. */
export interface IngestReport extends IngestSummary {
  collection: string;
  seconds: number;
}

/** Brings the collection up to date with files, folders and globs, and its index with it. */
export async function ingest(
  parts: EngineParts,
  inputs: readonly string[],
  { base, within, signal }: Pick<IngestOptions, "base" | "within" | "signal">,
): Promise<IngestReport> {
  const { config, folder, clock } = parts;
  const start = clock();
  return asWriter(folder, "ingest", async () => {
    const summary = await ingestFiles(folder.collection.corpus, inputs, {
      base,
      dataFolder: folder.path,
      within,
      startedMs: parts.now(),
      ...config.ingest,
      progress: parts.progress,
      parsing: parts.parsing,
      signal,
    });
    parts.forgetCorpus();
    await updateIndex(parts, { signal });
    if (config.retriever !== "bm25") await embedPassages(parts, { signal });
    await recordSettings(folder, { ingest: config.ingest, analyzer: config.analyzer });
    return { ...summary, collection: config.collection, seconds: (clock() - start) / 1000 };
  });
}

/**
 * Paths and globs of somebody in the folder `cwd`, as `ingest` takes them: relative to where the data folder lies, so that
 * files keep their names in the corpus from wherever one calls.
 */
export function locateInputs(
  paths: readonly string[],
  { cwd, dataFolder }: { cwd: string; dataFolder: string },
): { base: string; inputs: string[] } {
  const base = dirname(resolve(cwd, dataFolder));
  return { base, inputs: paths.map((path) => relative(base, resolve(cwd, path)) || ".") };
}

/** Builds the index of the current corpus and removes those of corpora before. */
export async function updateIndex(
  parts: EngineParts,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const corpus = await parts.corpus();
  const { progress, config, folder } = parts;
  const total = corpus.passageCount;
  const counted = function* () {
    let done = 0;
    for (const passage of corpus.passages()) {
      yield passage;
      if (++done % 1000 === 0 || done === total) progress({ task: "index", done, total });
    }
  };
  const index = await buildBm25IndexInTurns(counted(), { analyzer: config.analyzer, signal });
  await saveBm25Index(index, indexFolder(folder.collection.index, corpus.generation, config.analyzer));
  await removeOldIndexes(folder.collection.index, corpus.generation);
}

/** Indexes of earlier corpora. A reader that still has such a corpus open has its index in memory, or builds one. */
async function removeOldIndexes(path: string, generation: string): Promise<void> {
  for (const name of await readdir(path))
    if (!name.startsWith(`${generation}-`)) await rm(join(path, name), { recursive: true, force: true });
}

/** An index is for one corpus and one analyzer; its folder names both. */
export function indexFolder(path: string, generation: string, analyzer: string): string {
  return `${path}/${generation}-${analyzer}`;
}
