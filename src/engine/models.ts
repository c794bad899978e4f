import { basename, join } from "node:path";
import { z } from "zod";
import { type Adapter, type AdapterConfig, scalingOf } from "../adapters/adapter.ts";
import { checkFits, type ModuleShape } from "../adapters/factors.ts";
import { createInitialAdapter, initialSeed } from "../adapters/initialise.ts";
import { importPeft } from "../adapters/peft.ts";
import { ConfigError } from "../base/errors.ts";
import { isFolder, readJsonIfPresent } from "../base/files.ts";
import type { Progress } from "../base/progress.ts";
import type { BaseWeights } from "../models/base-weights.ts";
import { type Model, openModel } from "../models/open-model.ts";
import { openQuantisedWeights } from "../models/quantised-weights.ts";
import { targetModulesOf } from "../training/target-modules.ts";
import { buildFloat32Cache } from "../weights/cache.ts";
import { fetchModel } from "../weights/hub.ts";
import { hashTokenizer, openTokenizer } from "../weights/tokenizer.ts";
import type { EngineConfig } from "./config.ts";
import { packageRoot } from "./package-root.ts";
import type { OpenedModel } from "./parts.ts";
import { chooseRecipe } from "./presets.ts";

/** Models above this many parameters are quantised for generation and kept as a float32 copy for training. */
const largeModel = 200e6;

/** What opening a model takes from its surroundings. */
export interface ModelSurroundings {
  progress: Progress;
  env: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal | undefined;
}

/** The hub's address and the token for it, by the names of variables that other tools of the hub use. */
export function hubAccess(env: ModelSurroundings["env"]): { token?: string; hubUrl?: string } {
  return {
    ...(env.HF_TOKEN && { token: env.HF_TOKEN }),
    ...(env.HF_ENDPOINT && { hubUrl: env.HF_ENDPOINT }),
  };
}

/** Opens the model that the settings name, with its tokenizer, recipe and the start of its adapters. */
export async function openEngineModel(
  config: EngineConfig,
  surroundings: ModelSurroundings,
): Promise<OpenedModel> {
  const folder = await findModel(config, surroundings);
  const model = await openModel(folder);
  const recipe = await chooseRecipe(config, folder);
  const shapes = targetModulesOf(model.config, recipe).map(
    ({ name, size }): ModuleShape => ({ name, inFeatures: size.in, outFeatures: size.out }),
  );
  const { fingerprint } = model.checkpoint;
  return {
    ...model,
    name: basename(config.model),
    folder,
    fingerprint,
    tokenizer: await openTokenizer(folder),
    tokenizerHash: await hashTokenizer(folder),
    recipe,
    shapes,
    initial: await initialAdapter(config, { fingerprint, shapes, recipe }),
  };
}

/** A model of this package, a folder, or a hub id that is fetched once. */
async function findModel(
  config: EngineConfig,
  { progress, env, signal }: ModelSurroundings,
): Promise<string> {
  const bundled = join(packageRoot, "models", config.model);
  if (/^[\w.-]+$/.test(config.model) && (await isFolder(bundled))) return bundled;
  return fetchModel(config.model, {
    cacheFolder: config.cacheFolder,
    revision: config.revision,
    ...hubAccess(env),
    offline: config.offline,
    progress,
    signal,
  });
}

/** The start of all adapters where nothing else is said. */
export function seededAdapter({
  fingerprint,
  shapes,
  recipe,
}: Pick<OpenedModel, "fingerprint" | "shapes" | "recipe">): Adapter {
  const { rank, alpha, targetModules, seed } = recipe;
  const shape = { rank, alpha, targetModules };
  return createInitialAdapter(shapes, shape, initialSeed(fingerprint, shape, seed));
}

