import { rm } from "node:fs/promises";
import { type AdapterHeader, loadAdapterHeader } from "../adapters/adapter-file.ts";
import { type AdapterStore, openAdapterStore, type StoredAdapter } from "../adapters/store.ts";
import { ConfigError, EngineError, messageOf, NotFoundError } from "../base/errors.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { forgetAdapters, referencedKeys, withPassageTitles } from "./collections.ts";
import { asWriter } from "./data-folder.ts";
import type { EngineParts } from "./parts.ts";

/** An adapter of the data folder, as a list shows it. What its header does not tell is null. */
export interface AdapterRow {
  key: string;
  bytes: number;
  dtype: string | null;
  rank: number | null;
  /** Name of the base model. */
  model: string | null;
  recipeHash: string | null;
  passage: string | null;
  title: string | null;
  /** Whether an encoding of any collection refers to it. */
  isUsed: boolean;
  /** Why the file cannot be read. */
  problem: string | null;
}

/** All adapters of the data folder, of every collection, model and recipe. */
export async function listAdapters(parts: EngineParts): Promise<AdapterRow[]> {
  const used = await referencedKeys(parts.folder.path);
  const stored = await allAdapters(parts).list();
  return withPassageTitles(parts.folder.path, async (titleOf) => {
    const rows: AdapterRow[] = [];
    for (const one of stored) rows.push({ ...(await describe(one, titleOf)), isUsed: used.has(one.key) });
    return rows;
  });
}

/** The store as a folder of files: adapters of any model. */
function allAdapters({ folder }: EngineParts): AdapterStore {
  return openAdapterStore(folder.adapters);
}

async function describe(
  { key, path, bytes }: StoredAdapter,
  titleOf: (passageId: string) => string | undefined,
): Promise<Omit<AdapterRow, "isUsed">> {
  const read = await readHeader(path);
  if (typeof read === "string") {
    const unknown = { dtype: null, rank: null, model: null, recipeHash: null, passage: null, title: null };
    return { key, bytes, ...unknown, problem: read };
  }
  const { dtype, rank, provenance } = read;
  const { baseModel, recipe, passageId } = provenance;
  return {
    key,
    bytes,
    dtype,
    rank,
    model: baseModel.name,
    recipeHash: recipe === undefined ? null : sha256(canonicalJson(recipe)).slice(0, 16),
    passage: passageId ?? null,
    title: (passageId && titleOf(passageId)) ?? null,
    problem: null,
  };
}

async function readHeader(path: string): Promise<AdapterHeader | string> {
  try {
    return await loadAdapterHeader(path);
  } catch (error) {
    if (error instanceof EngineError) return error.message;
    throw error;
  }
}

/** What a check of adapters found. */
export interface VerifyReport {
  checked: number;
  bad: { key: string; problem: string }[];
}

/** Reads adapters as a whole, all or those named, and checks form, checksum and numbers. */
export async function verifyAdapters(
  parts: EngineParts,
  keys: readonly string[] = [],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<VerifyReport> {
  const store = allAdapters(parts);
  const chosen = await chooseKeys(store, keys);
  const bad: VerifyReport["bad"] = [];
  for (const [i, key] of chosen.entries()) {
    signal?.throwIfAborted();
    await store.verify(key).catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
      bad.push({ key, problem: messageOf(error) });
    });
    parts.progress({ task: "verify", done: i + 1, total: chosen.length });
  }
  return { checked: chosen.length, bad };
}

/** Keys by their beginnings; none means all. A beginning of no adapter or of several is an error. */
async function chooseKeys(store: AdapterStore, beginnings: readonly string[]): Promise<string[]> {
  const all = (await store.list()).map(({ key }) => key);
  return beginnings.length ? beginnings.map((beginning) => findKey(all, beginning)) : all;
}

/** The one key that begins so. */
export function findKey(keys: readonly string[], beginning: string): string {
  const fitting = keys.filter((key) => key.startsWith(beginning.toLowerCase()));
  if (fitting.length === 1 && fitting[0] !== undefined) return fitting[0];
  if (fitting.length === 0)
    throw new NotFoundError(`no adapter's key begins with "${beginning}"; "prag adapters list" shows them`);
  throw new ConfigError(`${fitting.length} adapters' keys begin with "${beginning}"; give more of the key`);
}

/** Deletes adapters by the beginnings of their keys, or all that no encoding refers to. Returns their keys. */
export async function deleteAdapters(
  parts: EngineParts,
  { keys = [], orphans = false }: { keys?: readonly string[]; orphans?: boolean },
): Promise<string[]> {
  if (!keys.length && !orphans) throw new ConfigError("nothing to delete; give keys or --orphans");
  return asWriter(parts.folder, "delete adapters", async () => {
    const store = allAdapters(parts);
    const chosen = new Set(keys.length ? await chooseKeys(store, keys) : []);
    if (orphans) {
      const used = await referencedKeys(parts.folder.path);
      for (const { key } of await store.list()) if (!used.has(key)) chosen.add(key);
    }
    await forgetAdapters(parts.folder, chosen); // first: a row without its file would count as encoded
    for (const key of chosen) await rm(store.path(key), { force: true });
    return [...chosen];
  });
}
