import { type FileHandle, mkdir, open, rename, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { CapacityError, FormatError, NotFoundError } from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import { acquireLock } from "../base/lock.ts";
import { noProgress, type Progress } from "../base/progress.ts";
import type { Checkpoint } from "./checkpoint.ts";
import {
  layOutSafetensors,
  openSafetensors,
  readRaw,
  type SafetensorsFile,
  type TensorEntry,
  type TensorLayout,
  toFloat32,
} from "./safetensors.ts";

/** How much of a tensor is converted at a time, in bytes of the source; a multiple of every item size. */
const pieceBytes = 16 * 2 ** 20;

interface Conversion extends TensorLayout {
  source: TensorEntry;
}

/**
 * The same checkpoint with float32 weights in one file, so that the file can be mapped into memory and used without
 * conversion. The file is made once (2 to 4 bytes a weight more on disk), under the checkpoint's fingerprint, and
 * found again later; a checkpoint that is float32 already is returned as it is. A killed conversion leaves nothing
 * that is taken for a whole one.
 */
export async function buildFloat32Cache(
  checkpoint: Checkpoint,
  cacheFolder: string,
  progress: Progress = noProgress,
): Promise<Checkpoint> {
  const conversions = [...checkpoint.tensors.values()].map(toConversion);
  if (conversions.every(({ dtype, source }) => dtype === source.dtype)) return checkpoint;
  const folder = join(cacheFolder, `float32-${checkpoint.fingerprint.slice(0, 32)}`);
  const path = join(folder, "model.safetensors");
  let file = await openCached(path, checkpoint);
  if (!file) {
    const lock = await acquireLock(folder, "converting weights to float32");
    try {
      // Another process may have finished it while this one came to the lock.
      if (!(await openCached(path, checkpoint)))
        await writeConverted(path, { checkpoint, conversions, progress });
    } finally {
      await lock.release();
    }
    file = await openSafetensors(path);
  }
  return { ...checkpoint, tensors: file.tensors };
}

function toConversion(source: TensorEntry): Conversion {
  return {
    name: source.name,
    dtype: toFloat32[source.dtype] ? "F32" : source.dtype,
    shape: source.shape,
    source,
  };
}

/** The cache file, unless it is absent, damaged or of another model: then it is made again. */
async function openCached(path: string, checkpoint: Checkpoint): Promise<SafetensorsFile | undefined> {
  try {
    const file = await openSafetensors(path);
    return file.metadata.fingerprint === checkpoint.fingerprint ? file : undefined;
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof FormatError) return undefined;
    throw error;
  }
}

interface ConversionJob {
  checkpoint: Checkpoint;
  conversions: readonly Conversion[];
  progress: Progress;
}

async function writeConverted(
  path: string,
  { checkpoint, conversions, progress }: ConversionJob,
): Promise<void> {
  const layout = layOutSafetensors(conversions, { fingerprint: checkpoint.fingerprint });
  const part = `${path}.part`;
  let file: FileHandle | undefined;
  try {
    await mkdir(join(path, ".."), { recursive: true });
    await checkSpace(join(path, ".."), layout.byteLength);
    file = await open(part, "w");
    await file.writeFile(layout.header);
    let done = layout.header.length;
    for (const { source } of layout.ordered) {
      for (let begin = 0; begin < source.byteLength; begin += pieceBytes) {
        const end = Math.min(begin + pieceBytes, source.byteLength);
        const bytes = await readConverted(source, begin, end);
        await file.writeFile(bytes);
        done += bytes.byteLength;
        progress({ task: "convert weights to float32", done, total: layout.byteLength, note: source.name });
      }
    }
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

async function readConverted(source: TensorEntry, begin: number, end: number): Promise<Uint8Array> {
  const raw = await readRaw(source, { begin, end });
  const values = toFloat32[source.dtype]?.(raw.buffer);
  return values ? new Uint8Array(values.buffer, 0, values.byteLength) : raw;
}

async function checkSpace(folder: string, wanted: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= wanted) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  throw new CapacityError(
    `the float32 copy of the weights needs ${gigabytes(wanted)} in ${folder}, ${gigabytes(free)} are free; free some space or choose another cache folder`,
  );
}
