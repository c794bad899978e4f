import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FormatError, NotFoundError, UnsupportedError } from "../base/errors.ts";
import { explainSystemError, parseValue, readJson, readJsonIfPresent, writeJson } from "../base/files.ts";
import type { Document, Passage } from "./corpus.ts";
import { openRows, type Rows } from "./rows.ts";

/*
 * A corpus on disk:
 *   current.json                         { format, generation }: replaced in one step, so that a reader or a killed
 *                                        writer finds the old corpus or the new one
 *   generations/<hash of the content>/   corpus.json, documents.jsonl, passages.jsonl: never changed once it is there
 *   seen.json                            times of the ingested files: only a speed-up, differs from run to run
 */

/** Raised when what is written changes its meaning; there is one so far. */
export const corpusFormat = 1;

export const documentRow = z.object({
  id: z.string(),
  source: z.string(),
  title: z.string(),
  text: z.string(),
  /** Ordinals of its passages in order; one passage may stand in several documents. */
  passages: z.array(z.int()),
});

export const passageRow: z.ZodType<Passage> = z.object({
  id: z.string(),
  documentId: z.string(),
  title: z.string(),
  text: z.string(),
  position: z.int(),
});

const manifestSchema = z.object({
  /** How passages were made; another making is another corpus. */
  making: z.object({ maxWords: z.int(), overlapWords: z.int(), readers: z.int() }),
  documents: z.int(),
  passages: z.int(),
  /** In the order of `source`; the documents of a file are `documents` consecutive rows. */
  files: z.array(
    z.object({
      source: z.string(),
      size: z.int(),
      hash: z.string(),
      documents: z.int(),
      /** What of the file could not be read. */
      problem: z.string().optional(),
    }),
  ),
});

/** What a corpus was made from, and how. */
export type CorpusManifest = z.infer<typeof manifestSchema>;
export type FileEntry = CorpusManifest["files"][number];

const pointerSchema = z.object({ format: z.int(), generation: z.string().optional() });
const generationName = z.string().regex(/^[0-9a-f]{16}$/);

/** An opened corpus; texts are read from disk when they are asked for. Passages are numbered from 0: their ordinals. */
export interface Corpus {
  /** Hash of the whole content: an index made for it names it. */
  readonly generation: string;
  readonly manifest: CorpusManifest;
  readonly passageCount: number;
  readonly documentCount: number;
  passage(ordinal: number): Passage;
  /** The ordinal of a passage, if it is in this corpus. */
  ordinalOf(passageId: string): number | undefined;
  /** A `NotFoundError` where it is not in this corpus. */
  passageById(passageId: string): Passage;
  passages(): Iterable<Passage>;
  document(ordinal: number): Document;
  documents(): Iterable<Document>;
  /** The first document that has the passage. */
  documentOf(passage: Passage): Document;
  /** The ordinals of a document's passages in order. */
  passagesOf(documentOrdinal: number): number[];
  close(): void;
}

/** Where the parts of a corpus folder lie. */
export const corpusPaths = (folder: string) => ({
  pointer: join(folder, "current.json"),
  seen: join(folder, "seen.json"),
  generations: join(folder, "generations"),
});

/** The generation that is current, without opening it. */
export async function currentGeneration(folder: string): Promise<string | undefined> {
  const { pointer } = corpusPaths(folder);
  const current = await readJsonIfPresent(pointer, pointerSchema);
  if (!current) return undefined;
  if (current.format !== corpusFormat) {
    const age = current.format > corpusFormat ? "a newer" : "an older";
    throw new UnsupportedError(
      `${folder} was written by ${age} version (format ${current.format}, wanted ${corpusFormat}); ` +
        `${current.format > corpusFormat ? "update parametric-rag, or delete" : "delete"} this folder and ingest again`,
    );
  }
  return parseValue(current.generation, generationName, pointer);
}

