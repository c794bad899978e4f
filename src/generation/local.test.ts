import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { feedForwardModules } from "../adapters/adapter.ts";
import { importPeft } from "../adapters/peft.ts";
import { ConfigError, InputError } from "../base/errors.ts";
import { openModel } from "../models/open-model.ts";
import { openQuantisedWeights } from "../models/quantised-weights.ts";
import { openRuntime } from "../runtime/runtime.ts";
import type { Bits } from "../weights/quantise.ts";
import { openTokenizer } from "../weights/tokenizer.ts";
import { type DecodingSession, openDecodingSession } from "./decoding-session.ts";
import { collect, describeGenerator, type GeneratorUnderTest } from "./generator.suite.ts";
import type { Generation, GenerationRequest, Generator } from "./generator.ts";
import { createLocalGenerator } from "./local.ts";
import { openScorer } from "./scorer.ts";

const fixtures = resolve(import.meta.dirname, "../../test/parity/fixtures");
const modelFolder = join(fixtures, "llama-tied");
const tokenizer = await openTokenizer(modelFolder);
const endId = tokenizer.eosTokenIds[0]!;
const vocabularySize = 384;

/** A session whose rows say what they are told, in the order in which they join, and which notes what happens to it. */
function scriptedSession(scripts: readonly (readonly number[])[]) {
  const log = { joined: 0, fed: [] as number[][][], open: 0, opened: 0 };
  const session: DecodingSession = {
    async openBatch() {
      log.open++;
      log.opened++;
      /** What each row is to say, and how much of it has been said. */
      let rows: { script: readonly number[]; said: number }[] = [];
      return {
        get size() {
          return rows.length;
        },
        async join(adapters) {
          for (const _adapter of adapters) rows.push({ script: scripts[log.joined++] ?? [], said: 0 });
        },
        async move(from, to) {
          rows[to] = rows[from]!;
        },
        truncate(size) {
          rows = rows.slice(0, size);
        },
        async feed(tokens, { from = 0 } = {}) {
          log.fed.push(tokens.map((row) => [...row]));
          return tokens.map((fed, i) => {
            const row = rows[from + i]!;
            const logits = new Float32Array(vocabularySize);
            logits[row.script[row.said] ?? endId] = 20;
            if (fed.length) row.said++;
            return logits;
          });
        },
        async dispose() {
          log.open--;
        },
      };
    },
    async dispose() {},
  };
  return { session, log };
}

function scripted(texts: readonly string[], options: { batchSize?: number; contextLength?: number } = {}) {
  const scripts = texts.map((text) => tokenizer.tokenize(text));
  const { session, log } = scriptedSession(scripts);
  const parts = { model: "scripted", session, tokenizer, contextLength: 1000, ...options };
  return { generator: createLocalGenerator(parts), scripts, log };
}

const ask = (more: Partial<GenerationRequest> = {}): GenerationRequest => ({
  messages: [{ role: "user", content: "Who?" }],
  maxTokens: 200,
  ...more,
});

