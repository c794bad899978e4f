import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError, FormatError, NotFoundError } from "../base/errors.ts";
import { parseJson, writeAtomic, writeJson } from "../base/files.ts";
import type { MemoryConfigFile, MemoryModel } from "../models/memory-model.ts";
import { type MemoryParameter, memoryParameters } from "../models/memory-weights.ts";
import type { Model } from "../models/open-model.ts";
import {
  encodeSafetensors,
  openSafetensors,
  readTensor,
  type SafetensorsFile,
} from "../weights/safetensors.ts";
import type { AdamW, Moments } from "./adamw.ts";
import type { MemoryValues } from "./memory-trainer.ts";
import { readStoredNumbers } from "./stored-numbers.ts";

/** Memory weights as they begin: the base's own projections, and the embedding of one of its tokens. */
export async function initialMemoryValues(model: Model, tokenId: number): Promise<MemoryValues> {
  const { tensors, folder } = model.checkpoint;
  const read = async (name: string, range = {}) => {
    const entry = tensors.get(name);
    if (!entry) throw new FormatError(`has no tensor ${name}`, { path: folder });
    return readTensor(entry, range);
  };
  const D = model.config.hiddenSize;
  const values: MemoryValues = new Map();
  for (const { name, source } of memoryParameters(model)) {
    const row = { begin: tokenId * D, end: (tokenId + 1) * D };
    values.set(name, source ? await read(source) : await read("model.embed_tokens.weight", row));
  }
  return values;
}

/** The values of an opened memory model. */
export async function memoryValuesOf({ parameters, tensors }: MemoryModel): Promise<MemoryValues> {
  const values: MemoryValues = new Map();
  for (const { name } of parameters) values.set(name, await readTensor(tensors.get(name)!));
  return values;
}

/** Writes a memory model's folder; the weights come first, so that a killed writer leaves none that looks whole. */
export async function saveMemoryModel(
  folder: string,
  { parameters, values }: { parameters: readonly MemoryParameter[]; values: MemoryValues },
  config: MemoryConfigFile,
): Promise<void> {
  await writeAtomic(join(folder, "model.safetensors"), encodeSafetensors(tensorsOf(parameters, values)));
  await writeJson(join(folder, "config.json"), config);
}

function tensorsOf(parameters: readonly MemoryParameter[], values: MemoryValues, suffix = "") {
  return parameters.map(({ name, shape }) => ({
    name: `${name}${suffix}`,
    dtype: "F32" as const,
    shape,
    data: values.get(name)!,
  }));
}

const stateSchema = z.object({
  identity: z.string(),
  update: z.int().nonnegative(),
  /** Of the optimiser, which makes none in an update without weight; absent in files of before. */
  steps: z.int().nonnegative().optional(),
  spentMs: z.number().nonnegative(),
});

/** Where a training stands: everything that the next update depends on. */
export interface TrainingPoint {
  update: number;
  /** In all calls. */
  spentMs: number;
  values: MemoryValues;
  optimiser: AdamW;
}

/** Writes a training's state, atomically. `identity` names what is trained on what. */
export async function saveTrainingPoint(
  path: string,
  { update, spentMs, values, optimiser }: TrainingPoint,
  { identity, parameters }: { identity: string; parameters: readonly MemoryParameter[] },
): Promise<void> {
  const part = (key: "mean" | "square") =>
    new Map(parameters.map(({ name }) => [name, optimiser.momentsOf(values.get(name)!)[key]] as const));
  const tensors = [
    ...tensorsOf(parameters, values),
    ...tensorsOf(parameters, part("mean"), ".mean"),
    ...tensorsOf(parameters, part("square"), ".square"),
  ];
  await writeAtomic(
    path,
    encodeSafetensors(tensors, {
      state: JSON.stringify({ identity, update, steps: optimiser.steps, spentMs }),
    }),
  );
}

/**
 * Brings `point` to the state of the file; false where there is none. The state of another training is a `ConfigError`.
 */
export async function restoreTrainingPoint(
  path: string,
  point: TrainingPoint,
  { identity, parameters }: { identity: string; parameters: readonly MemoryParameter[] },
): Promise<boolean> {
  const file = await openIfPresent(path);
  if (!file) return false;
  const state = parseJson(file.metadata.state ?? "", stateSchema, path);
  if (state.identity !== identity) {
    throw new ConfigError(
      `${path} belongs to a training with other data or settings; give the settings it was begun with, delete it, or choose another --out`,
    );
  }
  const moments: [Float32Array, Moments][] = [];
  for (const { name } of parameters) {
    const value = point.values.get(name)!;
    const read = (part = "") => readStoredNumbers(file, `${name}${part}`, value.length);
    value.set(await read());
    moments.push([value, { mean: await read(".mean"), square: await read(".square") }]);
  }
  point.optimiser.restore(state.steps ?? state.update, moments);
  point.update = state.update;
  point.spentMs = state.spentMs;
  return true;
}

async function openIfPresent(path: string): Promise<SafetensorsFile | undefined> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  return openSafetensors(path).catch((error: unknown) => {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  });
}
