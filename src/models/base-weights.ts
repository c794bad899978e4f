import { dirname, sep } from "node:path";
import { ConfigError, FormatError, ShapeError, UnsupportedError } from "../base/errors.ts";
import { add, cast, gather, matmul } from "../graph/ops.ts";
import { type DType, type Tensor, weight } from "../graph/tensor.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";
import type { TensorEntry } from "../weights/safetensors.ts";
import type { ModelConfig } from "./config.ts";

const embeddingName = "model.embed_tokens.weight";

/** Applies a named linear layer: x [..., in] → [..., out]. Names are `layers.0.mlp.gate_proj`, `lm_head`, …. */
export type Linear = (name: string, x: Tensor) => Tensor;

/** The frozen weights of a checkpoint as graph tensors; nothing is read until a session opens the graph. */
export interface BaseWeights {
  /** Folder below which all weight files lie. */
  folder: string;
  /** A float32 vector, such as a norm's scale. */
  vector(name: string): Tensor;
  /** Rows of the embedding table: ids [...] int64 → [..., D]. */
  embed(ids: Tensor): Tensor;
  linear: Linear;
  /** The bias of a linear layer, where it has one. */
  bias(name: string): Tensor | undefined;
}

/** Describes the weights of a checkpoint. One cast per weight is shared, so that it can be folded when opened. */
export function createBaseWeights(checkpoint: Checkpoint, config: ModelConfig): BaseWeights {
  const created = new Map<string, Tensor>();
  const stored = (name: string, shape: readonly number[]): Tensor => {
    const before = created.get(name);
    if (before) return before;
    const entry = findWeight(checkpoint, name, shape);
    const tensor = weight(name, { dtype: graphType(entry), shape, range: entry });
    created.set(name, tensor);
    return tensor;
  };
  const casts = new Map<string, Tensor>();
  const float = (name: string, shape: readonly number[]): Tensor => {
    const tensor = casts.get(name) ?? cast(stored(name, shape), "float32");
    casts.set(name, tensor);
    return tensor;
  };
  const sizes = linearSizes(config);
  const tableShape = [config.vocabularySize, config.hiddenSize];
  const bias = (name: string): Tensor | undefined => {
    const stem = biasName(name);
    return checkpoint.tensors.has(stem) ? float(stem, [sizes(name).out]) : undefined;
  };
  return {
    folder: commonFolder([...checkpoint.tensors.values()].map((entry) => entry.file)),
    vector: (name) => float(weightName(name), [config.hiddenSize]),
    embed: (ids) => cast(gather(stored(embeddingName, tableShape), ids), "float32"),
    linear(name, x) {
      const size = sizes(name);
      const table = float(linearWeightName(config, name), [size.out, size.in]);
      return addBias(matmul(x, table, { transB: true }), bias(name));
    },
    bias,
  };
}

/** y [..., out] with the bias [out] of its linear layer, where that has one. */
export function addBias(y: Tensor, bias: Tensor | undefined): Tensor {
  return bias ? add(y, bias) : y;
}

/** Names of all linear layers, the head last. */
export function linearNames(config: ModelConfig): string[] {
  const attention = ["q_proj", "k_proj", "v_proj", "o_proj"].map((name) => `self_attn.${name}`);
  const feedForward = ["gate_proj", "up_proj", "down_proj"].map((name) => `mlp.${name}`);
  const layers = Array.from({ length: config.layers }, (_, layer) =>
    [...attention, ...feedForward].map((name) => `layers.${layer}.${name}`),
  );
  return [...layers.flat(), "lm_head"];
}

/** The tensor name in the checkpoint of a linear layer's weight; a tied head's is the embedding table. */
export function linearWeightName(config: ModelConfig, name: string): string {
  return name === "lm_head" && config.tiedHead ? embeddingName : weightName(name);
}

/** Input and output width of every linear layer of the decoder. */
export function linearSizes(config: ModelConfig): (name: string) => { in: number; out: number } {
  const { hiddenSize: hidden, feedForwardSize: feedForward } = config;
  const queries = config.heads * config.headSize;
  const keys = config.keyValueHeads * config.headSize;
  const sizes: Record<string, { in: number; out: number }> = {
    q_proj: { in: hidden, out: queries },
    k_proj: { in: hidden, out: keys },
    v_proj: { in: hidden, out: keys },
    o_proj: { in: queries, out: hidden },
    gate_proj: { in: hidden, out: feedForward },
    up_proj: { in: hidden, out: feedForward },
    down_proj: { in: feedForward, out: hidden },
    lm_head: { in: hidden, out: config.vocabularySize },
  };
  return (name) => {
    const size = sizes[name.slice(name.lastIndexOf(".") + 1)];
    if (!size) throw new Error(`internal: no linear layer is named ${name}`);
    return size;
  };
}

/** The tensor name in the checkpoint of a module of the decoder. */
export function weightName(module: string): string {
  return module === "lm_head" ? "lm_head.weight" : `model.${module}.weight`;
}

function biasName(module: string): string {
  return `model.${module}.bias`;
}

/** Where a tensor of the checkpoint lies, whose shape must be as the config says. */
export function findWeight(checkpoint: Checkpoint, name: string, shape: readonly number[]): TensorEntry {
  const entry = checkpoint.tensors.get(name);
  if (!entry) {
    throw new FormatError(`tensor ${name} is missing; the checkpoint does not fit its config.json`, {
      path: checkpoint.folder,
    });
  }
  if (entry.shape.length !== shape.length || entry.shape.some((size, i) => size !== shape[i])) {
    throw new ShapeError(`${checkpoint.folder}: tensor ${name} does not fit config.json`, [
      entry.shape,
      shape,
    ]);
  }
  return entry;
}

/** The graph's number type of a stored weight. */
export function graphType(entry: TensorEntry): DType {
  const types: Record<string, DType> = { F32: "float32", F16: "float16", BF16: "bfloat16" };
  const type = types[entry.dtype];
  if (!type) {
    throw new UnsupportedError(
      `tensor ${entry.name} has type ${entry.dtype}; weights must be F32, F16 or BF16`,
    );
  }
  return type;
}

/** The deepest folder that holds all files (`/`, if need be): ONNX Runtime reads external data below one folder only. */
export function commonFolder(files: readonly string[]): string {
  const paths = [...new Set(files)].map((file) => dirname(file).split(sep));
  const first = paths[0] ?? [""];
  let length = first.length;
  for (const path of paths) {
    let i = 0;
    while (i < length && path[i] === first[i]) i++;
    length = i;
  }
  if (length === 0) {
    throw new ConfigError(
      `the weights of one model lie on different drives (${files[0]} and ${files.at(-1)}); put the cache folder on the model's drive`,
    );
  }
  return first.slice(0, length).join(sep) || sep;
}
