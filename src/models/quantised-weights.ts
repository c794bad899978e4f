import { join } from "node:path";
import { FormatError } from "../base/errors.ts";
import { noProgress, type Progress } from "../base/progress.ts";
import { matmulQuantised, type QuantisedWeight } from "../graph/ops.ts";
import { weight } from "../graph/tensor.ts";
import { type AppendBytes, openCacheFile } from "../weights/cache-file.ts";
import { type Bits, blocksOf, type Quantisation, quantiseRows } from "../weights/quantise.ts";
import {
  readTensor,
  type SafetensorsFile,
  type TensorEntry,
  type TensorLayout,
} from "../weights/safetensors.ts";
import {
  addBias,
  type BaseWeights,
  commonFolder,
  createBaseWeights,
  findWeight,
  linearNames,
  linearSizes,
  linearWeightName,
} from "./base-weights.ts";
import type { Model } from "./open-model.ts";

/** Numbers that share a scale: smaller blocks cost memory, larger ones accuracy. */
const blockSize = 32;
/** How much of a weight is quantised at a time, in numbers; between two pieces other work gets its turn. */
const pieceNumbers = 2 ** 20;
/** Changes when the same weights would give other bytes. */
const formatVersion = "1";

/**
 * The weights of a model with every linear layer, the head included, in blocks of small integers; embeddings, norms and
 * biases are the checkpoint's. The integers lie in a file under `cacheFolder` that is made once, by the checkpoint's
 * fingerprint and `bits`. For sessions with `prepack`; there is no gradient.
 */
export async function openQuantisedWeights(
  { checkpoint, config }: Model,
  { cacheFolder, bits = 8, progress = noProgress }: { cacheFolder: string; bits?: Bits; progress?: Progress },
): Promise<BaseWeights> {
  const quantisation = { bits, blockSize };
  const sources = sourcesOf({ checkpoint, config });
  const file = await openCacheFile({
    folder: join(cacheFolder, `q${bits}-${checkpoint.fingerprint.slice(0, 32)}`),
    metadata: {
      fingerprint: checkpoint.fingerprint,
      bits: String(bits),
      block_size: String(blockSize),
      version: formatVersion,
    },
    task: `quantise weights to ${bits} bits`,
    tensors: sources.flatMap((source) => layoutsOf(source, quantisation)),
    progress,
    async fill(append) {
      for (const source of sources) await appendQuantised(append, source, quantisation);
    },
  });
  const base = createBaseWeights(checkpoint, config);
  const weights = new Map(sources.map((source) => [source.name, weightOf(file, source, quantisation)]));
  const files = [...checkpoint.tensors.values(), ...file.tensors.values()].map((entry) => entry.file);
  return {
    ...base,
    folder: commonFolder(files),
    linear(name, x) {
      const quantised = weights.get(name);
      if (!quantised) throw new Error(`internal: no linear layer is named ${name}`);
      return addBias(matmulQuantised(x, quantised), base.bias(name));
    },
  };
}

/** A linear layer's weight [out, in] in the checkpoint. */
interface Source {
  /** Of the linear layer: `layers.0.mlp.gate_proj`. */
  name: string;
  entry: TensorEntry;
  size: { in: number; out: number };
}

function sourcesOf({ checkpoint, config }: Model): Source[] {
  const sizes = linearSizes(config);
  return linearNames(config).map((name) => {
    const size = sizes(name);
    const entry = findWeight(checkpoint, linearWeightName(config, name), [size.out, size.in]);
    return { name, size, entry };
  });
}

const packedName = (name: string) => `${name}.packed`;
const scalesName = (name: string) => `${name}.scales`;

function layoutsOf({ name, size }: Source, quantisation: Quantisation): [TensorLayout, TensorLayout] {
  const blocks = blocksOf(size.in, quantisation);
  const blockBytes = (blockSize * quantisation.bits) / 8;
  return [
    { name: packedName(name), dtype: "U8", shape: [size.out, blocks, blockBytes] },
    { name: scalesName(name), dtype: "F32", shape: [size.out * blocks] },
  ];
}

/** Reads whole rows, as many as make a piece. */
async function appendQuantised(
  append: AppendBytes,
  { name, entry, size }: Source,
  quantisation: Quantisation,
): Promise<void> {
  const rows = Math.max(1, Math.floor(pieceNumbers / size.in));
  for (let row = 0; row < size.out; row += rows) {
    const end = Math.min(row + rows, size.out) * size.in;
    const values = await readTensor(entry, { begin: row * size.in, end });
    const quantised = quantiseRows(values, size.in, quantisation);
    if (!quantised) {
      throw new FormatError(`tensor "${entry.name}" has numbers that are not finite; fetch the model again`, {
        path: entry.file,
      });
    }
    await append(packedName(name), quantised.packed);
    await append(scalesName(name), new Uint8Array(quantised.scales.buffer));
  }
}

function weightOf(file: SafetensorsFile, source: Source, quantisation: Quantisation): QuantisedWeight {
  const [packed, scales] = layoutsOf(source, quantisation).map(({ name, dtype, shape }) => {
    const range = file.tensors.get(name);
    if (!range) throw new FormatError(`has no tensor ${name}; delete the file`, { path: file.path });
    return weight(`quantised.${name}`, { dtype: dtype === "U8" ? "uint8" : "float32", shape, range });
  });
  return { packed: packed!, scales: scales!, ...quantisation, outFeatures: source.size.out };
}