/** The shared seeded start of all adapters, or an adapter from elsewhere (warm-up initialisation). */
async function initialAdapter(
  config: EngineConfig,
  { fingerprint, shapes, recipe }: Pick<OpenedModel, "fingerprint" | "shapes" | "recipe">,
): Promise<Adapter> {
  if (config.initAdapter === undefined) return seededAdapter({ fingerprint, shapes, recipe });
  return readInitialAdapter(config.initAdapter, { fingerprint, shapes, recipe });
}

/** An adapter of a PEFT folder as the start of others: one that was warmed up for another model is refused. */
export async function readInitialAdapter(
  folder: string,
  { fingerprint, shapes, recipe }: Pick<OpenedModel, "fingerprint" | "shapes" | "recipe">,
): Promise<Adapter> {
  const { rank, alpha, targetModules } = recipe;
  const warmedUp = await readJsonIfPresent(join(folder, warmUpFile), warmUpOrigin);
  if (warmedUp && warmedUp.model.fingerprint !== fingerprint)
    throw new ConfigError(
      `the init adapter ${folder} was warmed up for the model ${warmedUp.model.name} (fingerprint ${warmedUp.model.fingerprint}), not for the one in use (${fingerprint}); run "prag warmup" with this model`,
    );
  const { adapter } = await importPeft(folder);
  checkFits(adapter, shapes);
  if (adapter.config.rank !== rank || adapter.modules.size !== shapes.length) {
    throw new ConfigError(
      `the init adapter ${folder} has rank ${adapter.config.rank} on ${adapter.modules.size} modules, the recipe wants rank ${rank} on ${shapes.length}; set recipe.rank and recipe.targetModules as in the adapter`,
    );
  }
  return rescale(adapter, { rank, alpha, targetModules });
}

/** Beside the PEFT files of a warm-up: where it comes from. */
export const warmUpFile = "warm-up.json";
const warmUpOrigin = z.looseObject({ model: z.looseObject({ name: z.string(), fingerprint: z.string() }) });

/** The same delta under another alpha: the difference goes into `down`. */
function rescale(adapter: Adapter, config: AdapterConfig): Adapter {
  const factor = scalingOf(adapter.config) / scalingOf(config);
  const modules = new Map(
    [...adapter.modules].map(([name, lora]) => [
      name,
      { ...lora, down: lora.down.map((value) => value * factor) },
    ]),
  );
  return { config, modules };
}

/** Parameters of a checkpoint. */
export function countParameters({ checkpoint }: Model): number {
  return [...checkpoint.tensors.values()].reduce(
    (total, { shape }) => total + shape.reduce((product, size) => product * size, 1),
    0,
  );
}

/** Tokens of a sequence in training and of a prompt in use, at most; longer rotary tables would only cost memory. */
export const maxPositions = 16_384;

/** Tokens of a prompt and its answer together, at most. */
export function contextOf({ config }: Pick<OpenedModel, "config">): number {
  return Math.min(config.contextLength, maxPositions);
}

/** Whether a model may be held in memory more than once. */
export function isSmall(model: Model): boolean {
  return countParameters(model) < largeModel;
}

/** The model as training reads it: a large half-precision one as a mapped float32 copy, made once. */
export async function trainingModel(
  model: OpenedModel,
  config: EngineConfig,
  progress: Progress,
): Promise<Model> {
  if (isSmall(model)) return model;
  return {
    config: model.config,
    checkpoint: await buildFloat32Cache(model.checkpoint, config.cacheFolder, progress),
  };
}

/** The kind of weights that generation takes: quantised where the settings say so, or the model is large. */
export function weightsInUse(model: Model, { weights }: Pick<EngineConfig, "weights">): "f32" | "q8" {
  if (weights !== "auto") return weights;
  return isSmall(model) ? "f32" : "q8";
}

/** The quantised weights of generation; nothing where it takes the model's own. */
export async function generationWeights(
  model: OpenedModel,
  config: EngineConfig,
  progress: Progress,
): Promise<BaseWeights | undefined> {
  if (weightsInUse(model, config) === "f32") return undefined;
  return openQuantisedWeights(model, { cacheFolder: config.cacheFolder, progress });
}
