import { z } from "zod";
import { readJsonIfPresent, writeJson } from "../base/files.ts";
import { sha256OfFile } from "../base/hash.ts";
import { type Corpus, type CorpusManifest, corpusPaths, type FileEntry } from "./corpus-folder.ts";
import {
  compare,
  type FindOptions,
  type FoundFile,
  findFile,
  findFiles,
  type SkippedFile,
} from "./find-files.ts";
import { reasonToSkip } from "./readers.ts";

/** A file of the new corpus: its documents are taken over from the previous one, or it is read. */
export type PlannedFile =
  | { kind: "keep"; entry: FileEntry; firstDocument: number; file?: FoundFile }
  | { kind: "read"; file: FoundFile; isKnown: boolean };

export interface Plan {
  /** In the order of `source`. */
  files: PlannedFile[];
  skipped: SkippedFile[];
}

/** What a plan is made from. */
export interface PlanParts extends FindOptions {
  folder: string;
  inputs: readonly string[];
  base: string;
  maxFileBytes: number;
  previous: Corpus | undefined;
  making: CorpusManifest["making"];
  signal?: AbortSignal | undefined;
}

/** Finds the files and decides which are read. Contents are compared only where time or size differ from before. */
export async function planIngest(parts: PlanParts): Promise<Plan> {
  const { folder, inputs, base, maxFileBytes, previous, making, signal } = parts;
  const { files: found, skipped } = await findFiles(inputs, base, parts);
  const seen = await readSeen(folder);
  const known = knownFiles(previous);
  const isSameMaking = previous !== undefined && sameMaking(previous.manifest.making, making);
  const files: PlannedFile[] = [];
  for (const file of found) {
    signal?.throwIfAborted();
    const reason = reasonToSkip(file, maxFileBytes);
    const before = known.get(file.source);
    if (reason) skipped.push({ source: file.source, reason });
    else if (before && isSameMaking && (await isUnchanged(file, before.entry, seen)))
      files.push({ kind: "keep", ...before, file });
    else files.push({ kind: "read", file, isKnown: before !== undefined });
  }
  const isFound = new Set(found.map(({ source }) => source));
  for (const [source, before] of known) {
    if (isFound.has(source)) continue;
    const file = await findFile(source, base);
    if (!file) continue;
    files.push(isSameMaking ? { kind: "keep", ...before } : { kind: "read", file, isKnown: true });
  }
  return { files: files.sort((a, b) => compare(sourceOf(a), sourceOf(b))), skipped };
}

/** The name of a planned file in the corpus. */
export const sourceOf = (planned: PlannedFile): string =>
  planned.kind === "keep" ? planned.entry.source : planned.file.source;

function knownFiles(previous: Corpus | undefined): Map<string, { entry: FileEntry; firstDocument: number }> {
  const known = new Map<string, { entry: FileEntry; firstDocument: number }>();
  let firstDocument = 0;
  for (const entry of previous?.manifest.files ?? []) {
    known.set(entry.source, { entry, firstDocument });
    firstDocument += entry.documents;
  }
  return known;
}

function sameMaking(a: CorpusManifest["making"], b: CorpusManifest["making"]): boolean {
  return a.maxWords === b.maxWords && a.overlapWords === b.overlapWords && a.readers === b.readers;
}

async function isUnchanged(file: FoundFile, entry: FileEntry, seen: Seen): Promise<boolean> {
  if (file.size !== entry.size) return false;
  const last = seen[file.source];
  if (last && last.modifiedMs === file.modifiedMs && last.hash === entry.hash) return true;
  return await sha256OfFile(file.path).then(
    (hash) => hash === entry.hash,
    () => false, // reading it says what is wrong
  );
}

/** Source → the time of the file when its content had this hash. */
const seenSchema = z.record(z.string(), z.object({ modifiedMs: z.number(), hash: z.string() }));
type Seen = z.infer<typeof seenSchema>;

async function readSeen(folder: string): Promise<Seen> {
  return (await readJsonIfPresent(corpusPaths(folder).seen, seenSchema)) ?? {};
}

/** The coarsest clock of a file system (FAT), in ms. */
const clockGrainMs = 2000;

/** A file of the finished corpus; without `file` it was not among the inputs. */
export interface SeenFile {
  source: string;
  hash: string;
  file: FoundFile | undefined;
}

/**
 * Remembers the times of files, so that the next ingest need not read them. A file touched just before `startedMs`
 * may change again without another time, so it is left out.
 */
export async function writeSeen(
  folder: string,
  files: readonly SeenFile[],
  startedMs: number,
): Promise<void> {
  const before = await readSeen(folder);
  const seen: Seen = {};
  for (const { source, hash, file } of files) {
    const last = before[source];
    if (file && file.modifiedMs < startedMs - clockGrainMs)
      seen[source] = { modifiedMs: file.modifiedMs, hash };
    else if (!file && last?.hash === hash) seen[source] = last;
  }
  if (JSON.stringify(seen) !== JSON.stringify(before)) await writeJson(corpusPaths(folder).seen, seen);
}
