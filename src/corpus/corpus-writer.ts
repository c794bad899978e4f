import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { CapacityError, systemCode } from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import { sha256 } from "../base/hash.ts";
import type { Document, Passage } from "./corpus.ts";
import { type CorpusManifest, corpusPaths } from "./corpus-folder.ts";

/** A `Map` holds no more. */
const maxPassages = 2 ** 24 - 1;

/** Writes a new generation of a corpus beside the current one. */
export interface CorpusWriter {
  readonly documents: number;
  readonly passages: number;
  /** Adds a document and the passages it is cut into; a passage that is there already is not written again. */
  add(document: Document, passages: readonly Pick<Passage, "id" | "title" | "text">[]): Promise<void>;
  /** Puts the generation, named by the hash of its content, in its place; not yet the current one. */
  finish(manifest: Pick<CorpusManifest, "making" | "files">): Promise<string>;
  /** Removes what was written, unless it was finished. */
  discard(): Promise<void>;
}

/** Begins a generation. Only one writer at a time may do so: the caller holds the lock of the data folder. */
export async function createCorpusWriter(folder: string): Promise<CorpusWriter> {
  const { generations } = corpusPaths(folder);
  const place = join(generations, "unfinished");
  const { documents, passages } = await explained(place, () => openRowFiles(place));
  const ordinals = new Map<string, number>();
  return {
    get documents() {
      return documents.count;
    },
    get passages() {
      return passages.count;
    },
    add: (document, parts) =>
      explained(place, () => append(document, parts, { documents, passages, ordinals })),
    finish: ({ making, files }) =>
      explained(place, async () => {
        const manifest = { making, documents: documents.count, passages: passages.count, files };
        const text = `${JSON.stringify(manifest, null, 1)}\n`;
        const hashes = [await documents.finish(), await passages.finish(), sha256(text)];
        const generation = sha256(hashes.join()).slice(0, 16);
        await writeDurably(join(place, "corpus.json"), text);
        await settle(place, join(generations, generation));
        return generation;
      }),
    async discard() {
      await documents.close();
      await passages.close();
      await rm(place, { recursive: true, force: true });
    },
  };
}

interface Open {
  documents: RowFile;
  passages: RowFile;
  /** Passage id → ordinal of what is written. */
  ordinals: Map<string, number>;
}

async function append(
  { id, source, title, text }: Document,
  parts: readonly Pick<Passage, "id" | "title" | "text">[],
  { documents, passages, ordinals }: Open,
): Promise<void> {
  for (const [position, part] of parts.entries()) {
    if (ordinals.has(part.id)) continue;
    if (passages.count >= maxPassages)
      throw new CapacityError(`a corpus holds at most ${maxPassages} passages; split it in collections`);
    ordinals.set(part.id, passages.count);
    const row: Passage = { id: part.id, documentId: id, title: part.title, text: part.text, position };
    await passages.append(row);
  }
  const places = parts.map((part) => ordinals.get(part.id));
  await documents.append({ id, source, title, text, passages: places });
}

/** A full disk, a missing permission and the like, as our errors. */
async function explained<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw explainSystemError(error, path);
  }
}

async function openRowFiles(place: string): Promise<{ documents: RowFile; passages: RowFile }> {
  await rm(place, { recursive: true, force: true });
  await mkdir(place, { recursive: true });
  const documents = await openRowFile(join(place, "documents.jsonl"));
  return { documents, passages: await openRowFile(join(place, "passages.jsonl")) };
}

/** Moves a finished generation to its name. One of the same name has the same content and stays. */
async function settle(from: string, to: string): Promise<void> {
  const exists = await stat(to).then(
    () => true,
    (error: unknown) => {
      if (systemCode(error) === "ENOENT") return false;
      throw error;
    },
  );
  if (exists) await rm(from, { recursive: true, force: true });
  else await rename(from, to);
}

interface RowFile {
  readonly count: number;
  append(row: object): Promise<void>;
  /** Brings everything to the disk and gives the hash of the content. */
  finish(): Promise<string>;
  /** May be called again. */
  close(): Promise<void>;
}

async function openRowFile(path: string): Promise<RowFile> {
  const file: FileHandle = await open(path, "w");
  const hash: Hash = createHash("sha256");
  let lines: string[] = [];
  let length = 0;
  let count = 0;
  let isOpen = true;
  const flush = async () => {
    const text = lines.join("");
    lines = [];
    length = 0;
    hash.update(text);
    await file.writeFile(text); // goes on where the last one ended
  };
  const close = async () => {
    if (isOpen) await file.close();
    isOpen = false;
  };
  return {
    get count() {
      return count;
    },
    async append(row) {
      const line = `${JSON.stringify(row)}\n`;
      lines.push(line);
      length += line.length;
      count++;
      if (length >= 1 << 20) await flush();
    },
    async finish() {
      await flush();
      await file.sync();
      await close();
      return hash.digest("hex");
    },
    close,
  };
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