/** Opens the corpus in a folder; without one it is a `NotFoundError`. */
export async function openCorpus(folder: string): Promise<Corpus> {
  const corpus = await openCorpusIfPresent(folder);
  if (corpus) return corpus;
  throw new NotFoundError(`${folder} holds no corpus; ingest some documents first`);
}

/** As `openCorpus`, but `undefined` where there is none. */
export async function openCorpusIfPresent(folder: string): Promise<Corpus | undefined> {
  const generation = await currentGeneration(folder);
  if (generation === undefined) return undefined;
  try {
    return await openGeneration(folder, generation);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    // A writer may have put a newer generation in its place meanwhile.
    const newer = await currentGeneration(folder);
    if (newer !== undefined && newer !== generation) return openGeneration(folder, newer);
    throw new FormatError(`generation ${generation} is not complete; delete this folder and ingest again`, {
      path: folder,
      cause: error,
    });
  }
}

async function openGeneration(folder: string, generation: string): Promise<Corpus> {
  const place = join(corpusPaths(folder).generations, generation);
  const manifest = await readJson(join(place, "corpus.json"), manifestSchema);
  const documents = openRows(join(place, "documents.jsonl"), documentRow);
  let passages: Rows<Passage> | undefined;
  try {
    passages = openRows(join(place, "passages.jsonl"), passageRow);
    if (documents.count !== manifest.documents || passages.count !== manifest.passages)
      throw new FormatError(
        `wanted ${manifest.documents} documents and ${manifest.passages} passages, ` +
          `got ${documents.count} and ${passages.count}; delete the corpus and ingest again`,
        { path: place },
      );
    return createCorpus({ generation, manifest, documents, passages });
  } catch (error) {
    documents.close();
    passages?.close();
    throw error;
  }
}

interface CorpusParts {
  generation: string;
  manifest: CorpusManifest;
  documents: Rows<z.infer<typeof documentRow>>;
  passages: Rows<Passage>;
}

function createCorpus({ generation, manifest, documents, passages }: CorpusParts): Corpus {
  const document = (ordinal: number): Document => {
    const { id, source, title, text } = documents.row(ordinal);
    return { id, source, title, text };
  };
  return {
    generation,
    manifest,
    passageCount: passages.count,
    documentCount: documents.count,
    passage: (ordinal) => passages.row(ordinal),
    ordinalOf: (passageId) => passages.find(passageId),
    passageById(passageId) {
      const ordinal = passages.find(passageId);
      if (ordinal === undefined) throw new NotFoundError(`passage ${passageId} is not in this corpus`);
      return passages.row(ordinal);
    },
    *passages() {
      for (let i = 0; i < passages.count; i++) yield passages.row(i);
    },
    document,
    *documents() {
      for (let i = 0; i < documents.count; i++) yield document(i);
    },
    documentOf({ id, documentId }) {
      const ordinal = documents.find(documentId);
      if (ordinal === undefined)
        throw new NotFoundError(`the document ${documentId} of passage ${id} is not in this corpus`);
      return document(ordinal);
    },
    passagesOf: (documentOrdinal) => documents.row(documentOrdinal).passages,
    close() {
      documents.close();
      passages.close();
    },
  };
}

/** Makes a finished generation the current one, in one step. */
export async function publish(folder: string, generation: string): Promise<void> {
  await writeJson(corpusPaths(folder).pointer, { format: corpusFormat, generation });
}

/** Removes what killed writers left and generations that are not current. Only for the one writer. */
export async function removeLeftovers(folder: string): Promise<void> {
  const { generations } = corpusPaths(folder);
  const current = await currentGeneration(folder);
  const names = async (path: string) => await readdir(path).catch(() => []);
  const old = (await names(generations)).filter((name) => name !== current);
  const halves = (await names(folder)).filter((name) => /^(?:current|seen)\.json\..*\.tmp$/.test(name));
  try {
    for (const name of old) await rm(join(generations, name), { recursive: true, force: true });
    for (const name of halves) await rm(join(folder, name), { force: true });
  } catch (error) {
    throw explainSystemError(error, folder);
  }
}
