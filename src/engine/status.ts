import { openAdapterStore } from "../adapters/store.ts";
import { EngineError, NotFoundError } from "../base/errors.ts";
import type { Corpus } from "../corpus/corpus-folder.ts";
import { hasBm25Index } from "../retrieval/bm25-file.ts";
import { type Recipe, recipeHash } from "../training/recipe.ts";
import { listCollections } from "./data-folder.ts";
import { freeBytes } from "./disk.ts";
import { indexFolder } from "./ingest.ts";
import { folderBytes } from "./model-library.ts";
import { contextOf, countParameters } from "./models.ts";
import type { EngineParts } from "./parts.ts";
import { countAugmented } from "./read-augmented.ts";

/** What there is in a data folder, and what is missing. */
export interface StatusReport {
  dataFolder: string;
  collection: string;
  collections: string[];
  corpus: { documents: number; passages: number } | null;
  index: { analyzer: string } | null;
  /** Passages of the corpus that are augmented; null where the model cannot be opened. */
  augmented: number | null;
  model: {
    name: string;
    folder?: string;
    architecture?: string;
    parameters?: number;
    /** Tokens of a prompt and its answer together, at most. */
    contextLength?: number;
    /** Why it cannot be opened; then nothing else is known of it. */
    problem?: string;
  };
  /** Null where the model cannot be opened. */
  encoding: { passages: number; encoded: number; recipe: Recipe; recipeHash: string } | null;
  /** Of all collections, models and recipes together. */
  adapters: { count: number; bytes: number };
  disk: { usedBytes: number; freeBytes: number };
  /** What to do next, in words. */
  todo: string[];
}

/** Looks at everything and changes nothing. */
export async function status(parts: EngineParts): Promise<StatusReport> {
  const { config, folder } = parts;
  const corpus = await ifPresent(parts.corpus());
  const adapters = await openAdapterStore(folder.adapters).list();
  const model = await describeModel(parts);
  const isOpen = model.problem === undefined;
  const report = {
    dataFolder: folder.path,
    collection: config.collection,
    collections: await listCollections(folder.path),
    corpus: corpus ? { documents: corpus.documentCount, passages: corpus.passageCount } : null,
    index: corpus && (await hasBm25Index(indexPath(parts, corpus))) ? { analyzer: config.analyzer } : null,
    augmented: isOpen ? ((corpus && (await countAugmented(parts, corpus))) ?? 0) : null,
    model,
    encoding: isOpen ? await describeEncoding(parts, corpus, adapters) : null,
    adapters: { count: adapters.length, bytes: adapters.reduce((sum, { bytes }) => sum + bytes, 0) },
    disk: { usedBytes: await folderBytes(folder.path), freeBytes: await freeBytes(folder.path) },
  };
  return { ...report, todo: whatNext(report) };
}

/** The model in use; one that cannot be opened has a problem. */
export async function describeModel(parts: EngineParts): Promise<StatusReport["model"]> {
  try {
    const model = await parts.model();
    const { name, folder, config } = model;
    const { architecture } = config;
    return {
      ...{ name, folder, architecture },
      ...{ parameters: countParameters(model), contextLength: contextOf(model) },
    };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { name: parts.config.model, problem: error.message };
  }
}

async function describeEncoding(
  parts: EngineParts,
  corpus: Corpus | undefined,
  adapters: readonly { key: string }[],
): Promise<NonNullable<StatusReport["encoding"]>> {
  const { recipe } = await parts.model();
  const encoding = await parts.encoding();
  const present = new Set(adapters.map(({ key }) => key));
  const encoded = encoding
    .rows()
    .filter(({ passageId, key }) => corpus?.ordinalOf(passageId) !== undefined && present.has(key)).length;
  return { passages: corpus?.passageCount ?? 0, encoded, recipe, recipeHash: recipeHash(recipe) };
}

function indexPath({ config, folder }: EngineParts, { generation }: Corpus): string {
  return indexFolder(folder.collection.index, generation, config.analyzer);
}

function whatNext({ corpus, index, model, encoding }: Omit<StatusReport, "todo">): string[] {
  const todo: string[] = [];
  if (!corpus) todo.push("prag ingest FILES… (there are no documents yet)");
  else if (!index)
    todo.push("prag ingest the same files again (the index is missing; it is made for each question)");
  if (model.problem !== undefined) todo.push("prag doctor (the model cannot be opened)");
  else if (encoding && encoding.encoded < encoding.passages)
    todo.push(`prag encode (${encoding.passages - encoding.encoded} passages have no adapter)`);
  return todo;
}

async function ifPresent<T>(opening: Promise<T>): Promise<T | undefined> {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
