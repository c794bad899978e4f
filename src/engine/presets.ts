import { join } from "node:path";
import { z } from "zod";
import type { MergeWeights } from "../adapters/merge.ts";
import { augmentDefaults } from "../augmentation/augmenter.ts";
import { readJsonIfPresent } from "../base/files.ts";
import { methodNames } from "../methods/method.ts";
import {
  defaultRecipe,
  layerRecipe,
  partialRecipeSchema,
  type Recipe,
  referenceRecipe,
} from "../training/recipe.ts";
import type { EngineConfig } from "./config.ts";

/** A model folder may bring the numbers that serve it best. */
const presetFile = "prag-preset.json";
const presetSchema = z.strictObject({
  recipe: partialRecipeSchema.default({}),
  augment: z
    .strictObject({ rewrites: z.int().nonnegative().optional(), pairs: z.int().min(1).optional() })
    .default({}),
  merge: z
    .strictObject({ weights: z.enum(["sum", "mean", "score"]).optional(), scale: z.number().optional() })
    .default({}),
  answer: z
    .strictObject({
      /** Which worked examples the prompts may show. */
      examples: z.enum(["full", "short"]).optional(),
      methodOptions: z.partialRecord(z.enum(methodNames), z.record(z.string(), z.unknown())).optional(),
    })
    .default({}),
});

/** What a preset says about answering. */
export type AnswerPreset = z.infer<typeof presetSchema>["answer"];

async function readPreset(modelFolder: string): Promise<z.infer<typeof presetSchema>> {
  return (
    (await readJsonIfPresent(join(modelFolder, presetFile), presetSchema)) ?? {
      recipe: {},
      augment: {},
      merge: {},
      answer: {},
    }
  );
}

/**
 * The recipe for a model: its preset, or the defaults (the paper's numbers, packed), with the settings' own numbers on
 * top. `--compat reference` takes the paper's code instead of any preset.
 */
export async function chooseRecipe(config: EngineConfig, modelFolder: string): Promise<Recipe> {
  if (config.compat === "reference") return layerRecipe(referenceRecipe, [config.recipe]);
  return layerRecipe(defaultRecipe, [(await readPreset(modelFolder)).recipe, config.recipe]);
}

/** How many rewrites and pairs to make of a passage, and from which seed; chosen as the recipe is. */
export async function chooseAugmentSettings(
  { augment, compat }: EngineConfig,
  modelFolder: string,
): Promise<{ rewrites: number; pairs: number; seed: number }> {
  const preset = compat === "reference" ? {} : (await readPreset(modelFolder)).augment;
  return {
    rewrites: augment.rewrites ?? preset.rewrites ?? augmentDefaults.rewrites,
    pairs: augment.pairs ?? preset.pairs ?? augmentDefaults.pairs,
    seed: augment.seed,
  };
}

/** How adapters are merged; chosen as the recipe is. */
export async function chooseMerge(
  { merge, compat }: EngineConfig,
  modelFolder: string,
): Promise<{ weights: MergeWeights; scale: number }> {
  const preset = compat === "reference" ? {} : (await readPreset(modelFolder)).merge;
  return { weights: merge.weights ?? preset.weights ?? "sum", scale: merge.scale ?? preset.scale ?? 1 };
}

/** What a model's preset says about answering; `--compat reference` has none. */
export async function chooseAnswerPreset(
  { compat }: EngineConfig,
  modelFolder: string,
): Promise<AnswerPreset> {
  return compat === "reference" ? {} : (await readPreset(modelFolder)).answer;
}
