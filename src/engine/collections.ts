import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Encoding, type EncodingRow, openEncoding, readEncoding } from "../adapters/encoding.ts";
import { type AdapterStore, openAdapterStore } from "../adapters/store.ts";
import { messageOf, systemCode } from "../base/errors.ts";
import { type Corpus, openCorpusIfPresent } from "../corpus/corpus-folder.ts";
import { asWriter, type DataFolder, dataFolder, listCollections } from "./data-folder.ts";
import type { EngineParts } from "./parts.ts";

/** The encoding files of a collection, of every model and recipe. */
async function encodingFiles(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => name.endsWith(".jsonl")).map((name) => join(folder, name));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Keys of all adapters that an encoding of any collection refers to. */
export async function referencedKeys(path: string): Promise<Set<string>> {
  const names = await listCollections(path);
  return keysIn(names.map((name) => dataFolder(path, name).collection.encodings));
}

/** Keys of all adapters that the encodings in these folders refer to. */
export async function keysIn(folders: readonly string[]): Promise<Set<string>> {
  const keys = new Set<string>();
  for (const folder of folders)
    for (const file of await encodingFiles(folder))
      for (const { key } of (await readEncoding(file))?.rows.values() ?? []) keys.add(key);
  return keys;
}

/** What is stored of a collection, whatever model its adapters are of; null where it cannot be read. */
export interface StoredCollection {
  name: string;
  documents: number | null;
  passages: number | null;
  /** Adapters that its encodings refer to, of every model and recipe. */
  adapters: number | null;
  problem: string | null;
}

/** The collections of a data folder, by name. */
export async function storedCollections({ folder }: EngineParts): Promise<StoredCollection[]> {
  const rows: StoredCollection[] = [];
  for (const name of await listCollections(folder.path))
    rows.push(
      await describeStored(folder.path, name).catch((error: unknown) => ({
        ...{ name, documents: null, passages: null, adapters: null },
        problem: messageOf(error),
      })),
    );
  return rows;
}

async function describeStored(path: string, name: string): Promise<StoredCollection> {
  const { corpus, encodings } = dataFolder(path, name).collection;
  const opened = await openCorpusIfPresent(corpus);
  try {
    const { documentCount: documents = 0, passageCount: passages = 0 } = opened ?? {};
    return { name, documents, passages, adapters: (await keysIn([encodings])).size, problem: null };
  } finally {
    opened?.close();
  }
}

/** Runs a task that asks for titles of passages, in whichever collection they are. */
export async function withPassageTitles<T>(
  path: string,
  task: (titleOf: (passageId: string) => string | undefined) => Promise<T>,
): Promise<T> {
  const corpora: Corpus[] = [];
  try {
    for (const name of await listCollections(path)) {
      const corpus = await openCorpusIfPresent(dataFolder(path, name).collection.corpus);
      if (corpus) corpora.push(corpus);
    }
    return await task((passageId) => {
      const corpus = corpora.find((one) => one.ordinalOf(passageId) !== undefined);
      return corpus?.passageById(passageId).title;
    });
  } finally {
    for (const corpus of corpora) corpus.close();
  }
}

/** What a prune removed. */
export interface PruneReport {
  /** Rows of encodings whose passage is no longer in their collection. */
  forgotten: number;
  /** Adapters that were used by such rows alone. */
  deleted: number;
}

/**
 * Forgets the encodings of passages that have left their collection, and deletes the adapters that no collection needs
 * any more.
 */
export async function prune({ folder }: EngineParts): Promise<PruneReport> {
  return asWriter(folder, "prune", async () => {
    const store = openAdapterStore(folder.adapters);
    const gone: EncodingRow[] = [];
    for (const name of await listCollections(folder.path)) {
      const { corpus, encodings } = dataFolder(folder.path, name).collection;
      const opened = await openCorpusIfPresent(corpus);
      try {
        for (const file of await encodingFiles(encodings))
          gone.push(
            ...(await forgetRows(file, store, ({ passageId }) => opened?.ordinalOf(passageId) === undefined)),
          );
      } finally {
        opened?.close();
      }
    }
    const used = await referencedKeys(folder.path);
    const unused = new Set(gone.map(({ key }) => key).filter((key) => !used.has(key)));
    let deleted = 0;
    for (const key of unused) if (await store.remove(key)) deleted++;
    return { forgotten: gone.length, deleted };
  });
}

/** Forgets all passages that are answered from some adapters, in every collection. Only for the one writer. */
export async function forgetAdapters(
  { path, adapters }: DataFolder,
  keys: ReadonlySet<string>,
): Promise<void> {
  const store = openAdapterStore(adapters);
  for (const name of await listCollections(path))
    for (const file of await encodingFiles(dataFolder(path, name).collection.encodings))
      await forgetRows(file, store, ({ key }) => keys.has(key));
}

/** Forgets the rows of an encoding file that are gone by the test, and returns them. */
async function forgetRows(
  file: string,
  store: AdapterStore,
  isGone: (row: EncodingRow) => boolean,
): Promise<EncodingRow[]> {
  const found = await readEncoding(file);
  if (!found) return [];
  const gone = [...found.rows.values()].filter(isGone);
  const encoding: Encoding = await openEncoding(file, { header: found.header, store });
  try {
    for (const { passageId } of gone) await encoding.forget(passageId);
  } finally {
    await encoding.close();
  }
  return gone;
}
