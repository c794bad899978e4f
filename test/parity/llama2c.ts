import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FormatError } from "../../src/base/errors.ts";
import { writeJson } from "../../src/base/files.ts";
import { encodeSafetensors, type TensorData } from "../../src/weights/safetensors.ts";

/**
 * Test helper: reads the checkpoint and tokenizer files of llama2.c and writes the model as a Hugging Face folder, so
 * that a real, trained Llama of 260,032 parameters goes through the normal loading path.
 * Format: https://github.com/karpathy/llama2.c (the legacy layout, version 0).
 */

/** Where the golden model lies, beside the repository; not everyone has it. */
export const stories260K = resolve(import.meta.dirname, "../../../shared/data/fixtures/stories260K");

/** Why tests with the golden model are skipped here, or `undefined` where it is present. */
export const whyNoStories = existsSync(join(stories260K, "stories260K.bin"))
  ? undefined
  : `skipped: ${stories260K} is absent`;

/** How many tokens after the begin token `expected_greedy_200.txt` holds. */
export const storiesNewTokens = 200;

/** The id with which every text begins. */
export const beginToken = 1;

/** The seven numbers at the beginning of a checkpoint. */
export interface Llama2cHeader {
  hiddenSize: number;
  feedForwardSize: number;
  layerCount: number;
  headCount: number;
  keyValueHeadCount: number;
  vocabularySize: number;
  maxPositions: number;
  /** Whether the output layer is the embedding; the file says so by the sign of the vocabulary size. */
  tiedHead: boolean;
}

const headerBytes = 7 * 4;

function parseHeader(bytes: ArrayBuffer, path: string): Llama2cHeader {
  if (bytes.byteLength < headerBytes)
    throw new FormatError("is too short for a llama2.c checkpoint", { path });
  const view = new DataView(bytes);
  const at = (index: number) => view.getInt32(4 * index, true);
  return {
    hiddenSize: at(0),
    feedForwardSize: at(1),
    layerCount: at(2),
    headCount: at(3),
    keyValueHeadCount: at(4),
    vocabularySize: Math.abs(at(5)),
    maxPositions: at(6),
    tiedHead: at(5) > 0,
  };
}

const headSizeOf = (header: Llama2cHeader) => header.hiddenSize / header.headCount;

/** The weights of one layer in the order of the file; each kind comes for all layers before the next kind. */
function layerLayout(header: Llama2cHeader): [name: string, shape: number[]][] {
  const { hiddenSize: D, feedForwardSize: F } = header;
  const keyValueSize = header.keyValueHeadCount * headSizeOf(header);
  return [
    ["input_layernorm", [D]],
    ["self_attn.q_proj", [D, D]],
    ["self_attn.k_proj", [keyValueSize, D]],
    ["self_attn.v_proj", [keyValueSize, D]],
    ["self_attn.o_proj", [D, D]],
    ["post_attention_layernorm", [D]],
    ["mlp.gate_proj", [F, D]],
    ["mlp.down_proj", [D, F]],
    ["mlp.up_proj", [F, D]],
  ];
}

/**
 * Reorders the rows of a query or key projection [heads · Dh, D]. llama2.c rotates neighbours (2i, 2i + 1) of a head,
 * Hugging Face rotates (i, i + Dh/2): even rows go to the first half of each head, odd rows to the second.
 */
export function splitRotaryPairs(rows: Float32Array, headSize: number, width: number): Float32Array {
  const result = new Float32Array(rows.length);
  const rowCount = rows.length / width;
  for (let row = 0; row < rowCount; row++) {
    const inHead = row % headSize;
    const target = row - inHead + Math.floor(inHead / 2) + (inHead % 2 ? headSize / 2 : 0);
    result.set(rows.subarray(row * width, (row + 1) * width), target * width);
  }
  return result;
}

