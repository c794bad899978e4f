import { z } from "zod";
import { feedForwardModules } from "../adapters/adapter.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";

/** How updates see the sequences: all in each, or one after another. */
export const recipeNames = ["packed", "reference"] as const;
/** Which versions of the passage meet which pairs. */
export const patterns = ["product", "reference", "pairs"] as const;
/** Which tokens of a sequence count in the loss. */
export const lossMasks = ["all", "answer"] as const;
/** What to leave out of the augmentation, for the paper's ablation (figure 3). */
export const ablations = ["none", "rewrite", "qa", "both"] as const;

/** Every setting that an adapter's numbers depend on, besides model, passage and augmentation. */
const fields = {
  /** `packed`: every update sees all sequences. `reference`: one sequence an update, in order, as the paper's code. */
  name: z.enum(recipeNames),
  rank: z.int().min(1).max(256),
  alpha: z.number().positive(),
  targetModules: z.array(z.string()).min(1),
  /**
   * `product`: every version of the passage with every pair (the paper's D_i). `reference`: the code's five sequences.
   * `pairs`: each pair alone, as it is asked when nothing stands in the prompt.
   */
  pattern: z.enum(patterns),
  mask: z.enum(lossMasks),
  /** Train the end of the assistant's turn too, so that the model learns to stop. */
  endOfTurn: z.boolean(),
  without: z.enum(ablations),
  /** Pairs of a passage that are used, at most; 0 means all. */
  pairs: z.int().nonnegative(),
  learningRate: z.number().positive(),
  decay: z.enum(["constant", "linear"]),
  weightDecay: z.number().nonnegative(),
  /** Updates of recipe `packed`. */
  updates: z.int().min(1),
  /** Sequences that an update of recipe `packed` sees, in turn; 0 means all, which is exact full-batch training. */
  sequencesPerUpdate: z.int().nonnegative(),
  /** Passes over the sequences of recipe `reference`. */
  epochs: z.int().min(1),
  /**
   * The passage's questions about other entities, pulled towards the base model's own answer, so that merged adapters do
   * not answer for one another. Recipe `reference` has none.
   */
  negatives: z.strictObject({
    /** Different questions. */
    count: z.int().nonnegative(),
    /** Of these, in turn, in each update; 0 means all. */
    perUpdate: z.int().nonnegative(),
    /** Of their mean, beside the mean of the sequences. */
    weight: z.number().nonnegative(),
  }),
  /** Tokens of one sequence, at most; the passage is shortened, never the answer. */
  maxTokens: z.int().min(16),
  /** Seed of the shared start of all adapters, and of which negatives are chosen. */
  seed: z.int(),
};
const recipeSchema = z.strictObject(fields);

/** How an adapter is trained. */
export type Recipe = z.infer<typeof recipeSchema>;

/** Some settings of a recipe: a preset's, or a user's. What is left out stays out, so that layers do not hide one another. */
export const partialRecipeSchema = z
  .strictObject({ ...fields, negatives: fields.negatives.partial() })
  .partial();
export type PartialRecipe = z.infer<typeof partialRecipeSchema>;

/** The recipe when nothing else is said: the paper's numbers, packed. */
export const defaultRecipe: Recipe = {
  name: "packed",
  rank: 2,
  alpha: 32,
  targetModules: [...feedForwardModules],
  pattern: "product",
  mask: "all",
  endOfTurn: false,
  without: "none",
  pairs: 0,
  learningRate: 3e-4,
  decay: "constant",
  weightDecay: 0.01,
  updates: 5,
  sequencesPerUpdate: 0,
  epochs: 1,
  negatives: { count: 0, perUpdate: 0, weight: 1 },
  maxTokens: 3000,
  seed: 42,
};

/** What the paper's code does: `--compat reference`. */
export const referenceRecipe: Recipe = { ...defaultRecipe, name: "reference", pattern: "reference" };

/** A base recipe with layers on top; a later layer wins, setting by setting. */
export function layerRecipe(base: Recipe, layers: readonly (PartialRecipe | undefined)[]): Recipe {
  let recipe = base;
  for (const layer of layers) {
    const given = Object.fromEntries(Object.entries(layer ?? {}).filter(([, value]) => value !== undefined));
    const negatives = { ...recipe.negatives, ...layer?.negatives };
    recipe = recipeSchema.parse({ ...recipe, ...given, negatives });
  }
  return recipe.name === "reference" ? { ...recipe, negatives: { ...recipe.negatives, count: 0 } } : recipe;
}

/** A short name of a recipe's content, for file names and headers. */
export function recipeHash(recipe: Recipe): string {
  return sha256(canonicalJson(recipe)).slice(0, 16);
}
