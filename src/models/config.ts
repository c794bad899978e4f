import { z } from "zod";
import { FormatError, UnsupportedError } from "../base/errors.ts";
import { parseValue } from "../base/files.ts";

/** Frequencies stretched for long contexts, as Llama 3 does. */
export interface Llama3Scaling {
  factor: number;
  lowFrequencyFactor: number;
  highFrequencyFactor: number;
  /** Context length of the original training. */
  originalContextLength: number;
}

/** Sizes and constants of a decoder-only model. */
export interface ModelConfig {
  architecture: string;
  hiddenSize: number;
  layers: number;
  heads: number;
  keyValueHeads: number;
  headSize: number;
  feedForwardSize: number;
  vocabularySize: number;
  /** Positions the model was made for. */
  contextLength: number;
  normEpsilon: number;
  ropeTheta: number;
  ropeScaling: Llama3Scaling | undefined;
  /** The output head is the embedding table. */
  tiedHead: boolean;
}

const ropeSchema = z
  .object({
    rope_type: z.string().optional(),
    type: z.string().optional(),
    rope_theta: z.number().positive().optional(),
    factor: z.number().positive().optional(),
    low_freq_factor: z.number().positive().optional(),
    high_freq_factor: z.number().positive().optional(),
    original_max_position_embeddings: z.int().positive().optional(),
  })
  .nullish();

/** The fields of a Hugging Face `config.json` that decoders of the Llama family share. */
const configSchema = z.object({
  model_type: z.string().optional(),
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().positive().max(1000),
  num_attention_heads: z.int().positive(),
  num_key_value_heads: z.int().positive().nullish(),
  head_dim: z.int().positive().nullish(),
  intermediate_size: z.int().positive(),
  vocab_size: z.int().positive(),
  max_position_embeddings: z.int().positive().default(2048),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeSchema,
  rope_parameters: ropeSchema,
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.string().default("silu"),
  sliding_window: z.int().positive().nullish(),
  use_sliding_window: z.boolean().nullish(),
});

/** Parses the `config.json` of a decoder of the Llama family; `path` names the file in errors. */
export function parseDecoderConfig(value: unknown, path: string, architecture: string): ModelConfig {
  const config = parseValue(value, configSchema, path);
  if (config.hidden_act !== "silu") {
    throw new UnsupportedError(`${path}: activation "${config.hidden_act}" is not supported, only "silu"`);
  }
  if (config.use_sliding_window) {
    throw new UnsupportedError(`${path}: sliding-window attention is not supported`);
  }
  checkHeads(config, path);
  const rope = config.rope_parameters ?? config.rope_scaling;
  return {
    architecture,
    hiddenSize: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads ?? config.num_attention_heads,
    headSize: config.head_dim ?? config.hidden_size / config.num_attention_heads,
    feedForwardSize: config.intermediate_size,
    vocabularySize: config.vocab_size,
    contextLength: Math.min(config.max_position_embeddings, windowOf(config)),
    normEpsilon: config.rms_norm_eps,
    ropeTheta: rope?.rope_theta ?? config.rope_theta ?? 10_000,
    ropeScaling: parseScaling(rope, path),
    tiedHead: config.tie_word_embeddings,
  };
}

/** Mistral attends within a window wherever it names one; up to that length there is no difference. Qwen names one it does not use. */
function windowOf({ model_type: type, sliding_window: window }: z.infer<typeof configSchema>): number {
  return type === "mistral" && window ? window : Number.POSITIVE_INFINITY;
}

function checkHeads(config: z.infer<typeof configSchema>, path: string): void {
  const { hidden_size: hidden, num_attention_heads: heads } = config;
  const keyValueHeads = config.num_key_value_heads ?? heads;
  const headSize = config.head_dim ?? hidden / heads;
  if (headSize % 2 !== 0 || heads % keyValueHeads !== 0)
    throw new FormatError(
      `${heads} heads of ${headSize} with ${keyValueHeads} key and value heads: heads must have an even, whole size and be a multiple of the key and value heads`,
      { path },
    );
}

function parseScaling(rope: z.infer<typeof ropeSchema>, path: string): Llama3Scaling | undefined {
  const kind = rope?.rope_type ?? rope?.type ?? "default";
  if (!rope || kind === "default") return undefined;
  if (kind !== "llama3") {
    throw new UnsupportedError(`${path}: rope scaling "${kind}" is not supported, only "llama3"`);
  }
  return {
    factor: rope.factor ?? 8,
    lowFrequencyFactor: rope.low_freq_factor ?? 1,
    highFrequencyFactor: rope.high_freq_factor ?? 4,
    originalContextLength: rope.original_max_position_embeddings ?? 8192,
  };
}
