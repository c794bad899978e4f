import { join } from "node:path";
import { z } from "zod";
import { readJsonIfPresent } from "../base/files.ts";
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
const presetSchema = z.strictObject({ recipe: partialRecipeSchema });

/**
 * The recipe for a model: its preset, or the defaults (the paper's numbers, packed), with the settings' own numbers on
 * top. `--compat reference` takes the paper's code instead of any preset.
 */
export async function chooseRecipe(config: EngineConfig, modelFolder: string): Promise<Recipe> {
  if (config.compat === "reference") return layerRecipe(referenceRecipe, [config.recipe]);
  const preset = await readJsonIfPresent(join(modelFolder, presetFile), presetSchema);
  return layerRecipe(defaultRecipe, [preset?.recipe, config.recipe]);
}
