import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { FormatError, UnsupportedError } from "../base/errors.ts";
import { readJson, writeAtomic, writeJson } from "../base/files.ts";
import {
  encodeSafetensors,
  openSafetensors,
  readTensor,
  type TensorData,
  type TensorEntry,
} from "../weights/safetensors.ts";
import type { Adapter, LoraFactors } from "./adapter.ts";
import { checkLoaded, compareModuleNames, lastPart } from "./factors.ts";
import { bake } from "./merge.ts";

/*
 * PEFT's LoRA folders: `adapter_config.json` and `adapter_model.safetensors` with A [R, in] and B [out, R] per module
 * (https://huggingface.co/docs/peft/developer_guides/checkpoint). PEFT calls the causal language model `base_model.model`, and the
 * decoder in it `model`.
 */
const configFile = "adapter_config.json";
const tensorFile = "adapter_model.safetensors";
const modulePrefix = "base_model.model.model.";
/** Some tools leave the adapter's name before `.weight`; a decoder without its head has no inner `model.`. */
const tensorName = /^base_model\.model\.(?:model\.)?(layers\.\d+\.[\w.]+)\.lora_(A|B)(?:\.\w+)?\.weight$/;

/**
 * Writes an adapter as a PEFT folder for the causal language model `baseModel` (a path, or a hub id with its revision). Its scaling is baked into A and
 * `lora_alpha` is `r`, so that programs which read alpha in their own way (or not at all) apply the same delta.
 */
export async function exportPeft(
  folder: string,
  adapter: Adapter,
  { baseModel, revision = null }: { baseModel: string; revision?: string | null | undefined },
): Promise<void> {
  const { config, modules } = bake(adapter);
  const tensors = [...modules].flatMap(([name, factors]) => peftTensors(name, factors, config.rank));
  await writeAtomic(join(folder, tensorFile), encodeSafetensors(tensors, { format: "pt" }));
  await writeJson(join(folder, configFile), {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: config.rank,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: config.rank,
    rank_pattern: {},
    revision,
    target_modules: targetsOf(modules.keys()),
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: false,
  });
}

function peftTensors(
  name: string,
  { down, up, inFeatures, outFeatures }: LoraFactors,
  rank: number,
): TensorData[] {
  return [
    { name: `${modulePrefix}${name}.lora_A.weight`, dtype: "F32", shape: [rank, inFeatures], data: down },
    {
      name: `${modulePrefix}${name}.lora_B.weight`,
      dtype: "F32",
      shape: [outFeatures, rank],
      data: transpose(up, rank),
    },
  ];
}

const configSchema = z.looseObject({
  peft_type: z.string(),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  base_model_name_or_path: z.string().nullish(),
  use_rslora: z.boolean().nullish(),
});
type PeftConfig = z.infer<typeof configSchema>;

/** Fields that change more than the delta of a linear, or give modules different ranks; we read folders where they are empty. */
const unsupportedFields = [
  "use_dora",
  "use_qalora",
  "use_bdlora",
  "lora_bias",
  "fan_in_fan_out",
  "modules_to_save",
  "trainable_token_indices",
  "target_parameters",
  "alora_invocation_tokens",
  "layer_replication",
  "rank_pattern",
  "alpha_pattern",
  "arrow_config",
  "kasa_config",
  "monteclora_config",
];

/** A PEFT adapter as one of ours, and the base model that it names, if it names one. */
export interface ImportedAdapter {
  adapter: Adapter;
  baseModel: string | undefined;
}

/**
 * Reads a PEFT LoRA folder (F32, F16 or BF16). Which layers and modules are adapted follows from its tensors, so `target_modules`,
 * `layers_to_transform` and `layers_pattern` need no reading. What changes more than a linear's delta is an `UnsupportedError`.
 */
