import { add, cast, matmul, mul, sub } from "../graph/ops.ts";
import { input, type Tensor, weight } from "../graph/tensor.ts";
import type { TensorEntry } from "../weights/safetensors.ts";
import { addBias, type BaseWeights, graphType, type Linear, linearSizes } from "./base-weights.ts";
import type { Model } from "./open-model.ts";

/** The published name of the memory token's embedding [1, D]. */
export const memoryEmbeddingName = "model.beacon_embed_tokens.weight";

const projections = ["q_proj", "k_proj", "v_proj"];

/** A weight of a memory model, by its published name. */
export interface MemoryParameter {
  name: string;
  shape: readonly number[];
  /** The base model's tensor that it starts from; the embedding starts from a row of the base's table. */
  source: string | undefined;
}

/** All weights of a memory over this base model: biases where the base has them. */
export function memoryParameters({ checkpoint, config }: Model): MemoryParameter[] {
  const sizes = linearSizes(config);
  const parameters: MemoryParameter[] = [
    { name: memoryEmbeddingName, shape: [1, config.hiddenSize], source: undefined },
  ];
  for (const module of projectionNames(config.layers)) {
    const { in: inFeatures, out } = sizes(module);
    const source = `model.${module}`;
    parameters.push({
      name: `${memoryModule(module)}.weight`,
      shape: [out, inFeatures],
      source: `${source}.weight`,
    });
    if (checkpoint.tensors.has(`${source}.bias`)) {
      parameters.push({ name: `${memoryModule(module)}.bias`, shape: [out], source: `${source}.bias` });
    }
  }
  return parameters;
}

function projectionNames(layers: number): string[] {
  return Array.from({ length: layers }, (_, layer) =>
    projections.map((name) => `layers.${layer}.self_attn.${name}`),
  ).flat();
}

/** `layers.0.self_attn.q_proj` → `model.layers.0.self_attn.beacon_q_proj`. */
function memoryModule(module: string): string {
  const cut = module.lastIndexOf(".") + 1;
  return `model.${module.slice(0, cut)}beacon_${module.slice(cut)}`;
}

/** Memory weights as graph tensors, by published name. */
export type MemoryTensors = ReadonlyMap<string, Tensor>;

/** Memory weights that are given at run time, so that they can be trained: inputs by their published names. */
export function memoryInputs(parameters: readonly MemoryParameter[]): MemoryTensors {
  return new Map(parameters.map(({ name, shape }) => [name, input(name, "float32", shape)]));
}

/** Memory weights that stay in their file. */
export function memoryConstants(
  parameters: readonly MemoryParameter[],
  entries: ReadonlyMap<string, TensorEntry>,
): MemoryTensors {
  return new Map(
    parameters.map(({ name, shape }) => {
      const entry = entries.get(name);
      if (!entry) throw new Error(`internal: the memory model was opened without ${name}`);
      return [name, cast(weight(name, { dtype: graphType(entry), shape, range: entry }), "float32")];
    }),
  );
}

/**
 * The base's weights for sequences in which memory tokens stand: rows where `isMemory` [B, T, 1] is 1 (else 0) take the
 * memory's embedding and projections. Both are computed and one is chosen, as the published models do.
 */
export function withMemory(
  weights: BaseWeights,
  linear: Linear,
  { memory, isMemory }: { memory: MemoryTensors; isMemory: Tensor },
): { weights: BaseWeights; linear: Linear } {
  const select = (raw: Tensor, own: Tensor) => add(raw, mul(isMemory, sub(own, raw)));
  const tensor = (name: string) => {
    const found = memory.get(name);
    if (!found) throw new Error(`internal: no memory weight is named ${name}`);
    return found;
  };
  return {
    weights: { ...weights, embed: (ids) => select(weights.embed(ids), tensor(memoryEmbeddingName)) },
    linear(name, x) {
      const raw = linear(name, x);
      const module = memoryModule(name);
      if (!memory.has(`${module}.weight`)) return raw;
      const own = matmul(x, tensor(`${module}.weight`), { transB: true });
      return select(raw, addBias(own, memory.get(`${module}.bias`)));
    },
  };
}
