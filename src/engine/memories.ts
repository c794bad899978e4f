import { stat } from "node:fs/promises";
import { messageOf, NotFoundError } from "../base/errors.ts";
import { rowCount, rowWidth } from "../memory/memory.ts";
import { asWriter } from "./data-folder.ts";
import { memoryFolder, memoryNames, openNamedMemory, removeMemory } from "./memory-folder.ts";
import type { EngineParts } from "./parts.ts";

/** What is known of a memory. */
export interface MemoryRow {
  name: string;
  title: string;
  sources: string[];
  characters: number;
  passages: number;
  lite: boolean;
  /** The rest is null in lite mode. */
  tokens: number | null;
  entries: number | null;
  ratio: number | null;
  window: number | null;
  bytes: number | null;
  /** Of ordinary keys and values of the whole text. */
  fullBytes: number | null;
  baseModel: string | null;
  memoryModel: string | null;
  /** Why it cannot be used. */
  problem: string | null;
}

/** All memories of the data folder. */
export async function listMemories(parts: EngineParts): Promise<MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for (const name of await memoryNames(parts.folder)) {
    const row = await describe(parts, name).catch((error: unknown) => ({
      ...nothing(name),
      problem: messageOf(error),
    }));
    rows.push(row);
  }
  return rows;
}

/** One memory. */
export async function showMemory(parts: EngineParts, name: string): Promise<MemoryRow> {
  return describe(parts, name);
}

/** Deletes a memory with its passages. */
export async function deleteMemory(parts: EngineParts, name: string): Promise<void> {
  await asWriter(parts.folder, "delete a memory", async () => {
    const isThere = await stat(memoryFolder(parts.folder, name)).then(
      () => true,
      () => false,
    );
    if (!isThere) throw new NotFoundError(`there is no memory "${name}"`);
    await removeMemory(parts.folder, name);
  });
}

async function describe({ folder }: EngineParts, name: string): Promise<MemoryRow> {
  const { about, memory, passages } = await openNamedMemory(folder, name);
  const { title, sources, characters } = about;
  const row = { ...nothing(name), title, sources, characters, passages: passages.length, lite: !memory };
  if (!memory) return row;
  const { tokens, entries, ratio, window, baseModel, memoryModel } = memory.header;
  const rowBytes = 4 * rowWidth(memory.header);
  return {
    ...row,
    tokens,
    entries,
    ratio,
    window,
    bytes: rowCount(memory.header) * rowBytes,
    fullBytes: tokens * rowBytes,
    baseModel: baseModel.name,
    memoryModel: memoryModel.name,
  };
}

function nothing(name: string): MemoryRow {
  return {
    name,
    title: "",
    sources: [],
    characters: 0,
    passages: 0,
    lite: false,
    tokens: null,
    entries: null,
    ratio: null,
    window: null,
    bytes: null,
    fullBytes: null,
    baseModel: null,
    memoryModel: null,
    problem: null,
  };
}
