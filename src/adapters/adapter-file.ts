import { createHash } from "node:crypto";
import { z } from "zod";
import { ConfigError, FormatError, UnsupportedError } from "../base/errors.ts";
import { parseJson, parseValue, writeAtomic } from "../base/files.ts";
import { canonicalJson } from "../base/hash.ts";
import {
  encodeSafetensors,
  layOutSafetensors,
  openSafetensors,
  readRaw,
  type SafetensorsFile,
  type TensorData,
} from "../weights/safetensors.ts";
import type { Adapter, LoraFactors } from "./adapter.ts";
import { checkAdapter, checkLoaded, compareModuleNames, lastPart } from "./factors.ts";
import { type AdapterDtype, adapterDtypes } from "./size.ts";
import { readFactor, type StoredTensors, storeFactor } from "./stored-factors.ts";

/*
 * One adapter is one safetensors file (https://github.com/huggingface/safetensors). Tensors: `<module>.down` [R, in] and
 * `<module>.up` [R, out] as F32, F16 or I8, the latter with `<module>.down_scale` [R] and `.up_scale` [R] in F32. Metadata: one
 * entry, JSON by `fileSchema`. No clock and no duration enters the file: the same training gives the same bytes.
 */
const metadataKey = "parametric_rag_adapter";
const formatVersion = 1;

const provenanceSchema = z.object({
  baseModel: z.object({ name: z.string(), fingerprint: z.string() }),
  /** Version of this package, or the tool that an imported adapter came from. */
  createdBy: z.string(),
  /** The base model that an imported adapter names, where that is another one. */
  importedBase: z.string().optional(),
  passageId: z.string().optional(),
  /** Every setting of the training. */
  recipe: z.json().optional(),
  augmentationHash: z.string().optional(),
  initHash: z.string().optional(),
  promptsHash: z.string().optional(),
  trainingTokens: z.int().nonnegative().optional(),
  /** Training loss per update. */
  losses: z.array(z.number()).optional(),
});

/** Where an adapter comes from, as written into its file. */
export type Provenance = z.infer<typeof provenanceSchema>;

const fileSchema = z.object({
  formatVersion: z.int(),
  rank: z.int().positive(),
  alpha: z.number().positive(),
  targetModules: z.array(z.string()),
  dtype: z.enum(adapterDtypes),
  /** SHA-256 of this header without it, then of the bytes of all tensors in the file's order. */
  checksum: z.string(),
  provenance: provenanceSchema,
});

/** What stands in the header of an adapter's file. */
export type AdapterHeader = z.infer<typeof fileSchema>;

/** The bytes of an adapter's file. Equal input gives equal bytes. */
export function encodeAdapter(
  adapter: Adapter,
  { dtype, provenance }: { dtype: AdapterDtype; provenance: Provenance },
): Uint8Array {
  checkAdapter(adapter);
  const { rank, alpha, targetModules } = adapter.config;
  const store = storeFactor[dtype];
  const tensors = [...adapter.modules].flatMap(([name, { down, up }]) => [
    ...store({ name: `${name}.down`, rank, data: down }),
    ...store({ name: `${name}.up`, rank, data: up }),
  ]);
  const header = {
    formatVersion,
    rank,
    alpha,
    targetModules: [...targetModules],
    dtype,
    provenance: parseValue(provenance, provenanceSchema, "provenance"), // the checksum covers what will be read again
  };
  const { ordered } = layOutSafetensors<TensorData>(tensors);
  const checksum = checksumOf(
    header,
    ordered.map(({ data }) => data),
  );
  return encodeSafetensors(tensors, { [metadataKey]: canonicalJson({ ...header, checksum }) });
}

/** Writes an adapter's file, atomically; returns its size in bytes. */
export async function saveAdapter(
  path: string,
  adapter: Adapter,
  options: { dtype: AdapterDtype; provenance: Provenance },
): Promise<number> {
  const bytes = encodeAdapter(adapter, options);
  await writeAtomic(path, bytes);
  return bytes.length;
}

/** Reads the header alone: config and provenance. */
export async function loadAdapterHeader(path: string): Promise<AdapterHeader> {
  return parseHeader(await openSafetensors(path), path);
}

