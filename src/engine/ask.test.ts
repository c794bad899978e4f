import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, InputError, NotFoundError } from "../base/errors.ts";
import { sha256OfFile } from "../base/hash.ts";
import { type MethodEvent, methodNames, type PassageUse } from "../methods/method.ts";
import { ask, streamAnswer } from "./ask.ts";
import { createMethod, describeMethod, type MethodOptions } from "./create-method.ts";
import { encode } from "./encode.ts";
import { tinyModel, tinySettings, withEngine, withTempFolder, writeArticles } from "./engine.suite.ts";
import { ingest } from "./ingest.ts";
import { type OpenEngine, openEngine } from "./open-engine.ts";

const question = "Who built the Orlen2 Bridge?";

/** It decides by itself whether it retrieves. */
function isIterative(method: string): boolean {
  return ["flare", "flare-token", "dragin"].includes(method);
}

async function collect(events: AsyncIterable<MethodEvent>): Promise<MethodEvent[]> {
  const all: MethodEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** Passage ids with the keys of the adapters that were used for them. */
async function usedKeys({ parts }: OpenEngine, options: MethodOptions): Promise<Map<string, string>> {
  const method = await createMethod(parts, "prag", options);
  const events = await collect(method.answer("Which bridge was built by whom?", { limit: 5, maxTokens: 1 }));
  return new Map(
    events.flatMap((event) => (event.type === "adapter" && event.key ? [[event.passageId, event.key]] : [])),
  );
}

describe("ask, everything encoded", () => {
  let folder: string;
  let engine: OpenEngine;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "prag-ask-"));
    await writeArticles(folder, 5);
    engine = await openEngine(tinySettings(folder));
    await ingest(engine.parts, ["docs"], { base: folder });
    await encode(engine.parts);
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(methodNames)("%s answers, with sources, usage and the text as it comes", async (method) => {
    let text = "";
    const answer = await ask(engine.parts, question, {
      method,
      ...(method === "da-rag" && { methodOptions: { rewrites: 0, pairs: 0 } }),
      onText: (piece) => {
        text += piece;
      },
    });
    expect(answer.usage.promptTokens).toBeGreaterThan(10);
    const retrievesNothing = method === "closed-book" || method === "full-context";
    const writesFirst = method === "hyde" || method === "decompose"; // what it retrieves by counts too
    if (!isIterative(method) && !writesFirst) expect(answer.usage.generatedTokens).toBeLessThanOrEqual(8);
    expect(text).not.toBe("");
    const roles: Partial<Record<typeof method, PassageUse>> = { prag: "adapter", combine: "both" };
    const wanted = roles[method] ?? "context";
    if (!isIterative(method)) expect(answer.sources).toHaveLength(retrievesNothing ? 0 : 3);
    for (const { usedAs, adapter } of answer.sources) {
      expect(usedAs).toBe(wanted);
      expect(adapter !== null).toBe(method === "prag" || method === "combine");
    }
  });

  it("tells how it came to the answer, and in which rounds a passage was found", async () => {
    const options = {
      method: "flare",
      maxTokens: 6,
      limit: 1,
      methodOptions: { theta: 0, beta: 0, maxRounds: 3 },
    };
    const { trace, sources } = await ask(engine.parts, question, options);
    const rounds = trace.flatMap((step) => (step.step === "retrieval" ? [step.round] : []));
    expect(rounds).toEqual(rounds.map((_, i) => i + 1));
    // What a random model says may find nothing later.
    expect(sources[0]!.rounds[0]).toBe(1);
    expect(rounds).toEqual(expect.arrayContaining(sources.flatMap((source) => source.rounds)));
    expect(trace.filter(({ step }) => step === "decision").length).toBeGreaterThan(0);
  });

  it("describes what it would do, for the record: settings, prompts, numbers, departures", async () => {
    const flare = await describeMethod(engine.parts, "flare", { methodOptions: { theta: 0.6 } });
    expect(flare).toMatchObject({
      name: "flare",
      compat: "none",
      cot: false,
      shots: 0,
      maxTokens: 8,
      options: { theta: 0.6, beta: 0.4, lookAheadTokens: 64, maxRounds: 10 },
    });
    expect(flare.notes.length).toBeGreaterThan(0);
    const reasoning = await describeMethod(engine.parts, "flare", { cot: true, shots: 1 });
    expect(reasoning).toMatchObject({ cot: true, shots: 1 });
    expect(reasoning.prompts).not.toBe(flare.prompts);
    const dragin = await describeMethod(engine.parts, "dragin", {
      methodOptions: { preset: "llama2-7b-chat/hotpotqa", threshold: 0.5 },
    });
    expect(dragin.options).toMatchObject({ threshold: 0.5, keepWords: 35, formula: "code" });
    await expect(
      describeMethod(engine.parts, "dragin", { methodOptions: { preset: "gpt" } }),
    ).rejects.toThrow(/there are llama2-13b-chat\/2wikimultihopqa/);
  });

  it("every method reasons, with examples, or says that the prompt does not fit", async () => {
    for (const method of ["closed-book", "flare-token", "dragin"]) {
      const options = { method, cot: true, shots: 1, maxTokens: 12, limit: 1 };
      const answer = await ask(engine.parts, "Who?", options).catch((error: unknown) => error);
      if (answer instanceof Error) expect(answer).toBeInstanceOf(InputError);
      else expect(answer).toMatchObject({ usage: { promptTokens: expect.any(Number) } });
    }
    const tooMany = ask(engine.parts, question, { method: "standard-rag", cot: true, shots: 8 });
    await expect(tooMany).rejects.toThrow(InputError);
  });

  it("da-rag shows the augmentations that were made; other numbers than it knows are refused", async () => {
    const counts = async (methodOptions: Record<string, unknown>) => {
      const events = await collect(
        streamAnswer(engine.parts, question, { method: "da-rag", limit: 1, maxTokens: 1, methodOptions }),
      );
      return events.flatMap((event) => (event.type === "decision" ? [event.numbers] : []));
    };
    expect(await counts({ pairs: 1 })).toMatchObject([{ pairs: 1 }]);
    expect(await counts({ rewrites: 0, pairs: 0 })).toEqual([{ rewrites: 0, pairs: 0 }]);
    await expect(counts({ piars: 1 })).rejects.toThrow(/options of method "da-rag".*piars/);
    await expect(counts({ pairs: -1 })).rejects.toThrow(ConfigError);
  });

  it("takes limit and tokens from the settings, or from the call", async () => {
    const ofSettings = await collect(streamAnswer(engine.parts, question));
    expect(ofSettings[0]).toMatchObject({ type: "retrieval", hits: { length: 3 } });
    const given = await collect(streamAnswer(engine.parts, question, { limit: 2, maxTokens: 4 }));
    expect(given[0]).toMatchObject({ hits: { length: 2 } });
    expect(given.at(-1)).toMatchObject({ usage: { generatedTokens: 4 } });
  });

  it("leaves the base model bit-identical: file, numbers of every token, and text", async () => {
    const file = join(tinyModel(), "model.safetensors");
    const before = await sha256OfFile(file);
    const base = async () => {
      const generator = await engine.parts.generator();
      const request = { messages: [{ role: "user" as const, content: question }], maxTokens: 12 };
      return [
        await generator.generateBatch([request, request]),
        await collectTokens(generator.generate(request)),
      ];
    };
    const wanted = await base();
    for (const method of ["prag", "combine", "standard-rag"]) {
      await ask(engine.parts, question, { method });
      expect(await base()).toEqual(wanted);
    }
    expect(await sha256OfFile(file)).toBe(before);
  });

  it("shuffleAdapters gives every passage the adapter of another one, each to one, by the seed", async () => {
    const own = await usedKeys(engine, {});
    expect(own.size).toBe(5);
    const rotations = new Set<string>();
    for (let seed = 0; seed < 12; seed++) {
      const shuffled = await usedKeys(engine, { shuffleAdapters: seed });
      for (const [passage, key] of shuffled) expect(key).not.toBe(own.get(passage));
      expect(new Set(shuffled.values())).toEqual(new Set(own.values()));
      expect(await usedKeys(engine, { shuffleAdapters: seed })).toEqual(shuffled);
      rotations.add([...shuffled.values()].join());
    }
    expect(rotations.size).toBeGreaterThan(1);
  });

  it("refuses an unknown method and an empty question, and says what there is", async () => {
    await expect(ask(engine.parts, question, { method: "magic" })).rejects.toThrow(ConfigError);
    await expect(ask(engine.parts, question, { method: "magic" })).rejects.toThrow(/closed-book.*combine/);
    await expect(ask(engine.parts, "  ")).rejects.toThrow(InputError);
  });
});

