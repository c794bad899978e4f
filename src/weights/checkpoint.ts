import { createHash, type Hash } from "node:crypto";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FormatError, NotFoundError } from "../base/errors.ts";
import { explainSystemError, isFile, readJsonIfPresent } from "../base/files.ts";
import { canonicalJson, sha256OfFile } from "../base/hash.ts";
import { openSafetensors, type SafetensorsFile, type TensorEntry } from "./safetensors.ts";

/** A model folder in the layout of Hugging Face: its settings, and where each weight lies. Nothing stays open. */
export interface Checkpoint {
  /** Real path, no link. */
  folder: string;
  /** `config.json`, as parsed JSON; the architecture that reads it checks it. */
  config: unknown;
  /** By the name in the files. Entries of several shards have several `file`s. */
  tensors: ReadonlyMap<string, TensorEntry>;
  /** What the model is known by: equal for equal config and weights (see `fingerprintOf`), hexadecimal. */
  fingerprint: string;
}

const anyJson = z.unknown();
/** https://huggingface.co/docs/transformers/big_models#sharded-checkpoints */
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** Opens a model folder: one `model.safetensors`, or shards that `model.safetensors.index.json` names. */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const real = await realpath(folder).catch((error: unknown) => {
    throw explainSystemError(error, folder);
  });
  const config = await readJsonIfPresent(join(real, "config.json"), anyJson);
  if (config === undefined) {
    throw new NotFoundError(
      `${join(real, "config.json")} does not exist; a model folder holds config.json, tokenizer.json and *.safetensors (give such a folder or a hub id)`,
    );
  }
  const files = await openWeightFiles(real);
  const tensors = uniteTensors(files);
  return {
    folder: real,
    config,
    tensors,
    fingerprint: await fingerprintOf(config, files),
  };
}

async function openWeightFiles(folder: string): Promise<SafetensorsFile[]> {
  const single = join(folder, "model.safetensors");
  if (await isFile(single)) return [await openSafetensors(single)];
  const indexPath = join(folder, "model.safetensors.index.json");
  const index = await readJsonIfPresent(indexPath, indexSchema);
  if (!index) throw new NotFoundError(await describeMissingWeights(folder));
  const shards = [...new Set(Object.values(index.weight_map))].sort();
  const files = new Map<string, SafetensorsFile>();
  for (const shard of shards) files.set(shard, await openShard(folder, shard, indexPath));
  for (const [name, shard] of Object.entries(index.weight_map)) {
    if (!files.get(shard)?.tensors.has(name)) {
      throw new FormatError(`tensor "${name}" is not in ${shard}, where the index puts it`, {
        path: indexPath,
      });
    }
  }
  return [...files.values()];
}

async function openShard(folder: string, shard: string, indexPath: string): Promise<SafetensorsFile> {
  if (!/^[^/\\\0]+\.safetensors$/.test(shard)) {
    throw new FormatError(
      `names the shard ${JSON.stringify(shard)}, wanted the name of a .safetensors file in the same folder`,
      { path: indexPath },
    );
  }
  try {
    return await openSafetensors(join(folder, shard));
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new FormatError(`names the shard ${shard}, which is missing; fetch the model again`, {
      path: indexPath,
      cause: error,
    });
  }
}

function uniteTensors(files: readonly SafetensorsFile[]): Map<string, TensorEntry> {
  const tensors = new Map<string, TensorEntry>();
  for (const file of files) {
    for (const entry of file.tensors.values()) {
      const other = tensors.get(entry.name);
      if (other) {
        throw new FormatError(`tensor "${entry.name}" is also in ${other.file}`, { path: file.path });
      }
      tensors.set(entry.name, entry);
    }
  }
  return tensors;
}

async function describeMissingWeights(folder: string): Promise<string> {
  const names = await readdir(folder);
  const others = names.filter((name) => /\.(bin|pt|pth|gguf)$|\.safetensors$/.test(name));
  const found = others.length ? ` (found ${others.slice(0, 3).join(", ")})` : "";
  return `${folder} holds neither model.safetensors nor model.safetensors.index.json${found}; save the model as safetensors`;
}

/** Up to this size together, weight files are hashed whole, in bytes. */
const wholeBelow = 64 * 2 ** 20;
const samplesPerTensor = 4;
const sampleBytes = 512;

/**
 * SHA-256 over the config, the files' tensors and sizes, and their bytes: all of them up to 64 MB together; above that
 * four pieces of 512 bytes of every tensor, evenly spaced from its first byte to its last. So a model of many gigabytes
 * costs milliseconds, and a change of one tensor as a whole (training, rounding, another seed) is always seen; a change
 * of a few numbers between the pieces is not.
 */
async function fingerprintOf(config: unknown, files: readonly SafetensorsFile[]): Promise<string> {
  const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
  const isSmall = sizes.reduce((sum, size) => sum + size, 0) <= wholeBelow;
  const hash = createHash("sha256").update(canonicalJson(config));
  for (const [i, file] of files.entries()) {
    const layout = [...file.tensors.values()].map(({ name, dtype, shape, offset }) => [
      name,
      dtype,
      shape,
      offset,
    ]);
    hash.update(canonicalJson([sizes[i], layout]));
    if (isSmall) hash.update(await sha256OfFile(file.path));
    else await hashSamples(hash, file);
  }
  return hash.digest("hex");
}

async function hashSamples(hash: Hash, file: SafetensorsFile): Promise<void> {
  const piece = Buffer.alloc(sampleBytes);
  const handle = await open(file.path, "r");
  try {
    for (const { offset, byteLength } of file.tensors.values()) {
      const last = Math.max(0, byteLength - sampleBytes);
      for (let i = 0; i < samplesPerTensor; i++) {
        const begin = Math.floor((last * i) / (samplesPerTensor - 1));
        const length = Math.min(sampleBytes, byteLength - begin);
        const { bytesRead } = await handle.read(piece, 0, length, offset + begin);
        hash.update(piece.subarray(0, bytesRead));
      }
    }
  } finally {
    await handle.close();
  }
}
