import { z } from "zod";
import { feedForwardModules } from "../adapters/adapter.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";

/** Which versions of the passage meet which pairs. */
export const patterns = ["product", "reference", "pairs"] as const;
/** Which tokens of a sequence count in the loss. */
export const lossMasks = ["all", "answer"] as const;
/** What to leave out of the augmentation, for the paper's ablation (figure 3). */
export const ablations = ["none", "rewrite", "qa", "both"] as const;

/** Every setting that an adapter's numbers depend on, besides model, passage and augmentation. */
export const recipeSchema = z.strictObject({
  /** `packed`: every update sees all sequences. `reference`: one sequence an update, in order, as the paper's code. */
  name: z.enum(["packed", "reference"]).default("packed"),
  rank: z.int().min(1).max(256).default(2),
  alpha: z.number().positive().default(32),
  targetModules: z
    .array(z.string())
    .min(1)
    .default([...feedForwardModules]),
  /**
   * `product`: every version of the passage with every pair (the paper's D_i). `reference`: the code's five sequences.
   * `pairs`: each pair alone, as it is asked when nothing stands in the prompt.
   */
  pattern: z.enum(patterns).default("product"),
  mask: z.enum(lossMasks).default("all"),
  /** Train the end of the assistant's turn too, so that the model learns to stop. */
  endOfTurn: z.boolean().default(false),
  without: z.enum(ablations).default("none"),
  /** Pairs of a passage that are used, at most; 0 means all. */
  pairs: z.int().nonnegative().default(0),
  learningRate: z.number().positive().default(3e-4),
  decay: z.enum(["constant", "linear"]).default("constant"),
  weightDecay: z.number().nonnegative().default(0.01),
  /** Updates of recipe `packed`. */
  updates: z.int().min(1).default(5),
  /** Passes over the sequences of recipe `reference`. */
  epochs: z.int().min(1).default(1),
  /**
   * The passage's questions about other entities, pulled towards the base model's own answer, so that merged adapters do
   * not answer for one another.
   */
  negatives: z
    .strictObject({
      count: z.int().nonnegative().default(0),
      weight: z.number().nonnegative().default(1),
    })
    .default({ count: 0, weight: 1 }),
  /** Tokens of one sequence, at most; the passage is shortened, never the answer. */
  maxTokens: z.int().min(16).default(3000),
  /** Seed of the shared start of all adapters, and of which negatives are chosen. */
  seed: z.int().default(42),
});

/** How an adapter is trained. */
export type Recipe = z.infer<typeof recipeSchema>;

/** The recipe with every default. */
export const defaultRecipe: Recipe = recipeSchema.parse({});

/** What the paper's code does: `--compat reference`. */
export const referenceRecipe: Recipe = recipeSchema.parse({ name: "reference", pattern: "reference" });

/** A short name of a recipe's content, for file names and headers. */
export function recipeHash(recipe: Recipe): string {
  return sha256(canonicalJson(recipe)).slice(0, 16);
}