/**
 * Reads an adapter's file and checks all of it: form, checksum, finite numbers. With `fingerprint`, an adapter of another base
 * model is a `ConfigError`.
 */
export async function loadAdapter(
  path: string,
  { fingerprint }: { fingerprint?: string | undefined } = {},
): Promise<{ adapter: Adapter; header: AdapterHeader }> {
  const file = await openSafetensors(path);
  const header = parseHeader(file, path);
  if (fingerprint !== undefined) checkBaseModel(path, header.provenance.baseModel, fingerprint);
  const tensors = await readTensors(file, header, path);
  const { rank, alpha, targetModules, dtype } = header;
  const modules = new Map(
    moduleNames(file, path).map((name) => [name, readModule(tensors, name, { rank, dtype })]),
  );
  const adapter = { config: { rank, alpha, targetModules }, modules };
  checkLoaded(adapter, path);
  return { adapter, header };
}

function readModule(
  tensors: StoredTensors,
  name: string,
  options: { rank: number; dtype: AdapterDtype },
): LoraFactors {
  const down = readFactor(tensors, `${name}.down`, options);
  const up = readFactor(tensors, `${name}.up`, options);
  return { down: down.data, up: up.data, inFeatures: down.width, outFeatures: up.width };
}

function parseHeader({ metadata }: SafetensorsFile, path: string): AdapterHeader {
  const text = metadata[metadataKey];
  if (text === undefined)
    throw new FormatError(
      `is no adapter of parametric-rag (no "${metadataKey}" in its metadata); a PEFT folder is imported with "prag adapters import"`,
      { path },
    );
  const { formatVersion: version } = parseJson(text, z.object({ formatVersion: z.int() }), path);
  if (version !== formatVersion)
    throw new UnsupportedError(
      `${path} has format version ${version}, this version of parametric-rag reads ${formatVersion}; ${version > formatVersion ? "update parametric-rag" : "encode the passage again"}`,
    );
  return parseJson(text, fileSchema, path);
}

function checkBaseModel(path: string, { name, fingerprint }: Provenance["baseModel"], wanted: string): void {
  if (fingerprint !== wanted)
    throw new ConfigError(
      `${path} is an adapter for the base model ${name} (fingerprint ${fingerprint}), not for the one in use (fingerprint ${wanted}); use that model, or encode the passage for this one`,
    );
}

/** All tensors in one read: they lie side by side. */
async function readTensors(
  { tensors }: SafetensorsFile,
  { checksum, ...header }: AdapterHeader,
  path: string,
): Promise<StoredTensors> {
  const ordered = [...tensors.values()].sort((a, b) => a.offset - b.offset);
  const [first, last] = [ordered[0], ordered.at(-1)];
  if (!first || !last) throw new FormatError("has no tensors; encode the passage again", { path });
  const byteLength = last.offset + last.byteLength - first.offset;
  const bytes = await readRaw({ ...first, byteLength });
  if (checksumOf(header, [bytes]) !== checksum)
    throw new FormatError("is damaged (its checksum is wrong); delete it and encode the passage again", {
      path,
    });
  return {
    path,
    get(name) {
      const entry = tensors.get(name);
      if (!entry) return undefined;
      const begin = entry.offset - first.offset;
      const view = bytes.subarray(begin, begin + entry.byteLength);
      return { entry, bytes: begin % 4 === 0 ? view : view.slice() }; // typed arrays must be aligned; ours mostly are
    },
  };
}

/** The modules of the file in the model's order (the file sorts by name); a tensor of no factor is a `FormatError`. */
function moduleNames({ tensors }: SafetensorsFile, path: string): string[] {
  const names = new Set<string>();
  for (const name of tensors.keys()) {
    if (!["down", "up", "down_scale", "up_scale"].includes(lastPart(name)))
      throw new FormatError(`tensor "${name}" is not part of an adapter`, { path });
    names.add(name.slice(0, name.lastIndexOf(".")));
  }
  return [...names].sort(compareModuleNames);
}

function checksumOf(header: Omit<AdapterHeader, "checksum">, tensors: readonly ArrayBufferView[]): string {
  const hash = createHash("sha256").update(canonicalJson(header));
  for (const { buffer, byteOffset, byteLength } of tensors)
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest("hex");
}
