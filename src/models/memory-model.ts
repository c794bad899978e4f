import { basename, join } from "node:path";
import { z } from "zod";
import { ConfigError, UnsupportedError } from "../base/errors.ts";
import { parseValue } from "../base/files.ts";
import { type Checkpoint, openCheckpoint } from "../weights/checkpoint.ts";
import type { TensorEntry } from "../weights/safetensors.ts";
import { findWeight } from "./base-weights.ts";
import { type MemoryParameter, memoryParameters } from "./memory-weights.ts";
import type { Model } from "./open-model.ts";

/** Memory weights of a folder, checked against the base model that they belong to. */
export interface MemoryModel {
  /** The folder's name, as recorded with memories. */
  name: string;
  fingerprint: string;
  /** Raw tokens of a window. */
  window: number;
  parameters: readonly MemoryParameter[];
  tensors: ReadonlyMap<string, TensorEntry>;
}

/**
 * The settings of a memory model, by the published names; `base_model` is ours.
 * https://github.com/qhjqhj00/MemoRAG
 */
const memoryConfigSchema = z.object({
  beacon_window: z.int().min(4),
  beacon_stride: z.int().positive().optional(),
  beacon_pos: z.string().default("interleave"),
  beacon_attn: z.string().default("full-coverage"),
  beacon_attend_prev: z.boolean().default(true),
  beacon_sink_size: z.int().default(0),
  base_model: z.object({ name: z.string(), fingerprint: z.string() }).optional(),
});

/** What a memory model's `config.json` holds. */
export type MemoryConfigFile = z.input<typeof memoryConfigSchema>;

/**
 * Opens the memory weights of a folder: ours, which holds them alone, or a published one, which holds the base model
 * too. Weights over another base model are a `ConfigError`.
 */
export async function openMemoryModel(folder: string, model: Model): Promise<MemoryModel> {
  const checkpoint = await openCheckpoint(folder);
  const path = join(folder, "config.json");
  const config = parseValue(checkpoint.config, memoryConfigSchema, path);
  checkForm(config, path);
  const base = config.base_model;
  if (base && base.fingerprint !== model.checkpoint.fingerprint) {
    throw new ConfigError(
      `${folder} is a memory over the base model ${base.name} (fingerprint ${base.fingerprint}), not over the one in use (fingerprint ${model.checkpoint.fingerprint}); use that model, or train a memory for this one`,
    );
  }
  const holdsBase = checkpoint.tensors.has("model.embed_tokens.weight");
  if (!base && holdsBase && checkpoint.fingerprint !== model.checkpoint.fingerprint)
    throw new ConfigError(
      `${folder} holds memory weights with the base model that they belong to, and another one is in use; take that folder as the model`,
    );
  const parameters = memoryParameters(model);
  checkNames(checkpoint, parameters);
  const tensors = new Map(
    parameters.map(({ name, shape }) => [name, findWeight(checkpoint, name, shape)] as const),
  );
  return {
    name: basename(folder),
    fingerprint: checkpoint.fingerprint,
    window: config.beacon_window,
    parameters,
    tensors,
  };
}

function checkForm(config: z.infer<typeof memoryConfigSchema>, path: string): void {
  const { beacon_window, beacon_stride = beacon_window } = config;
  const wrong =
    (beacon_stride !== beacon_window && `beacon_stride ${beacon_stride} beside window ${beacon_window}`) ||
    (config.beacon_pos !== "interleave" && `beacon_pos "${config.beacon_pos}"`) ||
    (config.beacon_attn !== "full-coverage" && `beacon_attn "${config.beacon_attn}"`) ||
    (!config.beacon_attend_prev && "beacon_attend_prev false") ||
    (config.beacon_sink_size !== 0 && `beacon_sink_size ${config.beacon_sink_size}`);
  if (wrong) {
    throw new UnsupportedError(
      `${path}: ${wrong} is not supported; supported are interleaved memory tokens with full coverage, stride equal to the window and no sink`,
    );
  }
}

/** Memory weights that we would leave unused (an output projection) mean another model than ours. */
function checkNames({ tensors, folder }: Checkpoint, parameters: readonly MemoryParameter[]): void {
  const known = new Set(parameters.map(({ name }) => name));
  const other = [...tensors.keys()].find((name) => name.includes("beacon_") && !known.has(name));
  if (other) {
    throw new UnsupportedError(
      `${folder}: memory weight ${other} is not supported; supported are an embedding and query, key and value projections`,
    );
  }
}
