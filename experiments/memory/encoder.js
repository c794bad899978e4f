// Writes WORK/encoder: an encoder of passages made of prag-mini's token embeddings, so that dense retrieval can stand among the
// baselines without a download. A token counts a / (a + p), p its share of the training texts, after the mean of all tokens is taken
// off its embedding (smooth inverse frequency: Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence embeddings",
// ICLR 2017; Mu and Viswanath, "All-but-the-top", ICLR 2018). A weak encoder, trained for nothing of the kind.
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { toOnnx } from "../../dist/graph/onnx.js";
import { gather } from "../../dist/graph/ops.js";
import { constant, input } from "../../dist/graph/tensor.js";
import { openCheckpoint } from "../../dist/weights/checkpoint.js";
import { readTensor } from "../../dist/weights/safetensors.js";
import { openTokenizer } from "../../dist/weights/tokenizer.js";

const model = resolve(import.meta.dirname, "../../models/prag-mini");
const a = 1e-3;

/** Shares of the tokens in the texts of the first stage. */
async function shares(work, vocabulary) {
  const tokenizer = await openTokenizer(model);
  const counts = new Float64Array(vocabulary);
  let all = 0;
  for (const name of await readdir(join(work, "pretrain/books"))) {
    const text = await readFile(join(work, "pretrain/books", name), "utf8");
    for (const id of tokenizer.tokenize(text)) counts[id] += 1;
  }
  const lines = (await readFile(join(work, "pretrain/articles.jsonl"), "utf8")).trim().split("\n");
  for (const line of lines) for (const id of tokenizer.tokenize(JSON.parse(line).text)) counts[id] += 1;
  for (const count of counts) all += count;
  return counts.map((count) => count / all);
}

/** Writes the folder and returns its path; texts of `data.js` must be there. */
export async function writeEncoder(work) {
  const { tensors } = await openCheckpoint(model);
  const entry = tensors.get("model.embed_tokens.weight");
  const [vocabulary, size] = entry.shape;
  const table = await readTensor(entry);
  const share = await shares(work, vocabulary);
  const mean = new Float64Array(size);
  for (let id = 0; id < vocabulary; id++)
    for (let i = 0; i < size; i++) mean[i] += share[id] * table[id * size + i];
  for (let id = 0; id < vocabulary; id++)
    for (let i = 0; i < size; i++)
      table[id * size + i] = (table[id * size + i] - mean[i]) * (a / (a + share[id]));
  const folder = join(work, "encoder");
  await mkdir(folder, { recursive: true });
  const states = gather(constant(table, [vocabulary, size]), input("input_ids", "int64", ["B", "T"]));
  await writeFile(join(folder, "model.onnx"), toOnnx({ last_hidden_state: states }).bytes);
  for (const name of ["tokenizer.json", "tokenizer_config.json"])
    await copyFile(join(model, name), join(folder, name));
  return folder;
}
