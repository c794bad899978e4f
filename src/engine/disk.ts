import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type AdapterDtype, countBytes } from "../adapters/size.ts";
import { openAdapterStore } from "../adapters/store.ts";
import { CapacityError, systemCode } from "../base/errors.ts";
import type { DataFolder } from "./data-folder.ts";
import type { OpenedModel } from "./parts.ts";

/** Bytes that are free for us on the disk of a folder, which need not exist yet. */
export async function freeBytes(folder: string): Promise<number> {
  const path = resolve(folder);
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    if (systemCode(error) !== "ENOENT" || dirname(path) === path) throw error;
    return freeBytes(dirname(path));
  }
}

/** Throws a `CapacityError` where less is free than needed, before the work begins. */
export function checkSpace(needed: number, free: number, folder: string): void {
  if (free >= needed) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;
  throw new CapacityError(
    `the adapters need ${megabytes(needed)} in ${folder}, ${megabytes(free)} are free; free some space, store them smaller (--adapter-dtype int8, --rank) or choose another data folder`,
  );
}

/** Bytes of all adapters of a data folder, whichever model they are for. */
export async function adapterBytes({ adapters }: DataFolder): Promise<number> {
  const stored = await openAdapterStore(adapters).list();
  return stored.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Bytes of one adapter's file, about: its numbers, and a header for every tensor. */
export function bytesPerAdapter({ shapes, recipe }: OpenedModel, dtype: AdapterDtype): number {
  const tensors = shapes.length * (dtype === "int8" ? 4 : 2);
  return countBytes(shapes, recipe.rank, dtype) + 2048 + 150 * tensors;
}
