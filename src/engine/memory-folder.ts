import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError, FormatError, NotFoundError } from "../base/errors.ts";
import { isFile, isFolder, readJsonIfPresent, writeAtomic, writeJson } from "../base/files.ts";
import { sha256 } from "../base/hash.ts";
import { readJsonl } from "../base/jsonl.ts";
import type { Passage } from "../corpus/corpus.ts";
import { type MemoryFile, openMemoryFile } from "../memory/memory-file.ts";
import type { DataFolder } from "./data-folder.ts";

/**
 * What a named memory consists of: `about.json` names the files that belong together, so that a killed writer leaves the
 * old memory or the new one, whole.
 */
const aboutSchema = z.object({
  title: z.string(),
  /** Files that were read, in order. */
  sources: z.array(z.string()),
  characters: z.int(),
  /** Compressed keys and values, or in lite mode a text of notes. */
  memory: z.string().nullable(),
  notes: z.string().nullable(),
  passages: z.string(),
});
export type AboutMemory = z.infer<typeof aboutSchema>;

const passageSchema = z.object({
  id: z.string(),
  documentId: z.string(),
  title: z.string(),
  text: z.string(),
  position: z.int(),
});

const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/** Folder of a named memory. */
export function memoryFolder({ path }: DataFolder, name: string): string {
  if (!namePattern.test(name)) {
    throw new ConfigError(
      `a memory's name is letters, digits, dot, dash or underscore, at most 64, got "${name}"`,
    );
  }
  return join(path, "memories", name);
}

/** Names of all memories, sorted; unfinished ones are left out. */
export async function memoryNames({ path }: DataFolder): Promise<string[]> {
  const root = join(path, "memories");
  const names: string[] = [];
  for (const name of await readdir(root).catch(() => []))
    if (await isFile(join(root, name, "about.json"))) names.push(name);
  return names.sort();
}

/** What a memory consists of, if there is one of this name. */
export async function findMemory(folder: DataFolder, name: string): Promise<AboutMemory | undefined> {
  return readJsonIfPresent(join(memoryFolder(folder, name), "about.json"), aboutSchema);
}

/** A memory with the passages of its text. */
export interface OpenedMemory {
  about: AboutMemory;
  memory: MemoryFile | undefined;
  notes: string | undefined;
  passages: Passage[];
}

/** Opens a named memory. */
export async function openNamedMemory(folder: DataFolder, name: string): Promise<OpenedMemory> {
  const about = await findMemory(folder, name);
  if (!about) {
    if (await isFolder(memoryFolder(folder, name))) {
      throw new NotFoundError(
        `the memory "${name}" is unfinished; run the same "prag memorize" again, or "prag memory delete ${name}"`,
      );
    }
    const known = (await memoryNames(folder)).join(", ");
    throw new NotFoundError(
      `there is no memory "${name}"; ${known ? `there are ${known}` : 'make one with "prag memorize FILE --memory NAME"'}`,
    );
  }
  const root = memoryFolder(folder, name);
  const path = (file: string) => join(root, file);
  const passages = await readJsonl(path(about.passages), passageSchema);
  if (!passages.length) {
    throw new FormatError("has no passages; memorize the text again", { path: path(about.passages) });
  }
  return {
    about,
    memory: about.memory === null ? undefined : await openMemoryFile(path(about.memory)),
    notes: about.notes === null ? undefined : await readFile(path(about.notes), "utf8"),
    passages,
  };
}

/** Puts a memory's new files in place: passages, then what names them; files of before go last. */
export async function publishMemory(
  folder: DataFolder,
  name: string,
  { passages, ...about }: Omit<AboutMemory, "passages"> & { passages: readonly Passage[] },
): Promise<void> {
  const root = memoryFolder(folder, name);
  const lines = passages.map((passage) => `${JSON.stringify(passage)}\n`).join("");
  const file = `passages-${sha256(lines).slice(0, 16)}.jsonl`; // another text never takes the place of the old one's
  await writeAtomic(join(root, file), lines);
  await writeJson(join(root, "about.json"), { ...about, passages: file });
  const kept = new Set(["about.json", file, about.memory, about.notes]);
  for (const entry of await readdir(root)) if (!kept.has(entry)) await rm(join(root, entry), { force: true });
}

/** Deletes a memory. */
export async function removeMemory(folder: DataFolder, name: string): Promise<void> {
  await rm(memoryFolder(folder, name), { recursive: true, force: true });
}
