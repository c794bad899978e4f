import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FormatError, NotFoundError, UnsupportedError } from "../base/errors.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { describeEmbedder } from "./embedder.suite.ts";
import { toUnit } from "./embedder.ts";
import { openOnnxEmbedder } from "./embedder-onnx.ts";
import { cls, idsOf, sep, tokenVectors, writeTinyEncoder } from "./tiny-encoder.suite.ts";

let folder: string;
let runtime: Runtime;
let counter = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "encoder-"));
  runtime = await openRuntime({ threads: 1 });
});
afterAll(async () => {
  await runtime.dispose();
  await rm(folder, { recursive: true, force: true });
});

type Options = Parameters<typeof writeTinyEncoder>[1];
const write = (options?: Options) => writeTinyEncoder(join(folder, `e${counter++}`), options);
const open = (options?: Options, prefixes = {}) => openOnnxEmbedder(write(options), { runtime, prefixes });
async function embed(
  text: string,
  options?: Options,
  kind: "query" | "passage" = "passage",
): Promise<Float32Array> {
  const embedder = await open(options);
  try {
    return (await embedder.embed([text], { kind }))[0]!;
  } finally {
    await embedder.dispose();
  }
}
function mean(rows: readonly number[][]): number[] {
  return rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length);
}
function expectClose(vector: Float32Array, wanted: readonly number[]): void {
  const unit = toUnit(wanted)!;
  expect(vector).toHaveLength(unit.length);
  for (const [i, value] of unit.entries()) expect(vector[i]).toBeCloseTo(value, 5);
}

const pooling = (mode: string) => ({
  "1_Pooling/config.json": { word_embedding_dimension: 8, [mode]: true },
});
const text = "The rivers of glass.";
const ids = [cls, ...idsOf("the", "river", "##s", "of", "glass", "."), sep];

describeEmbedder("an ONNX folder", () => open());

describe("an ONNX folder", () => {
  it("gives the mean of its token vectors, special ones among them", async () => {
    expectClose(await embed(text), mean(tokenVectors(ids)));
    expectClose(await embed(text, { files: pooling("pooling_mode_mean_tokens") }), mean(tokenVectors(ids)));
  });

  it("gives the first token's vector where the folder says so", async () => {
    expectClose(await embed(text, { files: pooling("pooling_mode_cls_token") }), tokenVectors(ids)[0]!);
  });

  it("is found in onnx/, and under other names of its output", async () => {
    expectClose(await embed(text, { modelPath: "onnx/model.onnx" }), mean(tokenVectors(ids)));
    expectClose(await embed(text, { output: "token_embeddings" }), mean(tokenVectors(ids)));
    expectClose(await embed(text, { output: "other" }), mean(tokenVectors(ids)));
  });

  it("cuts long texts off, and keeps the closing token", async () => {
    const long = `${text} ${"bridge ".repeat(50)}`;
    const cut = mean(tokenVectors([...ids.slice(0, 5), sep]));
    expectClose(await embed(long, { files: { "sentence_bert_config.json": { max_seq_length: 6 } } }), cut);
    const limits = {
      "tokenizer_config.json": { model_max_length: 1e30 },
      "config.json": { max_position_embeddings: 6 },
    };
    expectClose(await embed(long, { files: limits }), cut);
    const roberta = { "config.json": { model_type: "roberta", max_position_embeddings: 8 } };
    expectClose(await embed(long, { files: roberta }), cut);
  });

  it("puts words before texts of each kind, as the folder or the settings say", async () => {
    const files = { "config_sentence_transformers.json": { prompts: { query: "a ", document: "of " } } };
    expectClose(
      await embed("river", { files }, "query"),
      mean(tokenVectors([cls, ...idsOf("a", "river"), sep])),
    );
    expectClose(await embed("river", { files }), mean(tokenVectors([cls, ...idsOf("of", "river"), sep])));
    const embedder = await open({ files }, { query: "the " });
    const [vector] = await embedder.embed(["river"], { kind: "query" });
    expectClose(vector!, mean(tokenVectors([cls, ...idsOf("the", "river"), sep])));
    await embedder.dispose();
  });

  it("has another identity where passages get other vectors, and only there", async () => {
    const identity = async (options?: Options, prefixes = {}) => {
      const embedder = await openOnnxEmbedder(writeTinyEncoder(join(folder, "one"), options), {
        runtime,
        prefixes,
      });
      await embedder.dispose();
      return embedder.identity;
    };
    const plain = await identity();
    expect(await identity(undefined, { query: "q: " })).toBe(plain);
    const others = [
      await identity(undefined, { passage: "p: " }),
      await identity({ files: pooling("pooling_mode_cls_token") }),
    ];
    await rm(join(folder, "one", "1_Pooling"), { recursive: true });
    others.push(await identity({ output: "renamed" }));
    expect(new Set([plain, ...others]).size).toBe(4);
  });

  it("says what is missing, malformed or cannot be done", async () => {
    await expect(openOnnxEmbedder(join(folder, "absent"), { runtime })).rejects.toThrow(NotFoundError);
    const empty = write();
    await rm(join(empty, "model.onnx"));
    await expect(openOnnxEmbedder(empty, { runtime })).rejects.toThrow(
      /holds no model\.onnx and no onnx\/model\.onnx/,
    );
    const broken = write();
    await writeFile(join(broken, "model.onnx"), "not a graph");
    await expect(openOnnxEmbedder(broken, { runtime })).rejects.toThrow(FormatError);
    await expect(openOnnxEmbedder(broken, { runtime })).rejects.toThrow(/model\.onnx: cannot be opened/);
    await expect(open({ extraInput: true })).rejects.toThrow(/wants the input positions/);
    await expect(open({ files: pooling("pooling_mode_max_tokens") })).rejects.toThrow(UnsupportedError);
    const modules = { "modules.json": [{ path: "2_Dense", type: "sentence_transformers.models.Dense" }] };
    await expect(open({ files: modules })).rejects.toThrow(/module sentence_transformers\.models\.Dense/);
    await expect(open({ files: { "1_Pooling/config.json": { pooling_mode_cls_token: 3 } } })).rejects.toThrow(
      FormatError,
    );
  });
});