/** A checkpoint's header and weights, under the names of Hugging Face's Llama. */
export function parseCheckpoint(
  bytes: ArrayBuffer,
  path: string,
): { header: Llama2cHeader; tensors: TensorData[] } {
  const header = parseHeader(bytes, path);
  const { hiddenSize: D, vocabularySize: V } = header;
  const tensors: TensorData[] = [];
  let position = headerBytes;
  const take = (name: string, shape: number[]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    if (position + 4 * count > bytes.byteLength) throw new FormatError(`ends within ${name}`, { path });
    const data = new Float32Array(bytes, position, count);
    position += 4 * count;
    const rotated = /[qk]_proj/.test(name) ? splitRotaryPairs(data, headSizeOf(header), D) : data;
    tensors.push({ name: `${name}.weight`, dtype: "F32", shape, data: rotated });
  };
  take("model.embed_tokens", [V, D]);
  for (const [name, shape] of layerLayout(header)) {
    for (let layer = 0; layer < header.layerCount; layer++) take(`model.layers.${layer}.${name}`, shape);
  }
  take("model.norm", [D]);
  position += 4 * header.maxPositions * headSizeOf(header); // tables of cosines and sines, unused
  if (!header.tiedHead) take("lm_head", [V, D]);
  if (position !== bytes.byteLength) {
    throw new FormatError(`has ${bytes.byteLength} bytes, wanted ${position}`, { path });
  }
  return { header, tensors };
}

/** Writes a llama2.c checkpoint as a Hugging Face folder: config.json, generation_config.json, model.safetensors. */
export async function convertCheckpoint(path: string, folder: string): Promise<void> {
  const { header, tensors } = parseCheckpoint(new Uint8Array(await readFile(path)).buffer, path);
  await mkdir(folder, { recursive: true });
  await writeJson(join(folder, "config.json"), {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: header.hiddenSize,
    intermediate_size: header.feedForwardSize,
    num_hidden_layers: header.layerCount,
    num_attention_heads: header.headCount,
    num_key_value_heads: header.keyValueHeadCount,
    vocab_size: header.vocabularySize,
    max_position_embeddings: header.maxPositions,
    hidden_act: "silu",
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: header.tiedHead,
    bos_token_id: beginToken,
    eos_token_id: 2,
    torch_dtype: "float32",
  });
  await writeJson(join(folder, "generation_config.json"), { bos_token_id: beginToken, eos_token_id: 2 });
  await writeFile(join(folder, "model.safetensors"), encodeSafetensors(tensors, { format: "pt" }));
}

/** The pieces of a llama2.c tokenizer file, by id: largest length, then score, length and bytes of each. */
export function parseTokenizer(bytes: ArrayBuffer): Uint8Array[] {
  const view = new DataView(bytes);
  const pieces: Uint8Array[] = [];
  for (let position = 4; position < bytes.byteLength; ) {
    const length = view.getInt32(position + 4, true);
    pieces.push(new Uint8Array(bytes, position + 8, length));
    position += 8 + length;
  }
  return pieces;
}

/**
 * Text of ids as llama2.c prints it: a piece after the begin token loses one leading space, `<0x0A>` is the byte 10,
 * and the begin token itself prints nothing.
 */
export function decodePieces(pieces: readonly Uint8Array[], ids: readonly number[]): string {
  const bytes: number[] = [];
  for (const [index, id] of ids.entries()) {
    if (id === beginToken) continue;
    const piece = pieces[id];
    if (!piece) throw new FormatError(`has no piece ${id}, only ${pieces.length}`, { path: "tokenizer" });
    const raw = /^<0x([0-9A-F]{2})>$/.exec(Buffer.from(piece).toString("latin1"));
    const afterBegin = index > 0 && ids[index - 1] === beginToken;
    if (raw) bytes.push(Number.parseInt(raw[1]!, 16));
    else bytes.push(...(afterBegin && piece[0] === 0x20 ? piece.subarray(1) : piece));
  }
  return Buffer.from(bytes).toString("utf8");
}