describe("a local generator", () => {
  it("yields the tokens until the end token, and returns the whole", async () => {
    const { generator, scripts, log } = scripted(["The answer is Brackwater."]);
    const { tokens, generation } = await collect(generator.generate(ask({ probabilities: true })));
    expect(generation.text).toBe("The answer is Brackwater.");
    expect(generation).toMatchObject({ tokens, finishReason: "stop" });
    expect(tokens.map(({ id }) => id)).toEqual(scripts[0]);
    expect(tokens.map(({ text }) => text).join("")).toBe(generation.text);
    for (const { logProbability, entropy } of tokens) {
      expect(logProbability).toBeCloseTo(0, 5);
      expect(entropy).toBeCloseTo(0, 4);
    }
    // The prompt, then each token once.
    expect(log.fed.slice(1).map(([row]) => row)).toEqual(scripts[0]!.map((id) => [id]));
    expect(log.open).toBe(0);
  });

  it("puts the chat template and the prefix into the prompt, and not into the text", async () => {
    const { generator, log } = scripted(["Brackwater"]);
    const request = ask({ prefix: "The answer is " });
    const { generation } = await collect(generator.generate(request));
    const prompt = [...tokenizer.tokenizeChat(request.messages), ...tokenizer.tokenize("The answer is ")];
    expect(log.fed[0]).toEqual([prompt]);
    expect(generation).toMatchObject({ text: "Brackwater", promptTokens: prompt.length });
    expect(await generator.countPromptTokens(request)).toBe(prompt.length);
  });

  it("ends at maxTokens", async () => {
    const { generator, scripts } = scripted(["The answer is Brackwater."]);
    const { tokens, generation } = await collect(generator.generate(ask({ maxTokens: 3 })));
    expect(tokens).toHaveLength(3);
    expect(generation.text).toBe(tokenizer.detokenize(scripts[0]!.slice(0, 3)));
    expect(generation.finishReason).toBe("length");
  });

  it("never shows a stop string, and loses nothing before it", async () => {
    const text = "One line.\nTwo\nlines.\n\nQuestion: none";
    for (const [stop, wanted] of [
      [["\n\nQuestion:"], "One line.\nTwo\nlines."],
      [["\n"], "One line."],
      [["One"], ""],
      [["zebra", "es.\n"], "One line.\nTwo\nlin"],
      [["none at all"], text],
    ] as const) {
      const { generator } = scripted([text]);
      const { tokens, generation } = await collect(generator.generate(ask({ stop })));
      expect(generation).toMatchObject({ text: wanted, finishReason: "stop" });
      expect(tokens.map((token) => token.text).join("")).toBe(wanted);
    }
  });

  it("gives back text that was held for a stop string when maxTokens ends it", async () => {
    const { generator, scripts } = scripted(["One\nTwo"]);
    const maxTokens = scripts[0]!.indexOf(tokenizer.tokenize("\n")[0]!) + 1;
    const { generation } = await collect(generator.generate(ask({ stop: ["\n\n"], maxTokens })));
    expect(generation).toMatchObject({ text: "One\n", finishReason: "length" });
  });

  it("never shows half a character", async () => {
    const text = "∑xᵢ² 🙂🚢 東京";
    const { generator, scripts } = scripted([text]);
    const { tokens, generation } = await collect(generator.generate(ask()));
    expect(scripts[0]!.length).toBeGreaterThan([...text].length);
    expect(tokens.every((token) => !token.text.includes("\uFFFD"))).toBe(true);
    expect(generation.text).toBe(text);
  });

  it("answers many requests in order; who comes later takes the place of who has ended", async () => {
    const texts = ["One two three four.", "Two", "", "Four words are here", "Five"];
    const { generator, log } = scripted(texts, { batchSize: 3 });
    const generations = await generator.generateBatch(texts.map(() => ask()));
    expect(generations.map(({ text }) => text)).toEqual(texts);
    expect(Math.max(...log.fed.map((rows) => rows.length))).toBe(3);
    expect(log).toMatchObject({ joined: 5, opened: 1, open: 0 });
    expect(await generator.generateBatch([])).toEqual([]);
  });

  it("refuses what cannot be done, before anything is opened", async () => {
    const { generator, log } = scripted(["x"], { contextLength: 100 });
    const wrong: [Partial<GenerationRequest>, new (message: string) => Error][] = [
      [{ maxTokens: 101 }, InputError],
      [{ messages: [{ role: "user", content: "long ".repeat(100) }], maxTokens: 1 }, InputError],
      [{ messages: [] }, InputError],
      [{ maxTokens: 0 }, ConfigError],
      [{ maxTokens: 1.5 }, ConfigError],
      [{ maxTokens: 1, sampling: { temperature: -1 } }, ConfigError],
      [{ maxTokens: 1, sampling: { temperature: Number.NaN } }, ConfigError],
      [{ maxTokens: 1, sampling: { topP: 0 } }, ConfigError],
      [{ maxTokens: 1, sampling: { topK: 0.5 } }, ConfigError],
      [{ maxTokens: 1, sampling: { repetitionPenalty: 0 } }, ConfigError],
    ];
    for (const [more, error] of wrong) {
      await expect(collect(generator.generate(ask(more)))).rejects.toThrow(error);
      await expect(generator.generateBatch([ask({ maxTokens: 1 }), ask(more)])).rejects.toThrow(error);
    }
    expect(log.opened).toBe(0);
  });

  it("ends between two tokens when the signal says so, or when nobody listens any more", async () => {
    const controller = new AbortController();
    const { generator, log } = scripted(["The answer is Brackwater.", "The answer is Brackwater.", "x"]);
    const stream = generator.generate(ask(), { signal: controller.signal });
    await stream.next();
    controller.abort();
    await expect(stream.next()).rejects.toThrow(/abort/i);
    for await (const token of generator.generate(ask())) if (token) break;
    expect(log.open).toBe(0);
    await expect(generator.generateBatch([ask()], { signal: controller.signal })).rejects.toThrow(/abort/i);
    expect(log.opened).toBe(2);
  });
});

