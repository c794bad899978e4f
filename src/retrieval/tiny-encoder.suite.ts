import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../base/random.ts";
import { toOnnx } from "../graph/onnx.ts";
import { add, cast, gather, matmul, reshape, scale, softmax, sub } from "../graph/ops.ts";
import { constant, input, scalar, type Tensor } from "../graph/tensor.ts";

const size = 8;
const words = [
  "[PAD]",
  "[UNK]",
  "[CLS]",
  "[SEP]",
  "the",
  "river",
  "bridge",
  "of",
  "glass",
  "rises",
  ".",
  "##s",
  "a",
];
/** Ids of the special tokens around a text. */
export const [cls, sep] = [words.indexOf("[CLS]"), words.indexOf("[SEP]")];

/** A WordPiece `tokenizer.json` as BERT's. */
const tokenizer = {
  version: "1.0",
  added_tokens: ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map((content, id) => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })),
  normalizer: {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "[CLS]", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "[SEP]", type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      "[CLS]": { id: "[CLS]", ids: [cls], tokens: ["[CLS]"] },
      "[SEP]": { id: "[SEP]", ids: [sep], tokens: ["[SEP]"] },
    },
  },
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(words.map((word, i) => [word, i])),
  },
};

const random = new Random("tiny encoder");
const embeddings = Float32Array.from({ length: words.length * size }, () => random.normal());
const types = Float32Array.from({ length: 2 * size }, () => random.normal());

/** One layer of attention over embeddings [B, T, D]: softmax(x xᵀ / √D + mask) x. */
function encode(ids: Tensor, mask: Tensor, typeIds: Tensor): Tensor {
  const table = (data: Float32Array) => constant(data, [data.length / size, size]);
  const x = add(gather(table(embeddings), ids), gather(table(types), typeIds)); // [B, T, D]
  const hidden = scale(sub(cast(mask, "float32"), scalar(1)), 1e9); // [B, T], 0 or far below
  const scores = add(scale(matmul(x, x, { transB: true }), size ** -0.5), reshape(hidden, ["B", 1, "T"]));
  return matmul(softmax(scores), x);
}

const graphs = new Map<string, Uint8Array>();

/** The graph as a file; built once, as names within it differ from build to build. */
function graphBytes(output: string, extraInput: boolean): Uint8Array {
  const key = `${output} ${extraInput}`;
  const before = graphs.get(key);
  if (before) return before;
  const tokens = (name: string) => input(name, "int64", ["B", "T"]);
  const states = encode(tokens("input_ids"), tokens("attention_mask"), tokens("token_type_ids"));
  const { bytes } = toOnnx({
    [output]: extraInput ? add(states, input("positions", "float32", [1])) : states,
  });
  graphs.set(key, bytes);
  return bytes;
}

/** Writes an encoder's folder: a graph of random numbers, and these settings files. */
export function writeTinyEncoder(
  folder: string,
  {
    files = {},
    modelPath = "model.onnx",
    output = "last_hidden_state",
    extraInput = false,
  }: { files?: Record<string, unknown>; modelPath?: string; output?: string; extraInput?: boolean } = {},
): string {
  const all: Record<string, string | Uint8Array> = {
    "tokenizer.json": JSON.stringify(tokenizer),
    "config.json": JSON.stringify({ model_type: "bert" }),
    ...Object.fromEntries(Object.entries(files).map(([name, value]) => [name, JSON.stringify(value)])),
    [modelPath]: graphBytes(output, extraInput),
  };
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** The token vectors that the graph should give, reckoned here; [T][D]. */
export function tokenVectors(ids: readonly number[]): number[][] {
  const x = ids.map((id) => Array.from({ length: size }, (_, i) => embeddings[id * size + i]! + types[i]!));
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  return x.map((row) => {
    const exps = x.map((other) => Math.exp(dot(row, other) / Math.sqrt(size)));
    const total = exps.reduce((sum, value) => sum + value, 0);
    return row.map((_, i) => exps.reduce((sum, weight, t) => sum + (weight / total) * x[t]![i]!, 0));
  });
}

/** Ids of words that stand in the vocabulary. */
export const idsOf = (...some: string[]): number[] => some.map((word) => words.indexOf(word));
