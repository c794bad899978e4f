import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError } from "../base/errors.ts";
import { readJsonIfPresent } from "../base/files.ts";
import { partialRecipeSchema } from "../training/recipe.ts";

/** Where the questions and answers for training come from. */
export const augmenterKinds = ["auto", "rule", "model", "remote"] as const;

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, "must be letters, digits, dot, dash or underscore, at most 64");

/** The settings of an engine; `prag.config.json` holds any of them. */
export const configSchema = z.strictObject({
  /** A model of this package (`prag-mini`), a Hugging Face folder, or a hub id `org/name`. */
  model: z.string().min(1).default("prag-mini"),
  revision: z.string().optional(),
  /** All that the engine writes, but for downloads and caches. */
  dataFolder: z.string().min(1).default(".prag"),
  collection: name.default("default"),
  /** Downloads, float32 copies and quantised weights. */
  cacheFolder: z
    .string()
    .min(1)
    .default(join(homedir(), ".cache", "parametric-rag")),
  offline: z.boolean().default(false),
  device: z.enum(["cpu", "cuda", "webgpu"]).default("cpu"),
  /** Processor threads; all by default. */
  threads: z.int().min(1).max(1024).optional(),
  /** Weights for generation; `auto` quantises models above 200 million parameters. */
  weights: z.enum(["auto", "f32", "q8"]).default("auto"),
  adapterDtype: z.enum(["f32", "f16", "int8"]).default("f16"),
  ingest: z
    .strictObject({
      maxWords: z.int().min(1).default(100),
      overlapWords: z.int().nonnegative().default(0),
      maxFileBytes: z.int().positive().optional(),
    })
    .prefault({}),
  analyzer: z.enum(["english", "unicode"]).default("english"),
  augment: z
    .strictObject({
      augmenter: z.enum(augmenterKinds).default("auto"),
      rewrites: z.int().nonnegative().max(16).default(1),
      pairs: z.int().min(1).max(64).default(3),
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
  compat: z.enum(["none", "reference"]).default("none"),
  /** PEFT folder or adapter key that training starts from, in place of the seeded start. */
  initAdapter: z.string().optional(),
  merge: z
    .strictObject({ weights: z.enum(["sum", "mean", "score"]).default("sum"), scale: z.number().default(1) })
    .prefault({}),
  /** Passages to retrieve. */
  limit: z.int().min(1).max(1000).default(3),
  maxTokens: z.int().min(1).default(32),
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

/** Reads `prag.config.json` of a folder (nothing if there is none), with settings that win over the file's. */
export async function loadConfig(folder: string, overrides: EngineSettings = {}): Promise<EngineConfig> {
  const path = join(folder, configFileName);
  const fromFile = (await readJsonIfPresent(path, z.record(z.string(), z.unknown()))) ?? {};
  completeConfig(fromFile, path);
  return completeConfig(mergeDeep(fromFile, overrides));
}

/** Settings of `b` win over those of `a`, key by key; an undefined one does not. */
function mergeDeep(a: Record<string, unknown>, b: object): Record<string, unknown> {
  const result = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = result[key];
    if (value === undefined) continue;
    result[key] = isRecord(before) && isRecord(value) ? mergeDeep(before, value) : value;
  }
  return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
