import { FormatError, UnsupportedError } from "../base/errors.ts";
import type { FileSession, HostTensor, Runtime } from "../runtime/runtime.ts";
import { openTokenizer, type Tokenizer } from "../weights/tokenizer.ts";
import { type Embedder, type Prefixes, toUnit } from "./embedder.ts";
import { type EncoderFolder, readEncoderFolder } from "./embedder-folder.ts";

/** The inputs of an encoder that are known here: one row of token ids, of ones, and of zeros. */
const inputValues: Record<string, (id: number) => number> = {
  input_ids: (id) => id,
  attention_mask: () => 1,
  token_type_ids: () => 0,
};
/** Vectors of tokens by the names that exporters give them; else the first output is taken. */
const tokenOutputs = ["last_hidden_state", "token_embeddings"];

/**
 * Opens an encoder of a local folder (BERT and its kin, as ONNX with `tokenizer.json`). Texts are run one by one, without
 * padding, so that a text's vector depends on nothing else.
 */
export async function openOnnxEmbedder(
  folder: string,
  {
    runtime,
    prefixes,
  }: { runtime: Pick<Runtime, "openFileSession">; prefixes?: Partial<Prefixes> | undefined },
): Promise<Embedder> {
  const tokenizer = await openTokenizer(folder);
  const encoder = await readEncoderFolder(folder, prefixes);
  const session = await runtime.openFileSession(encoder.modelPath);
  const unknown = session.inputs.find((name) => !(name in inputValues));
  if (unknown !== undefined) {
    await session.dispose();
    throw new UnsupportedError(
      `${encoder.modelPath} wants the input ${unknown}; only encoders of ${Object.keys(inputValues).join(", ")} can be run here`,
    );
  }
  return {
    identity: encoder.identity,
    async embed(texts, { kind, signal }) {
      const vectors: Float32Array[] = [];
      for (const text of texts) {
        const ids = truncate(tokenizer, encoder.prefixes[kind] + text, encoder.maxTokens);
        vectors.push(await embedTokens(ids, { session, encoder, signal }));
      }
      return vectors;
    },
    dispose: () => session.dispose(),
  };
}

/** The ids of a text with the special tokens around it; of a long text the end is left out, not the last special ones. */
function truncate(tokenizer: Tokenizer, text: string, maxTokens: number): number[] {
  const ids = tokenizer.tokenize(text, { addSpecialTokens: true });
  if (ids.length <= maxTokens) return ids;
  const plain = tokenizer.tokenize(text);
  const first = Math.max(0, ids.indexOf(plain[0] ?? -1));
  const closing = ids.length - plain.length - first;
  return [...ids.slice(0, maxTokens - closing), ...ids.slice(ids.length - closing)];
}

interface Running {
  session: FileSession;
  encoder: EncoderFolder;
  signal: AbortSignal | undefined;
}

async function embedTokens(
  ids: readonly number[],
  { session, encoder, signal }: Running,
): Promise<Float32Array> {
  const { modelPath, pooling } = encoder;
  if (ids.length === 0)
    throw new FormatError("its tokenizer gives no token for a text; fetch the folder again", {
      path: modelPath,
    });
  const feeds = Object.fromEntries(
    session.inputs.map((name): [string, HostTensor] => [
      name,
      {
        dtype: "int64",
        dims: [1, ids.length],
        data: BigInt64Array.from(ids, (id) => BigInt(inputValues[name]!(id))),
      },
    ]),
  );
  const output = tokenOutputs.find((name) => session.outputs.includes(name)) ?? session.outputs[0]!;
  const { values } = await session.run(feeds, { fetch: [output], signal });
  const vector = toUnit(pool(values[output]!, { tokens: ids.length, pooling, modelPath }));
  if (!vector)
    throw new FormatError("gives vectors without a direction; export or fetch it again", { path: modelPath });
  return vector;
}

/** Token vectors [1, T, D] → [D]; what the graph has pooled itself, [1, D], is left as it is. */
function pool(
  { dims, data, dtype }: HostTensor,
  { tokens, pooling, modelPath }: { tokens: number; pooling: EncoderFolder["pooling"]; modelPath: string },
): Float32Array {
  const isPooled = dims.length === 2 && dims[0] === 1;
  const isTokens = dims.length === 3 && dims[0] === 1 && dims[1] === tokens;
  if (dtype !== "float32" || !(isPooled || isTokens))
    throw new UnsupportedError(
      `${modelPath} gives ${dtype} [${dims.join(", ")}] for ${tokens} tokens; wanted float32 [1, ${tokens}, size] or [1, size]`,
    );
  const size = dims.at(-1)!;
  if (isPooled || pooling === "cls") return data.slice(0, size);
  const mean = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let token = 0; token < tokens; token++) sum += data[token * size + i]!;
    mean[i] = sum / tokens;
  }
  return mean;
}
