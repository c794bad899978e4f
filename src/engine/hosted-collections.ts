import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { openAdapterStore } from "../adapters/store.ts";
import { EngineError, InputError, NotFoundError } from "../base/errors.ts";
import type { Corpus } from "../corpus/corpus-folder.ts";
import type { CollectionRow, DocumentRow } from "./api.ts";
import { keysIn, referencedKeys } from "./collections.ts";
import { completeConfig } from "./config.ts";
import { asWriter, dataFolder, listCollections } from "./data-folder.ts";
import type { EngineParts } from "./parts.ts";
import { countAugmented } from "./read-augmented.ts";

/** A collection in a list; one that holds nothing yet has zeros. */
export async function describeCollection(parts: EngineParts): Promise<CollectionRow> {
  const { collection: name } = parts.config;
  const corpus = await corpusIfPresent(parts);
  if (!corpus) return { name, documents: 0, passages: 0, augmented: 0, encoded: 0 };
  const encoding = await parts.encoding();
  const isThere = ({ passageId }: { passageId: string }) => corpus.ordinalOf(passageId) !== undefined;
  return {
    name,
    documents: corpus.documentCount,
    passages: corpus.passageCount,
    augmented: await countAugmented(parts, corpus),
    encoded: encoding.rows().filter(isThere).length,
  };
}

/** The documents of a collection, in its order. */
export async function listDocuments(parts: EngineParts): Promise<DocumentRow[]> {
  const corpus = await corpusIfPresent(parts);
  if (!corpus) return [];
  const rows = (await parts.encoding()).rows();
  const encodedOrdinals = new Set(rows.map(({ passageId }) => corpus.ordinalOf(passageId)));
  return Array.from({ length: corpus.documentCount }, (_, ordinal) => {
    const { id, source, title } = corpus.document(ordinal);
    const passages = corpus.passagesOf(ordinal);
    const encoded = passages.filter((passage) => encodedOrdinals.has(passage)).length;
    return { id, source, title, passages: passages.length, encoded };
  });
}

async function corpusIfPresent(parts: EngineParts): Promise<Corpus | undefined> {
  try {
    return await parts.corpus();
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/** Refuses what cannot be a collection's name. */
export function checkCollectionName(name: string): void {
  completeConfig({ collection: name }, "collection");
}

/** Makes an empty collection. */
export async function createCollection({ folder }: EngineParts, name: string): Promise<void> {
  checkCollectionName(name);
  await asWriter(folder, "create a collection", async () => {
    if ((await listCollections(folder.path)).includes(name))
      throw new InputError(`the collection "${name}" exists already; choose another name`);
    await mkdir(dataFolder(folder.path, name).collection.path, { recursive: true });
  });
}

/**
 * Deletes a collection with its uploads, and the adapters that no other collection uses. It is gone in one step: a kill
 * leaves at most files that the next deletion removes.
 */
export async function deleteCollection({ folder }: EngineParts, name: string): Promise<void> {
  checkCollectionName(name);
  await asWriter(folder, "delete a collection", async () => {
    if (!(await listCollections(folder.path)).includes(name))
      throw new NotFoundError(`there is no collection "${name}"`);
    const { path, encodings } = dataFolder(folder.path, name).collection;
    const graves = join(folder.path, "deleted");
    await mkdir(graves, { recursive: true });
    await rename(path, join(graves, randomUUID()));
    try {
      // Of a deletion that was killed here, too.
      const dead = (await readdir(graves)).map((grave) => join(graves, grave, relative(path, encodings)));
      const [before, after] = [await keysIn(dead), await referencedKeys(folder.path)];
      const store = openAdapterStore(folder.adapters);
      for (const key of before) if (!after.has(key)) await store.remove(key);
    } catch (error) {
      // Which adapters nobody needs cannot be told where an encoding cannot be read: they stay, as orphans at most.
      if (!(error instanceof EngineError)) throw error;
    } finally {
      await rm(graves, { recursive: true, force: true });
    }
  });
}