async function openGenerator(bits?: Bits): Promise<Required<GeneratorUnderTest>> {
  const runtime = await openRuntime({ threads: 1 });
  const cacheFolder = mkdtempSync(join(tmpdir(), "prag-local-"));
  const model = await openModel(modelFolder);
  const weights = bits && (await openQuantisedWeights(model, { cacheFolder, bits }));
  const session = await openDecodingSession(runtime, model, { targetModules: feedForwardModules, weights });
  const { contextLength } = model.config;
  const scorer = await openScorer(runtime, model, { tokenizer, positions: contextLength, weights });
  const parts = { model: "tiny", session, tokenizer, contextLength, batchSize: 4 };
  return {
    generator: createLocalGenerator({ ...parts, scorer: async () => scorer }),
    async dispose() {
      await scorer.dispose();
      await session.dispose();
      await runtime.dispose();
      rmSync(cacheFolder, { recursive: true });
    },
  };
}

describeGenerator("local, float32", () => openGenerator());
describeGenerator("local, 8 bits", () => openGenerator(8));

describe("with a model", () => {
  let generator: Generator;
  let dispose: () => Promise<void>;
  let adapter: GenerationRequest["adapter"];
  beforeAll(async () => {
    ({ generator, dispose } = await openGenerator());
    ({ adapter } = await importPeft(join(fixtures, "adapters/one")));
  });
  afterAll(() => dispose());

  const idsOf = ({ tokens }: Generation) => tokens.map(({ id }) => id);

  it("repeats with the seed, gives other text with another, in a batch as alone", async () => {
    const request = (seed: number, sampling = {}) =>
      ask({ maxTokens: 12, sampling: { temperature: 1, topP: 0.95, seed, ...sampling } });
    const requests = [
      request(1),
      request(2),
      request(1),
      { ...request(1), adapter },
      request(1, { topK: 3 }),
    ];
    const batch = await generator.generateBatch(requests);
    expect(idsOf(batch[0]!)).toEqual(idsOf(batch[2]!));
    expect(new Set(batch.map((generation) => idsOf(generation).join())).size).toBeGreaterThanOrEqual(4);
    for (const [i, one] of requests.entries()) {
      expect(idsOf((await collect(generator.generate(one))).generation)).toEqual(idsOf(batch[i]!));
    }
  });

  it("tells the probability of what it chose: greedy tokens are the likeliest, entropies within 0 and ln V", async () => {
    const [generation] = await generator.generateBatch([ask({ maxTokens: 20, probabilities: true })]);
    for (const { logProbability, entropy } of generation!.tokens) {
      expect(entropy).toBeGreaterThan(0);
      expect(entropy).toBeLessThan(Math.log(vocabularySize));
      // The largest of V probabilities is at least exp(-entropy).
      expect(logProbability).toBeGreaterThanOrEqual(-entropy - 1e-6);
      expect(logProbability).toBeLessThanOrEqual(0);
    }
  });

  it("tells the model's probabilities whatever the sampling: what scoring the same tokens says", async () => {
    const drawn = ask({ maxTokens: 12, probabilities: true, sampling: { temperature: 3, topK: 50 } });
    const { tokens } = (await generator.generateBatch([drawn]))[0]!;
    const scored = await generator.score({ messages: drawn.messages, text: tokens.map(({ id }) => id) });
    for (const [i, { logProbability, entropy }] of scored.entries()) {
      expect(tokens[i]!.logProbability).toBeCloseTo(logProbability, 4);
      expect(tokens[i]!.entropy).toBeCloseTo(entropy, 4);
    }
  });

  it("tells none unasked, and chooses the same tokens", async () => {
    const [generation] = await generator.generateBatch([ask({ maxTokens: 20, probabilities: true })]);
    const [unasked] = await generator.generateBatch([ask({ maxTokens: 20 })]);
    expect(unasked!.tokens.map(({ id }) => id)).toEqual(generation!.tokens.map(({ id }) => id));
    for (const token of unasked!.tokens)
      expect(token).toMatchObject({ logProbability: Number.NaN, entropy: Number.NaN });
  });

  it("refuses an adapter for modules that are not open for adapters", async () => {
    const other = {
      ...adapter!,
      modules: new Map([["layers.0.self_attn.q_proj", [...adapter!.modules.values()][0]!]]),
    };
    await expect(generator.generateBatch([ask({ adapter: other })])).rejects.toThrow(ConfigError);
  });
});