export async function importPeft(folder: string): Promise<ImportedAdapter> {
  const config = await readJson(join(folder, configFile), configSchema);
  checkSupported(config, folder);
  const path = join(folder, tensorFile);
  if (!existsSync(path) && existsSync(join(folder, "adapter_model.bin")))
    throw new UnsupportedError(
      `${folder} has its weights as adapter_model.bin, wanted ${tensorFile}; load it in PEFT and save it with safe_serialization=True`,
    );
  const { tensors } = await openSafetensors(path);
  const modules = new Map<string, LoraFactors>();
  for (const [name, pair] of pairTensors(tensors, path))
    modules.set(name, await readPair(pair, { name, path, rank: config.r }));
  const adapter = {
    config: { rank: config.r, alpha: alphaOf(config), targetModules: targetsOf(modules.keys()) },
    modules,
  };
  checkLoaded(adapter, path);
  return { adapter, baseModel: config.base_model_name_or_path ?? undefined };
}

/** Our scaling is alpha / R; rank-stabilized LoRA has lora_alpha / √R (https://arxiv.org/abs/2312.03732). */
function alphaOf({ lora_alpha, r, use_rslora }: PeftConfig): number {
  return use_rslora ? lora_alpha * Math.sqrt(r) : lora_alpha;
}

function checkSupported(config: PeftConfig, folder: string): void {
  if (config.peft_type !== "LORA")
    throw new UnsupportedError(`${folder} is a PEFT adapter of type ${config.peft_type}, wanted LORA`);
  const { bias, init_lora_weights } = config;
  const fields = unsupportedFields.filter((field) => !isEmpty(config[field]));
  if (!isEmpty(bias) && bias !== "none") fields.push("bias");
  // These change the base weights, which are not in the folder; the other ways to initialise leave them alone.
  if (/^(pissa|olora|corda|loftq|lora_ga)/.test(String(init_lora_weights))) fields.push("init_lora_weights");
  if (fields.length)
    throw new UnsupportedError(
      `${folder} has ${fields.map((field) => `${field}: ${JSON.stringify(config[field])}`).join(", ")}; only plain LoRA with one rank for all modules is read: convert it in PEFT, or train without`,
    );
}

function isEmpty(value: unknown): boolean {
  return !value || (typeof value === "object" && Object.keys(value).length === 0);
}

interface TensorPair {
  A?: TensorEntry;
  B?: TensorEntry;
}

/** A and B by module, in the model's order. */
function pairTensors(tensors: ReadonlyMap<string, TensorEntry>, path: string): Map<string, TensorPair> {
  const pairs = new Map<string, TensorPair>();
  for (const [key, entry] of tensors) {
    const [, module, factor] = tensorName.exec(key) ?? [];
    if (module === undefined || (factor !== "A" && factor !== "B"))
      throw new UnsupportedError(
        `${path}: tensor "${key}" is not LoRA on a linear of a decoder layer; train without it`,
      );
    const pair = pairs.get(module) ?? {};
    if (pair[factor]) throw new FormatError(`has two tensors lora_${factor} of ${module}`, { path });
    pairs.set(module, { ...pair, [factor]: entry });
  }
  if (!pairs.size) throw new FormatError("has no tensors", { path });
  return new Map([...pairs].sort(([a], [b]) => compareModuleNames(a, b)));
}

async function readPair(
  { A, B }: TensorPair,
  { name, path, rank }: { name: string; path: string; rank: number },
): Promise<LoraFactors> {
  if (!A || !B) throw new FormatError(`has no lora_${A ? "B" : "A"} of ${name}`, { path });
  const [inFeatures, outFeatures] = [A.shape[1], B.shape[0]];
  if (
    A.shape.length !== 2 ||
    B.shape.length !== 2 ||
    A.shape[0] !== rank ||
    B.shape[1] !== rank ||
    !inFeatures ||
    !outFeatures
  )
    throw new FormatError(
      `${name}: lora_A is [${A.shape.join(", ")}] and lora_B [${B.shape.join(", ")}], wanted [${rank}, in] and [out, ${rank}]`,
      { path },
    );
  const up = transpose(await readTensor(B), outFeatures); // [out, R] → [R, out]
  return { down: await readTensor(A), up, inFeatures, outFeatures };
}

/** A matrix of `rows` rows, transposed. */
function transpose(data: Float32Array, rows: number): Float32Array {
  const columns = data.length / rows;
  const result = new Float32Array(data.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) result[c * rows + r] = data[r * columns + c]!;
  return result;
}

/** The kinds of modules among these names, in the model's order. */
function targetsOf(names: Iterable<string>): string[] {
  return [...new Set([...names].map(lastPart))].sort(compareModuleNames);
}
