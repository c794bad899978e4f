import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, FormatError, NotFoundError, systemCode } from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import type { Adapter } from "./adapter.ts";
import { type AdapterHeader, loadAdapter, type Provenance, saveAdapter } from "./adapter-file.ts";
import { isAdapterKey } from "./adapter-key.ts";
import { checkFits, type ModuleShape, shapesOf } from "./factors.ts";
import { LruCache } from "./lru-cache.ts";
import { bake } from "./merge.ts";
import { type AdapterDtype, countBytes } from "./size.ts";

/** An adapter on disk. */
export interface StoredAdapter {
  key: string;
  path: string;
  /** Of the file. */
  bytes: number;
}

/**
 * Adapters by `adapterKey`, one file each: `<folder>/<first two digits>/<key>.safetensors`. A file appears whole or not at all, so
 * readers need no lock and are never blocked; there is one writer at a time.
 */
export interface AdapterStore {
  has(key: string): Promise<boolean>;
  /**
   * The adapter with its scaling baked in (alpha = rank), as `merge` copies it fastest; from memory if it was used lately. Shared:
   * its numbers must not be changed. `NotFoundError` where there is none.
   */
  load(key: string): Promise<Adapter>;
  /** Returns the file's size in bytes. */
  save(key: string, adapter: Adapter, provenance: Provenance): Promise<number>;
  /** In the order of keys. */
  list(): Promise<StoredAdapter[]>;
  /** Whether there was one. */
  remove(key: string): Promise<boolean>;
  /** Reads the file again and checks all of it; returns its header, or throws what is wrong. */
  verify(key: string): Promise<AdapterHeader>;
  path(key: string): string;
}

/** See `openAdapterStore`. */
export interface AdapterStoreOptions {
  /** Of the base model in use: an adapter of another is refused. */
  fingerprint?: string | undefined;
  /** The base model's linears: an adapter that does not fit is refused. */
  shapes?: readonly ModuleShape[] | undefined;
  /** What `save` writes; `load` reads all. */
  dtype?: AdapterDtype | undefined;
  /** Memory for adapters used lately, as float32. */
  cacheBytes?: number | undefined;
}

/** Opens the store in a folder, which need not exist yet. It holds memory only, so there is nothing to close. */
export function openAdapterStore(
  folder: string,
  { fingerprint, shapes, dtype = "f16", cacheBytes = 512 * 2 ** 20 }: AdapterStoreOptions = {},
): AdapterStore {
  const cache = new LruCache<Adapter>(cacheBytes);
  const loading = new Map<string, Promise<Adapter>>();
  const pathOf = (key: string) => join(folder, checkKey(key).slice(0, 2), `${key}.safetensors`);

  const read = async (key: string) => {
    const stored = await loadAdapter(pathOf(key), { fingerprint }).catch((error: unknown) => {
      throw explainLoad(error, key);
    });
    if (shapes) checkFits(stored.adapter, shapes);
    return stored;
  };
  const readIntoCache = async (key: string) => {
    const adapter = bake((await read(key)).adapter);
    cache.set(key, adapter, countBytes(shapesOf(adapter), adapter.config.rank, "f32"));
    return adapter;
  };

  return {
    path: pathOf,
    has: async (key) => (await sizeOf(pathOf(key))) !== undefined,
    async load(key) {
      const cached = cache.get(key);
      if (cached && (await sizeOf(pathOf(key))) !== undefined) return cached;
      if (cached) cache.delete(key); // somebody else deleted the file
      const pending = loading.get(key) ?? readIntoCache(key).finally(() => loading.delete(key));
      loading.set(key, pending);
      return await pending;
    },
    async save(key, adapter, provenance) {
      const bytes = await saveAdapter(pathOf(key), adapter, { dtype, provenance });
      cache.delete(key);
      return bytes;
    },
    list: () => listAdapters(folder),
    async remove(key) {
      cache.delete(key);
      const existed = (await sizeOf(pathOf(key))) !== undefined;
      if (existed) await removeFile(pathOf(key));
      return existed;
    },
    verify: async (key) => (await read(key)).header,
  };
}

/** Says what to do about an adapter that cannot be read. */
function explainLoad(error: unknown, key: string): unknown {
  if (error instanceof NotFoundError)
    return new NotFoundError(`the store has no adapter ${key} (${error.message}); encode its passage`, {
      cause: error,
    });
  if (!(error instanceof FormatError)) return error;
  const { path } = error;
  const reason = error.message.replace(`${path}: `, "");
  return new FormatError(
    `${reason}; "prag adapters delete ${key.slice(0, 12)}", then "prag encode", makes this adapter anew`,
    { path, cause: error },
  );
}

function checkKey(key: string): string {
  if (!isAdapterKey(key))
    throw new ConfigError(
      `an adapter key is 64 hexadecimal digits, got ${JSON.stringify(key)}; "prag adapters list" shows them`,
    );
  return key;
}

async function listAdapters(folder: string): Promise<StoredAdapter[]> {
  const found: StoredAdapter[] = [];
  for (const { name, path } of await filesOf(folder)) {
    const key = name.replace(/\.safetensors$/, "");
    if (!name.endsWith(".safetensors") || !isAdapterKey(key)) continue;
    const bytes = await sizeOf(path);
    if (bytes !== undefined) found.push({ key, path, bytes });
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** The files in the two-digit subfolders. */
async function filesOf(folder: string): Promise<{ name: string; path: string }[]> {
  const groups = (await entriesOf(folder)).filter((name) => /^[0-9a-f]{2}$/.test(name));
  const files: { name: string; path: string }[] = [];
  for (const group of groups)
    for (const name of await entriesOf(join(folder, group)))
      files.push({ name, path: join(folder, group, name) });
  return files;
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw explainSystemError(error, folder);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw explainSystemError(error, path);
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw explainSystemError(error, path);
  }
}
