import { type FileHandle, mkdir, open, rename, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { CapacityError, FormatError, NotFoundError } from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import { acquireLock } from "../base/lock.ts";
import type { Progress } from "../base/progress.ts";
import {
  layOutSafetensors,
  openSafetensors,
  type SafetensorsFile,
  type TensorLayout,
} from "./safetensors.ts";
import { byteLengthOf } from "./safetensors-header.ts";

/** Appends bytes to a tensor of the file. */
export type AppendBytes = (name: string, bytes: Uint8Array) => Promise<void>;

/** A large file that follows from a checkpoint and is made once. */
export interface CacheFile {
  /** Of this file alone. */
  folder: string;
  /** The file is taken for this one if its metadata is equal. */
  metadata: Readonly<Record<string, string>>;
  /** What is being made, for progress, lock and errors: "convert weights to float32". */
  task: string;
  tensors: readonly TensorLayout[];
  /** Appends to every tensor from its beginning to its end; the tensors in any order. */
  fill(append: AppendBytes): Promise<void>;
  progress: Progress;
}

/**
 * The cache file, made now unless it is there already. It appears under its name when it is whole, so that a killed
 * process leaves nothing that is taken for it; a damaged one is made again.
 */
export async function openCacheFile(wanted: CacheFile): Promise<SafetensorsFile> {
  const path = join(wanted.folder, "model.safetensors");
  const before = await openCached(path, wanted.metadata);
  if (before) return before;
  const lock = await acquireLock(wanted.folder, wanted.task);
  try {
    // Another process may have finished it while this one came to the lock.
    const finished = await openCached(path, wanted.metadata);
    if (finished) return finished;
    await writeWhole(path, wanted);
  } finally {
    await lock.release();
  }
  return await openSafetensors(path);
}

async function openCached(
  path: string,
  metadata: Readonly<Record<string, string>>,
): Promise<SafetensorsFile | undefined> {
  try {
    const file = await openSafetensors(path);
    const isEqual = Object.entries(metadata).every(([key, value]) => file.metadata[key] === value);
    return isEqual ? file : undefined;
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof FormatError) return undefined;
    throw error;
  }
}

async function writeWhole(path: string, wanted: CacheFile): Promise<void> {
  const part = `${path}.part`;
  let file: FileHandle | undefined;
  try {
    const { header, ordered, byteLength } = layOutSafetensors(wanted.tensors, wanted.metadata);
    await mkdir(wanted.folder, { recursive: true });
    await checkSpace(wanted, byteLength);
    file = await open(part, "w");
    await writeAt(file, header, 0);
    const { append, checkWhole } = createAppender(file, { header, ordered, byteLength, wanted });
    await wanted.fill(append);
    checkWhole();
    await file.sync();
    await file.close();
    file = undefined;
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw explainSystemError(error, path);
  } finally {
    await file?.close();
  }
}

interface Layout extends ReturnType<typeof layOutSafetensors> {
  wanted: CacheFile;
}

function createAppender(
  file: FileHandle,
  { header, ordered, byteLength, wanted }: Layout,
): { append: AppendBytes; checkWhole(): void } {
  const places = new Map<string, { next: number; end: number }>();
  let end = header.length;
  for (const { name, dtype, shape } of ordered) {
    const begin = end;
    end += byteLengthOf(dtype, shape);
    places.set(name, { next: begin, end });
  }
  let done = header.length;
  return {
    async append(name, bytes) {
      const place = places.get(name);
      if (!place || place.next + bytes.length > place.end) {
        throw new Error(`internal: the cache file has no place for ${bytes.length} bytes of ${name}`);
      }
      await writeAt(file, bytes, place.next);
      place.next += bytes.length;
      done += bytes.length;
      wanted.progress({ task: wanted.task, done, total: byteLength, note: name });
    },
    checkWhole() {
      if (done !== byteLength) throw new Error(`internal: ${done} of ${byteLength} bytes were made`);
    },
  };
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

async function checkSpace({ folder, task }: CacheFile, wanted: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= wanted) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  throw new CapacityError(
    `to ${task}, ${gigabytes(wanted)} are needed in ${folder}, ${gigabytes(free)} are free; free some space or choose another cache folder`,
  );
}
