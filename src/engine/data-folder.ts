import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UnsupportedError } from "../base/errors.ts";
import { explainSystemError, isLeftover, readJsonIfPresent, writeJson } from "../base/files.ts";
import { acquireLock, type Lock } from "../base/lock.ts";

/** Version of the layout below; raised when an older program could not read what a newer one writes. */
export const dataFormat = 1;

const formatSchema = z.object({ format: z.int() });

/** Paths of a data folder: one writer (lock), any number of readers. */
export interface DataFolder {
  path: string;
  adapters: string;
  collection: {
    path: string;
    corpus: string;
    index: string;
    /** Vectors of passages, for retrieval by them. */
    vectors: string;
    augmented: string;
    /** Ready-made augmentations, which win over made ones. */
    imported: string;
    encodings: string;
    /** Whether the model or rules augment, where the settings leave it open. */
    augmenterChoice: string;
    /** What the collection was made with, for later commands. */
    settings: string;
    /** Seconds that encodings took: not part of results, which repeat byte for byte. */
    costs: string;
  };
}

/** Where things lie. */
export function dataFolder(path: string, collection: string): DataFolder {
  const root = join(path, "collections", collection);
  return {
    path,
    adapters: join(path, "adapters"),
    collection: {
      path: root,
      corpus: join(root, "corpus"),
      index: join(root, "index"),
      vectors: join(root, "vectors.bin"),
      augmented: join(root, "augmented.jsonl"),
      imported: join(root, "imported.jsonl"),
      encodings: join(root, "encodings"),
      augmenterChoice: join(root, "augmenter.json"),
      settings: join(root, "settings.json"),
      costs: join(root, "costs.jsonl"),
    },
  };
}

/** Refuses a folder of another version; one without a version is new. */
export async function checkFormat({ path }: DataFolder): Promise<void> {
  const found = await readJsonIfPresent(join(path, "format.json"), formatSchema);
  if (!found || found.format === dataFormat) return;
  const advice =
    found.format > dataFormat
      ? "update parametric-rag"
      : "use the version that made it, or ingest into a new data folder";
  throw new UnsupportedError(
    `${path} has data format ${found.format}, this version reads ${dataFormat}; ${advice}`,
  );
}

/** Runs a task as the one writer of the folder. */
export async function asWriter<T>(folder: DataFolder, purpose: string, task: () => Promise<T>): Promise<T> {
  await checkFormat(folder);
  const lock: Lock = await acquireLock(folder.path, purpose);
  try {
    await removeLeftovers(folder.path);
    const path = join(folder.path, "format.json");
    if (!(await readJsonIfPresent(path, formatSchema))) await writeJson(path, { format: dataFormat });
    return await task();
  } finally {
    await lock.release();
  }
}

/** Removes half-written files of killed writers. Only for the one writer. */
async function removeLeftovers(path: string): Promise<void> {
  try {
    for (const name of await readdir(path, { recursive: true }))
      if (isLeftover(name)) await rm(join(path, name), { force: true });
  } catch (error) {
    throw explainSystemError(error, path);
  }
}

/** Names of the collections of a data folder. */
export async function listCollections(path: string): Promise<string[]> {
  const entries = await readdir(join(path, "collections"), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
