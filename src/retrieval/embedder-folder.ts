import { join } from "node:path";
import { z } from "zod";
import { NotFoundError, UnsupportedError } from "../base/errors.ts";
import { isFile, readJsonIfPresent } from "../base/files.ts";
import { canonicalJson, sha256, sha256OfFile } from "../base/hash.ts";
import type { Prefixes } from "./embedder.ts";

/** How the vectors of a text's tokens become one: their mean, or that of the first token. */
export type Pooling = "mean" | "cls";

/** An encoder's folder, read: what to run and how. */
export interface EncoderFolder {
  modelPath: string;
  pooling: Pooling;
  /** Tokens of one text at most, special ones among them. */
  maxTokens: number;
  prefixes: Prefixes;
  identity: string;
}

const flag = z.boolean().default(false);
/** https://www.sbert.net/docs/package_reference/sentence_transformer/models.html#pooling */
const poolingSchema = z.looseObject({
  pooling_mode_cls_token: flag,
  pooling_mode_mean_tokens: flag,
  pooling_mode_max_tokens: flag,
  pooling_mode_mean_sqrt_len_tokens: flag,
  pooling_mode_weightedmean_tokens: flag,
  pooling_mode_lasttoken: flag,
});
const modulesSchema = z.array(z.looseObject({ path: z.string(), type: z.string() }));
const promptsSchema = z.looseObject({ prompts: z.record(z.string(), z.string()).default({}) });
const configSchema = z.looseObject({
  model_type: z.string().optional(),
  max_position_embeddings: z.int().positive().optional(),
});
const tokenizerConfigSchema = z.looseObject({ model_max_length: z.number().positive().nullish() });
const sentenceConfigSchema = z.looseObject({ max_seq_length: z.int().positive().nullish() });

/** Where exporters put the graph. */
const modelFiles = ["model.onnx", "onnx/model.onnx"];
/** Modules of sentence-transformers that can be done here; vectors are always scaled to length 1. */
const knownModules = /\.(Transformer|Pooling|Normalize)$/;
/** Models whose positions are counted from behind the padding id. */
const shiftedPositions = new Set(["roberta", "xlm-roberta", "camembert", "mpnet"]);
const defaultMaxTokens = 512;

/** Reads a folder with `tokenizer.json`, `model.onnx` and, where it has them, the settings of sentence-transformers. */
export async function readEncoderFolder(
  folder: string,
  prefixes: Partial<Prefixes> = {},
): Promise<EncoderFolder> {
  const read = <T>(name: string, schema: z.ZodType<T>) => readJsonIfPresent(join(folder, name), schema);
  const modelPath = await findModel(folder);
  const found = {
    modelPath,
    pooling: await readPooling(folder),
    maxTokens: smallestOf([
      (await read("sentence_bert_config.json", sentenceConfigSchema))?.max_seq_length,
      (await read("tokenizer_config.json", tokenizerConfigSchema))?.model_max_length,
      positionsOf(await read("config.json", configSchema)),
    ]),
    prefixes: prefixesOf((await read("config_sentence_transformers.json", promptsSchema))?.prompts, prefixes),
  };
  const hashes = [await sha256OfFile(modelPath), await sha256OfFile(join(folder, "tokenizer.json"))];
  const key = sha256(canonicalJson([hashes, found.pooling, found.maxTokens, found.prefixes.passage]));
  return { ...found, identity: `ONNX encoder ${key.slice(0, 16)}` };
}

async function findModel(folder: string): Promise<string> {
  for (const name of modelFiles) if (await isFile(join(folder, name))) return join(folder, name);
  throw new NotFoundError(
    `${folder} holds no ${modelFiles.join(" and no ")}; an encoder's folder holds tokenizer.json and its graph as ONNX (optimum-cli export onnx makes one)`,
  );
}

async function readPooling(folder: string): Promise<Pooling> {
  const modules = (await readJsonIfPresent(join(folder, "modules.json"), modulesSchema)) ?? [];
  const unknown = modules.find(({ type }) => !knownModules.test(type));
  if (unknown)
    throw new UnsupportedError(
      `${folder} has the module ${unknown.type} after its encoder; only mean or first-token pooling can be done here`,
    );
  const path = modules.find(({ type }) => type.endsWith(".Pooling"))?.path ?? "1_Pooling";
  const modes = await readJsonIfPresent(join(folder, path, "config.json"), poolingSchema);
  if (!modes) return "mean";
  const chosen = Object.keys(poolingSchema.shape).filter((name) => modes[name] === true);
  if (chosen.length === 1 && modes.pooling_mode_mean_tokens) return "mean";
  if (chosen.length === 1 && modes.pooling_mode_cls_token) return "cls";
  throw new UnsupportedError(
    `${folder} pools by ${chosen.join(" and ") || "no known mode"}; only pooling_mode_mean_tokens or pooling_mode_cls_token alone can be done here`,
  );
}

function positionsOf(config: z.infer<typeof configSchema> | undefined): number | undefined {
  const positions = config?.max_position_embeddings;
  return positions && shiftedPositions.has(config?.model_type ?? "") ? positions - 2 : positions;
}

/** Some files say 1e30 where they mean "no limit". */
function smallestOf(limits: readonly (number | null | undefined)[]): number {
  const known = limits.filter((limit) => typeof limit === "number" && limit < 1e6);
  return Math.min(...(known.length ? known : [defaultMaxTokens]).map(Number));
}

function prefixesOf(prompts: Record<string, string> = {}, { query, passage }: Partial<Prefixes>): Prefixes {
  return {
    query: query ?? prompts.query ?? "",
    passage: passage ?? prompts.passage ?? prompts.document ?? "",
  };
}
