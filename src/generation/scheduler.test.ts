import { getEventListeners } from "node:events";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Adapter, feedForwardModules } from "../adapters/adapter.ts";
import { merge } from "../adapters/merge.ts";
import { importPeft } from "../adapters/peft.ts";
import { ConfigError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { openModel } from "../models/open-model.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { openTokenizer } from "../weights/tokenizer.ts";
import { type DecodingSession, openDecodingSession } from "./decoding-session.ts";
import { collect } from "./generator.suite.ts";
import type { GenerationRequest } from "./generator.ts";
import { createLocalGenerator } from "./local.ts";
import { createScheduler } from "./scheduler.ts";

const fixtures = resolve(import.meta.dirname, "../../test/parity/fixtures");
const modelFolder = join(fixtures, "llama-tied");
const tokenizer = await openTokenizer(modelFolder);

let runtime: Runtime;
let session: DecodingSession;
let adapters: (Adapter | undefined)[];
/** Batches that are open, and the most rows that one had. */
const log = { open: 0, rows: 0 };

beforeAll(async () => {
  runtime = await openRuntime({ threads: 1 });
  const model = await openModel(modelFolder);
  session = watched(await openDecodingSession(runtime, model, { targetModules: feedForwardModules }));
  const { adapter } = await importPeft(join(fixtures, "adapters/one"));
  const negated = merge([adapter], { scale: -1 });
  adapters = [undefined, adapter, merge([adapter, adapter]), negated, merge([adapter, adapter, adapter])];
});
afterAll(async () => {
  await session.dispose();
  await runtime.dispose();
});

function watched(inner: DecodingSession): DecodingSession {
  return {
    async openBatch(...given) {
      const batch = await inner.openBatch(...given);
      log.open++;
      return {
        get size() {
          log.rows = Math.max(log.rows, batch.size);
          return batch.size;
        },
        join: async (...rows) => {
          await batch.join(...rows);
          log.rows = Math.max(log.rows, batch.size);
        },
        move: (...rows) => batch.move(...rows),
        truncate: (size) => batch.truncate(size),
        feed: (...tokens) => batch.feed(...tokens),
        dispose: async () => {
          log.open--;
          await batch.dispose();
        },
      };
    },
    dispose: () => inner.dispose(),
  };
}

const words = ["river", "tower", "bridge", "who", "built", "the", "glass", "seven", "harbour", "lamp"];

/** A request unlike the others: prompt, length, adapter and sampling. */
function requestOf(i: number): GenerationRequest {
  const random = new Random(`request/${i}`);
  const count = 1 + random.int(i % 4 === 0 ? 60 : 12);
  const content = Array.from({ length: count }, () => words[random.int(words.length)]!).join(" ");
  return {
    messages: [{ role: "user", content }],
    adapter: adapters[i % adapters.length],
    maxTokens: 2 + random.int(14),
    sampling: i % 3 === 0 ? { temperature: 1, seed: i } : undefined,
  };
}

const generatorOf = (batchSize: number) =>
  createLocalGenerator({ model: "tiny", session, tokenizer, contextLength: 256, batchSize });

describe("a scheduler", () => {
  it("answers as alone whoever joins and leaves meanwhile; adapters do not mix", async () => {
    const requests = Array.from({ length: 24 }, (_, i) => requestOf(i));
    const alone = generatorOf(1);
    const wanted: string[] = [];
    for (const request of requests) wanted.push((await collect(alone.generate(request))).generation.text);
    log.rows = 0;
    const shared = generatorOf(5);
    const started: Promise<string>[] = [];
    for (const request of requests) {
      started.push(collect(shared.generate(request)).then(({ generation }) => generation.text));
      if (started.length % 4 === 0) await started[started.length - 3]; // joins are spread over the steps
    }
    expect(await Promise.all(started)).toEqual(wanted);
    expect(new Set(wanted).size).toBeGreaterThan(12);
    expect(log).toEqual({ open: 0, rows: 5 });
  });

  it("frees the place of who goes, and the others do not notice", async () => {
    const generator = generatorOf(3);
    const requests = Array.from({ length: 9 }, (_, i) => ({ ...requestOf(i), maxTokens: 16 }));
    const wanted = await generator.generateBatch(requests);
    const outcomes = requests.map(async (request, i) => {
      const stop = new AbortController();
      const stream = generator.generate(request, { signal: stop.signal });
      if (i % 3 === 1) {
        await stream.next();
        stop.abort();
        await expect(stream.next()).rejects.toThrow(/abort/i);
        return undefined;
      }
      if (i % 3 === 2) {
        for await (const _token of stream) break;
        return undefined;
      }
      return (await collect(stream)).generation.text;
    });
    const texts = await Promise.all(outcomes);
    expect(texts).toEqual(wanted.map(({ text }, i) => (i % 3 === 0 ? text : undefined)));
    expect(log.open).toBe(0);
  });

  it("reads long prompts in pieces between the steps of the others, with the same outcome", async () => {
    const requests = Array.from({ length: 8 }, (_, i) => ({ ...requestOf(4 * i), sampling: undefined }));
    const wanted = await generatorOf(8).generateBatch(requests);
    const scheduler = createScheduler({
      session,
      ends: tokenizer.eosTokenIds,
      maxRows: 4,
      promptTokens: 16,
    });
    const ids = requests.map(async (request, i) => {
      const prompt = tokenizer.tokenizeChat(request.messages, { addGenerationPrompt: true });
      expect(i > 0 || prompt.length > 32).toBe(true);
      // Greedy, from the logits alone.
      const chosen: number[] = [];
      let last = 0;
      const row = {
        prompt,
        request,
        get lastId() {
          return last;
        },
        get finished() {
          return chosen.length === 3;
        },
        advance(logits: Float32Array) {
          last = logits.indexOf(Math.max(...logits));
          chosen.push(last);
          return [];
        },
      };
      for await (const _tokens of scheduler.run(row));
      return chosen;
    });
    const greedy = await Promise.all(ids);
    const long = [...wanted.entries()].filter(([, { tokens }]) => tokens.length > 3);
    expect(long.length).toBeGreaterThanOrEqual(4);
    for (const [i, { tokens }] of long) expect(tokens.slice(0, 3).map(({ id }) => id)).toEqual(greedy[i]);
  });

  it("lets many wait on one signal without a warning of a leak, and leaves none there", async () => {
    const warnings: string[] = [];
    const listen = (warning: Error) => warnings.push(warning.name);
    process.on("warning", listen);
    const { signal } = new AbortController();
    const generator = createLocalGenerator({ model: "tiny", session, tokenizer, contextLength: 128 });
    const request = (i: number) => ({ messages: [{ role: "user" as const, content: `${i}` }], maxTokens: 2 });
    await generator.generateBatch(
      Array.from({ length: 14 }, (_, i) => request(i)),
      { signal },
    );
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", listen);
    expect(warnings).toEqual([]);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("refuses one request's adapter and answers the others", async () => {
    const generator = generatorOf(4);
    const foreign = {
      ...adapters[1]!,
      modules: new Map([["layers.0.self_attn.q_proj", [...adapters[1]!.modules.values()][0]!]]),
    };
    const good = collect(generator.generate(requestOf(1)));
    const bad = collect(generator.generate({ ...requestOf(2), adapter: foreign }));
    await expect(bad).rejects.toThrow(ConfigError);
    expect((await good).generation.text).not.toBe("");
    expect(log.open).toBe(0);
  });

  it("ends a whole batch before it tells that one of it failed", async () => {
    const foreign = {
      ...adapters[1]!,
      modules: new Map([["layers.0.self_attn.q_proj", [...adapters[1]!.modules.values()][0]!]]),
    };
    const requests = [1, 2, 4].map((i) => ({ ...requestOf(i), maxTokens: 60, sampling: undefined }));
    const batch = generatorOf(4).generateBatch([...requests, { ...requestOf(3), adapter: foreign }]);
    await expect(batch).rejects.toThrow(ConfigError);
    expect(log.open).toBe(0);
  });

  it("fails one row whose scores are no numbers, and answers the others", async () => {
    const ruined = structuredClone(adapters[1]!);
    for (const { up } of ruined.modules.values()) up.fill(Number.NaN);
    const requests = [1, 5, 9].map((i) => ({ ...requestOf(i), adapter: undefined }));
    const wanted = await generatorOf(4).generateBatch(requests);
    const generator = generatorOf(4);
    const bad = [0, 1].map((temperature) => ({
      ...requestOf(2),
      adapter: ruined,
      sampling: { temperature, seed: 1 },
    }));
    const outcomes = await Promise.allSettled(
      [...requests, ...bad].map((request) => collect(generator.generate(request))),
    );
    for (const [i, outcome] of outcomes.entries()) {
      if (i < 3) expect(outcome).toMatchObject({ value: { generation: { text: wanted[i]!.text } } });
      else expect(outcome).toMatchObject({ reason: { code: "config" } });
    }
    expect(log.open).toBe(0);
  });

  it("tells everybody when the session fails, and works again afterwards", async () => {
    let isBroken = true;
    const fragile: DecodingSession = {
      ...session,
      async openBatch(...given) {
        const batch = await session.openBatch(...given);
        return {
          get size() {
            return batch.size;
          },
          join: (...rows) => batch.join(...rows),
          move: (...rows) => batch.move(...rows),
          truncate: (size) => batch.truncate(size),
          async feed(...tokens) {
            if (isBroken) throw new Error("internal: no more memory");
            return batch.feed(...tokens);
          },
          dispose: () => batch.dispose(),
        };
      },
    };
    const generator = createLocalGenerator({
      model: "tiny",
      session: fragile,
      tokenizer,
      contextLength: 256,
      batchSize: 2,
    });
    const all = [1, 2, 3].map((i) => collect(generator.generate(requestOf(i))));
    for (const one of await Promise.allSettled(all)) expect(one.status).toBe("rejected");
    isBroken = false;
    expect((await collect(generator.generate(requestOf(1)))).generation.text).not.toBe("");
    expect(log.open).toBe(0);
  });
});
