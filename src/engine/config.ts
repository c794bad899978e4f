import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { adapterDtypes } from "../adapters/size.ts";
import { ConfigError } from "../base/errors.ts";
import { methodNames } from "../methods/method.ts";
import { ablations, lossMasks, partialRecipeSchema, patterns, recipeNames } from "../training/recipe.ts";

/** What settings may be chosen from. */
export const choices = {
  device: ["cpu", "cuda", "webgpu"],
  weights: ["auto", "f32", "q8"],
  adapterDtype: adapterDtypes,
  analyzer: ["english", "unicode"],
  retriever: ["bm25", "dense", "hybrid"],
  /** Where the questions and answers for training come from. */
  augmenter: ["auto", "rule", "model", "remote"],
  compat: ["none", "reference"],
  mergeWeights: ["sum", "mean", "score"],
  recipe: recipeNames,
  pattern: patterns,
  mask: lossMasks,
  without: ablations,
} as const;

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, "must be letters, digits, dot, dash or underscore, at most 64");

/** Words that an embedder wants before texts of each kind, such as "query: "; where absent, what its folder says, or none. */
const prefixes = { queryPrefix: z.string().optional(), passagePrefix: z.string().optional() };
const embedder = z.union([
  /** A folder with an embedding model: `tokenizer.json` and `model.onnx`. */
  z.strictObject({ folder: z.string().min(1), ...prefixes }),
  /** An OpenAI-compatible endpoint; its key is read from the environment variable `apiKeyVariable`. */
  z.strictObject({
    url: z.url(),
    model: z.string().min(1),
    apiKeyVariable: z.string().default("OPENAI_API_KEY"),
    ...prefixes,
  }),
]);

/** The settings of an engine; `prag.config.json` holds any of them. */
export const configSchema = z.strictObject({
  /** A model of this package (`prag-mini`), a Hugging Face folder, or a hub id `org/name`. */
  model: z.string().min(1).default("prag-mini"),
  revision: z.string().optional(),
  /** Memory weights over the model: of this package, or a folder; where absent, those that belong to the model. */
  memoryModel: z.string().min(1).optional(),
  /** Answers from what a memory found, as `model` is written; where absent, the model that remembers answers too. */
  answerModel: z.string().min(1).optional(),
  /** All that the engine writes, but for downloads and caches. */
  dataFolder: z.string().min(1).default(".prag"),
  collection: name.default("default"),
  /** Downloads, float32 copies and quantised weights. */
  cacheFolder: z
    .string()
    .min(1)
    .default(join(homedir(), ".cache", "parametric-rag")),
  offline: z.boolean().default(false),
  device: z.enum(choices.device).default("cpu"),
  /** Processor threads; all by default. */
  threads: z.int().min(1).max(1024).optional(),
  /** Weights for generation; `auto` quantises models above 200 million parameters. */
  weights: z.enum(choices.weights).default("auto"),
  adapterDtype: z.enum(choices.adapterDtype).default("f16"),
  ingest: z
    .strictObject({
      maxWords: z.int().min(1).default(100),
      overlapWords: z.int().nonnegative().default(0),
      maxFileBytes: z.int().positive().optional(),
    })
    .prefault({}),
  analyzer: z.enum(choices.analyzer).default("english"),
  /** How passages are found: by words, by vectors, or by both. */
  retriever: z.enum(choices.retriever).default("bm25"),
  /** What makes vectors, for `dense` and `hybrid`. */
  embedder: embedder.optional(),
  /** Hits of each retriever that `hybrid` joins. */
  hybridDepth: z.int().min(1).max(10_000).default(100),
  augment: z
    .strictObject({
      augmenter: z.enum(choices.augmenter).default("auto"),
      /** Per passage; where absent, the model's preset or the paper's numbers (1 and 3). */
      rewrites: z.int().nonnegative().max(16).optional(),
      pairs: z.int().min(1).max(64).optional(),
      seed: z.int().default(42),
      /** An OpenAI-compatible endpoint for `remote`; its key is read from the environment variable `apiKeyVariable`. */
      endpoint: z
        .strictObject({
          url: z.url(),
          model: z.string().min(1),
          apiKeyVariable: z.string().default("OPENAI_API_KEY"),
        })
        .optional(),
    })
    .prefault({}),
  /** Numbers that replace those of the model's preset. */
  recipe: partialRecipeSchema.optional(),
  /** `reference` does what the paper's code does: its recipe and its prompts. */
  compat: z.enum(choices.compat).default("none"),
  /** PEFT folder of the adapter that training starts from, in place of the seeded start; `null` takes the seeded one whatever the file says. */
  initAdapter: z
    .string()
    .nullish()
    .transform((folder) => folder ?? undefined),
  /** Where absent, the model's preset, or the paper's plain sum. */
  merge: z
    .strictObject({
      weights: z.enum(choices.mergeWeights).optional(),
      scale: z.number().optional(),
    })
    .prefault({}),
  /** How to answer when nothing else is said. */
  method: z.enum(methodNames).default("prag"),
  /** Reason step by step, then answer. */
  cot: z.boolean().default(false),
  /** Worked examples in the prompt; where absent none, or those of the paper's code with `compat` and `cot`. */
  shots: z.int().nonnegative().optional(),
  /** Numbers of single methods by their names; where absent, the model's preset. */
  methodOptions: z.partialRecord(z.enum(methodNames), z.record(z.string(), z.unknown())).default({}),
  /** Passages to retrieve. */
  limit: z.int().min(1).max(1000).default(3),
  /** Tokens of an answer; where absent, what the prompts ask for: 32, or 128 with `cot`. */
  maxTokens: z.int().min(1).optional(),
});

/** Settings as they may be given: everything may be left out. */
export type EngineSettings = z.input<typeof configSchema>;
/** Settings with every default. */
export type EngineConfig = z.infer<typeof configSchema>;

/** Name of the settings file that is looked for in the working folder. */
export const configFileName = "prag.config.json";

/** Completes settings with the defaults; a wrong one is a `ConfigError` that names it. */
export function completeConfig(settings: unknown, source = "settings"): EngineConfig {
  const result = configSchema.safeParse(settings);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new ConfigError(`${source}: "${issue?.path.join(".") ?? ""}": ${issue?.message ?? "is wrong"}`);
}
