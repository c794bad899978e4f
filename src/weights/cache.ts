import { join } from "node:path";
import { noProgress, type Progress } from "../base/progress.ts";
import { openCacheFile } from "./cache-file.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { readRaw, type TensorEntry, type TensorLayout, toFloat32 } from "./safetensors.ts";

/** How much of a tensor is converted at a time, in bytes of the source; a multiple of every item size. */
const pieceBytes = 16 * 2 ** 20;

interface Conversion extends TensorLayout {
  source: TensorEntry;
}

/**
 * The same checkpoint with float32 weights in one file, so that the file can be mapped into memory and used without
 * conversion. The file is made once (4 bytes a weight on disk), under the checkpoint's fingerprint, and
 * found again later; a checkpoint that is float32 already is returned as it is.
 */
export async function buildFloat32Cache(
  checkpoint: Checkpoint,
  cacheFolder: string,
  progress: Progress = noProgress,
): Promise<Checkpoint> {
  const conversions = [...checkpoint.tensors.values()].map(toConversion);
  if (conversions.every(({ dtype, source }) => dtype === source.dtype)) return checkpoint;
  const { tensors } = await openCacheFile({
    folder: join(cacheFolder, `float32-${checkpoint.fingerprint.slice(0, 32)}`),
    metadata: { fingerprint: checkpoint.fingerprint },
    task: "convert weights to float32",
    tensors: conversions,
    progress,
    async fill(append) {
      for (const { source } of conversions) {
        for (let begin = 0; begin < source.byteLength; begin += pieceBytes) {
          const end = Math.min(begin + pieceBytes, source.byteLength);
          await append(source.name, await readConverted(source, begin, end));
        }
      }
    },
  });
  return { ...checkpoint, tensors };
}

function toConversion(source: TensorEntry): Conversion {
  return {
    name: source.name,
    dtype: toFloat32[source.dtype] ? "F32" : source.dtype,
    shape: source.shape,
    source,
  };
}

async function readConverted(source: TensorEntry, begin: number, end: number): Promise<Uint8Array> {
  const raw = await readRaw(source, { begin, end });
  const values = toFloat32[source.dtype]?.(raw.buffer);
  return values ? new Uint8Array(values.buffer, 0, values.byteLength) : raw;
}
