import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { readJson } from "../../src/base/files.ts";
import { openSafetensors, readTensor } from "../../src/weights/safetensors.ts";
import {
  beginToken,
  convertCheckpoint,
  decodePieces,
  parseCheckpoint,
  parseTokenizer,
  splitRotaryPairs,
  stories260K,
  whyNoStories,
} from "./llama2c.ts";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** D 8, F 3, 2 layers, 4 heads of 2, 2 key/value heads, V 5, 6 positions. */
function tinyCheckpoint(vocabularySize: number): ArrayBuffer {
  const layer = 8 + 8 * 8 + 2 * (4 * 8) + 8 * 8 + 8 + 3 * (3 * 8);
  const head = vocabularySize < 0 ? 5 * 8 : 0;
  const numbers = range(5 * 8 + 2 * layer + 8 + 6 * 2 + head);
  const bytes = new ArrayBuffer(28 + 4 * numbers.length);
  new Int32Array(bytes, 0, 7).set([8, 3, 2, 4, 2, vocabularySize, 6]);
  new Float32Array(bytes, 28).set(numbers);
  return bytes;
}

/** Turns pairs of a vector by position · 10000^(-2i/Dh); `pair` says where the two numbers of pair i lie. */
function rotate(
  vector: readonly number[],
  position: number,
  pair: (i: number) => [number, number],
): number[] {
  const result = [...vector];
  for (const i of range(vector.length / 2)) {
    const angle = position * 10000 ** ((-2 * i) / vector.length);
    const [a, b] = pair(i);
    result[a] = vector[a]! * Math.cos(angle) - vector[b]! * Math.sin(angle);
    result[b] = vector[a]! * Math.sin(angle) + vector[b]! * Math.cos(angle);
  }
  return result;
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

describe("llama2.c checkpoints", () => {
  it("keeps attention scores when rotary pairs are split: neighbours before, halves after", () => {
    const headSize = 8;
    const query = range(headSize).map((i) => Math.sin(3 * i + 1));
    const key = range(headSize).map((i) => Math.cos(2 * i));
    const split = (rows: number[]) => [...splitRotaryPairs(Float32Array.from(rows), headSize, 1)];
    const neighbours = (i: number): [number, number] => [2 * i, 2 * i + 1];
    const halves = (i: number): [number, number] => [i, i + headSize / 2];
    const before = dot(rotate(query, 7, neighbours), rotate(key, 3, neighbours));
    const after = dot(rotate(split(query), 7, halves), rotate(split(key), 3, halves));
    expect(after).toBeCloseTo(before, 5);
    expect(dot(rotate(query, 7, halves), rotate(key, 3, halves))).not.toBeCloseTo(before, 2);
  });

  it("cuts the file into tensors by kind, then layer, and knows both kinds of head", () => {
    const tied = parseCheckpoint(tinyCheckpoint(5), "tiny.bin");
    expect(tied.header).toMatchObject({ hiddenSize: 8, layerCount: 2, vocabularySize: 5, tiedHead: true });
    expect(tied.tensors.map(({ name }) => name)).not.toContain("lm_head.weight");
    const norms = tied.tensors.filter(({ name }) => name.endsWith("input_layernorm.weight"));
    expect(norms.map(({ data }) => new Float32Array(data.buffer, data.byteOffset, 1)[0])).toEqual([40, 48]);
    const untied = parseCheckpoint(tinyCheckpoint(-5), "tiny.bin");
    expect(untied.tensors.at(-1)).toMatchObject({ name: "lm_head.weight", shape: [5, 8] });
  });

  it("refuses a file that is too short or too long", () => {
    expect(() => parseCheckpoint(tinyCheckpoint(5).slice(0, 400), "short.bin")).toThrow(/short\.bin/);
    expect(() => parseCheckpoint(tinyCheckpoint(-5).slice(0, -4), "short.bin")).toThrow(
      /ends within lm_head/,
    );
  });

  it("decodes: no space after the begin token, byte pieces as bytes", () => {
    const pieces = ["<unk>", "<s>", "</s>", "<0x0A>", " Once", "<0xC3>", "<0xA9>"].map((text) =>
      Buffer.from(text),
    );
    expect(decodePieces(pieces, [1, 4, 4, 3, 5, 6])).toBe("Once Once\né");
  });
});

if (whyNoStories) console.warn(whyNoStories);

describe.skipIf(whyNoStories)("stories260K as a Hugging Face folder", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "prag-llama2c-"));
    await convertCheckpoint(join(stories260K, "stories260K.bin"), folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("has the settings and tensors of a Llama with grouped-query attention", async () => {
    const config = await readJson(join(folder, "config.json"), z.record(z.string(), z.unknown()));
    expect(config).toMatchObject({ num_attention_heads: 8, num_key_value_heads: 4, num_hidden_layers: 5 });
    const { tensors } = await openSafetensors(join(folder, "model.safetensors"));
    const count = [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(count).toBe(260_032);
    const norm = await readTensor(tensors.get("model.norm.weight")!);
    expect(norm.every((value) => Number.isFinite(value) && value > 0)).toBe(true);
  });

  it("has a tokenizer whose pieces spell the expected text", async () => {
    const pieces = parseTokenizer(new Uint8Array(await readFile(join(stories260K, "tok512.bin"))).buffer);
    expect(pieces).toHaveLength(512);
    const expected = await readFile(join(stories260K, "expected_greedy_200.txt"), "utf8");
    const spelled = spell(pieces, ` ${expected}`);
    expect(spelled.length).toBeLessThan(expected.length / 2);
    expect(decodePieces(pieces, [beginToken, ...spelled])).toBe(expected);
  });
});

/** Ids of the longest pieces that make up a text of ASCII, from left to right; a new line is the byte piece `<0x0A>`. */
function spell(pieces: readonly Uint8Array[], text: string): number[] {
  const ids = new Map(pieces.map((piece, id) => [Buffer.from(piece).toString("latin1"), id]));
  const spelled: number[] = [];
  for (let at = 0; at < text.length; ) {
    const lengths = range(text.length - at).map((i) => text.length - at - i);
    const length = lengths.find((count) => ids.has(text.slice(at, at + count))) ?? 1;
    spelled.push(ids.get(text.slice(at, at + length)) ?? ids.get("<0x0A>")!);
    at += length;
  }
  return spelled;
}