async function collectTokens<T>(tokens: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const token of tokens) all.push(token);
  return all;
}

describe("ask, without adapters", () => {
  const withCorpus = (task: (engine: OpenEngine) => Promise<void>, articles = 5) =>
    withTempFolder(
      (folder) =>
        withEngine(tinySettings(folder), async (engine) => {
          await ingest(engine.parts, ["docs"], { base: folder });
          await task(engine);
        }),
      { articles },
    );
  const usesOf = async ({ parts }: OpenEngine, options: MethodOptions) =>
    (await ask(parts, question, options)).sources.map(({ usedAs }) => usedAs);

  it("onMissing: context is the default, skip leaves out, encode trains first, and once", () =>
    withCorpus(async (engine) => {
      expect(await usesOf(engine, {})).toEqual(["context", "context", "context"]);
      expect(await usesOf(engine, { onMissing: "skip" })).toEqual(["skipped", "skipped", "skipped"]);
      expect(await usesOf(engine, { onMissing: "encode" })).toEqual(["adapter", "adapter", "adapter"]);
      const stored = await (await engine.parts.store()).list();
      expect(stored).toHaveLength(3);
      expect(await usesOf(engine, { onMissing: "encode" })).toEqual(["adapter", "adapter", "adapter"]);
      expect(await (await engine.parts.store()).list()).toEqual(stored);
    }));

  it("encode with shuffled adapters trains the others' adapters, which are the ones used", () =>
    withCorpus(async (engine) => {
      const options = { onMissing: "encode", shuffleAdapters: 1 } as const;
      const { sources } = await ask(engine.parts, question, options);
      expect(sources.map(({ usedAs }) => usedAs)).toEqual(["adapter", "adapter", "adapter"]);
      const encoding = await engine.parts.encoding();
      for (const { passage, adapter } of sources) expect(adapter).not.toBe(encoding.keyOf(passage));
    }));

  it("a single passage has no other's adapter", () =>
    withCorpus(async (engine) => {
      const asking = ask(engine.parts, question, { shuffleAdapters: 1 });
      await expect(asking).rejects.toThrow(ConfigError);
      await expect(asking).rejects.toThrow(/ingest more/);
    }, 1));

  it("without a corpus, says what to do", () =>
    withTempFolder((folder) =>
      withEngine(tinySettings(folder), async ({ parts }) => {
        await expect(ask(parts, question)).rejects.toThrow(NotFoundError);
        await expect(ask(parts, question)).rejects.toThrow(/ingest/);
      }),
    ));
});
