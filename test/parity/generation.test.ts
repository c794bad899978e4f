import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { feedForwardModules } from "../../src/adapters/adapter.ts";
import { merge } from "../../src/adapters/merge.ts";
import { importPeft } from "../../src/adapters/peft.ts";
import { readJson } from "../../src/base/files.ts";
import { sha256OfFile } from "../../src/base/hash.ts";
import { type DecodingSession, openDecodingSession } from "../../src/generation/decoding-session.ts";
import type { GenerationRequest } from "../../src/generation/generator.ts";
import { createLocalGenerator } from "../../src/generation/local.ts";
import { type Model, openModel } from "../../src/models/open-model.ts";
import { openRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { openTokenizer } from "../../src/weights/tokenizer.ts";
import { fixtures, greedyIds, largestDifference } from "./helpers.ts";

const ids = z.array(z.int());
const { newTokens, cases } = await readJson(
  join(fixtures, "adapters", "generation.json"),
  z.object({
    newTokens: z.int(),
    cases: z.array(z.object({ prompt: z.string(), promptIds: ids, base: ids, merged: ids })),
  }),
);
const adapters = await Promise.all(
  ["one", "two", "three"].map(async (name) => (await importPeft(join(fixtures, "adapters", name))).adapter),
);
const merged = merge(adapters);
const modelFolder = join(fixtures, "llama-tied");

describe("greedy generation", () => {
  let runtime: Runtime;
  let model: Model;
  let session: DecodingSession;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    model = await openModel(modelFolder);
    session = await openDecodingSession(runtime, model, { targetModules: feedForwardModules });
  });
  afterAll(async () => {
    await session.dispose();
    await runtime.dispose();
  });

  it.each(cases)("is transformers' and PEFT's: $prompt", async ({ promptIds, base, merged: withAdapter }) => {
    expect(await greedyIds(session, [{ prompt: promptIds, count: newTokens }])).toEqual([base]);
    expect(await greedyIds(session, [{ prompt: promptIds, count: newTokens, adapter: merged }])).toEqual([
      withAdapter,
    ]);
  });

  it("is theirs through the generator, chat template included, alone and in one batch", async () => {
    const tokenizer = await openTokenizer(modelFolder);
    const parts = { model: "llama-tied", session, tokenizer, contextLength: model.config.contextLength };
    const generator = createLocalGenerator(parts);
    const requests = cases.flatMap(({ prompt }): GenerationRequest[] =>
      [undefined, merged].map((adapter) => ({
        messages: [{ role: "user", content: prompt }],
        maxTokens: newTokens,
        adapter,
      })),
    );
    const wanted = cases.flatMap(({ base, merged: withAdapter }) => [base, withAdapter]);
    const inBatch = await generator.generateBatch(requests);
    expect(inBatch.map(({ tokens }) => tokens.map(({ id }) => id))).toEqual(wanted);
    for (const [i, request] of requests.entries()) {
      const alone: number[] = [];
      for await (const { id } of generator.generate(request)) alone.push(id);
      expect(alone).toEqual(wanted[i]);
    }
  });

  it("gives a row the same tokens as alone, whatever its batch-mates' adapters, prompts and ends", async () => {
    const rows = [
      { prompt: cases[0]!.promptIds, count: 9, adapter: merged },
      { prompt: [378, 286], count: 40, adapter: adapters[2] },
      { prompt: cases[1]!.promptIds.slice(0, 30), count: 1, adapter: undefined },
      { prompt: cases[2]!.promptIds, count: 25, adapter: adapters[0] },
      { prompt: [378], count: 33, adapter: undefined },
    ];
    const together = await greedyIds(session, rows);
    for (const [i, row] of rows.entries()) {
      expect(together[i]).toHaveLength(row.count);
      expect(together[i]).toEqual((await greedyIds(session, [row]))[0]);
    }
  });

  it("does not depend on the pieces in which a single row's prompt is fed", async () => {
    const prompt = cases[0]!.promptIds;
    const logitsOf = async (...cuts: number[]) => {
      const batch = await session.openBatch([merged], prompt.length);
      const ends = [...cuts, prompt.length];
      let logits: Float32Array | undefined;
      for (const [i, end] of ends.entries())
        [logits] = await batch.feed([prompt.slice(ends[i - 1] ?? 0, end)]);
      await batch.dispose();
      return logits!;
    };
    const whole = await logitsOf();
    for (const cuts of [[1], [20], [20, 21, 40], [prompt.length - 1]])
      expect(largestDifference(await logitsOf(...cuts), whole)).toBeLessThan(1e-4);
  });
});

describe("the base model", () => {
  it("is bit-identical before and after any adapter was used, and beside one in a batch", async () => {
    const file = join(modelFolder, "model.safetensors");
    const before = await sha256OfFile(file);
    const runtime = await openRuntime({ threads: 1 });
    try {
      const model = await openModel(modelFolder);
      const session = await openDecodingSession(runtime, model, { targetModules: feedForwardModules });
      const plain = await openDecodingSession(runtime, model, { targetModules: [] });
      const prompts = cases.map(({ promptIds }) => promptIds);
      const baseBits = await allBits(session, prompts);
      expect(baseBits).toEqual(await allBits(plain, prompts));
      for (const adapter of [...adapters, merged]) {
        expect(await allBits(session, prompts, adapter)).not.toEqual(baseBits);
        expect(await allBits(session, prompts)).toEqual(baseBits);
      }
      const beside = await firstBits(session, [prompts[0]!, prompts[0]!], [undefined, merged]);
      const baseTwice = await firstBits(session, [prompts[0]!, prompts[0]!], [undefined, undefined]);
      expect(beside[0]).toEqual(baseTwice[0]);
      expect(beside[1]).not.toEqual(baseTwice[1]);
    } finally {
      await runtime.dispose();
    }
    expect(await sha256OfFile(file)).toBe(before);
  });

  type MaybeAdapter = typeof merged | undefined;

  /** The bits of the logits after each prompt and after one token more. */
  async function allBits(
    session: DecodingSession,
    prompts: readonly number[][],
    adapter?: MaybeAdapter,
  ): Promise<Uint32Array[]> {
    const bits: Uint32Array[] = [];
    for (const prompt of prompts) bits.push(...(await firstBits(session, [prompt], [adapter])));
    return bits;
  }

  async function firstBits(
    session: DecodingSession,
    prompts: readonly number[][],
    rows: readonly MaybeAdapter[],
  ): Promise<Uint32Array[]> {
    const batch = await session.openBatch(rows, 128);
    const first = await batch.feed(prompts);
    const second = await batch.feed(prompts.map(() => [17]));
    await batch.dispose();
    return [...first, ...second].map((logits) => new Uint32Array(logits.slice().buffer));
  }
});
