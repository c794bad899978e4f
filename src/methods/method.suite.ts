import { describe, expect, it } from "vitest";
import type { Adapter } from "../adapters/adapter.ts";
import type { Passage } from "../corpus/corpus.ts";
import type { GeneratedToken, Generation, GenerationRequest, Generator } from "../generation/generator.ts";
import type { Hit, Retriever } from "../retrieval/retriever.ts";
import type { HistoryTurn, Method, MethodEvent } from "./method.ts";
import type { AdapterLookup } from "./prag.ts";

/** Three passages, best first. */
export const hits: Hit[] = ["Orlen Bridge", "Mira Tolk", "Quern"].map((title, i) => ({
  passage: { id: `p${i}`, documentId: `d${i}`, title, text: `About ${title}.`, position: 0 },
  score: 3 - i,
}));

/** An adapter of rank 1 with one module, told apart by its number. */
export function numbered(number: number): Adapter {
  return {
    config: { rank: 1, alpha: 1, targetModules: ["up_proj"] },
    modules: new Map([
      [
        "layers.0.mlp.up_proj",
        { down: Float32Array.of(number), up: Float32Array.of(1), inFeatures: 1, outFeatures: 1 },
      ],
    ]),
  };
}

/** The `down` numbers of a merged adapter: one per adapter that went into it. */
export function mergedNumbers(adapter: Adapter | undefined): number[] | undefined {
  return adapter && [...adapter.modules.get("layers.0.mlp.up_proj")!.down];
}

/** A token as a script writes it: its text, or that with its probability and entropy. */
export type ScriptedToken = string | { text: string; probability?: number; entropy?: number };

/** What a generator says to each request: the same to all, or by its number from 0. */
export type Script =
  | readonly ScriptedToken[]
  | ((request: GenerationRequest, n: number) => readonly ScriptedToken[]);

/** A generator that says scripted tokens, cut to `maxTokens`, and remembers what it was asked. */
export function fakeGenerator(
  script: Script = [" Mira", "", " Tolk", ". She", " was tall."],
  scorer: Partial<Pick<Generator, "score" | "attention">> = {},
): {
  generator: Generator;
  requests: GenerationRequest[];
} {
  const requests: GenerationRequest[] = [];
  const generator: Generator = {
    model: "fake",
    contextLength: 1000,
    countPromptTokens: async () => 11,
    async *generate(request, { signal } = {}): AsyncGenerator<GeneratedToken, Generation> {
      const said = typeof script === "function" ? script(request, requests.length) : script;
      requests.push(request);
      const tokens = said.slice(0, request.maxTokens).map(tokenOf);
      for (const token of tokens) {
        signal?.throwIfAborted();
        yield token;
      }
      const finishReason = said.length > request.maxTokens ? "length" : "stop";
      return { text: tokens.map(({ text }) => text).join(""), tokens, promptTokens: 11, finishReason };
    },
    generateBatch: () => Promise.reject(new Error("methods answer one question")),
    score: () => Promise.reject(new Error("not asked for")),
    attention: () => Promise.reject(new Error("not asked for")),
    ...scorer,
  };
  return { generator, requests };
}

function tokenOf(token: ScriptedToken, id: number): GeneratedToken {
  const {
    text,
    probability = Math.exp(-1),
    entropy = 1,
  } = typeof token === "string" ? { text: token } : token;
  return { id, text, logProbability: Math.log(probability), entropy };
}

/** A retriever that always finds the three passages, up to the limit, and remembers the queries. */
export function fakeRetriever(found: readonly Hit[] = hits) {
  const queries: string[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const retriever: Retriever = {
    async retrieve(query, limit, { signal } = {}) {
      queries.push(query);
      signals.push(signal);
      return found.slice(0, limit);
    },
  };
  return { retriever, queries, signals };
}

/** A lookup that has adapters for these passages, numbered by the passage's digit plus 1. */
export function fakeAdapters(having: readonly string[]): AdapterLookup & { loaded: string[][] } {
  const loaded: string[][] = [];
  const has = (id: string) => having.includes(id);
  return {
    loaded,
    keyOf: (id) => (has(id) ? `key of ${id}` : undefined),
    async load(passages: readonly Passage[]) {
      loaded.push(passages.map(({ id }) => id));
      return passages.map(({ id }) => (has(id) ? numbered(Number(id.slice(1)) + 1) : undefined));
    },
  };
}

/** A clock that goes on by 5 ms at every look. */
export function tickingClock(): () => number {
  let now = 100;
  return () => (now += 5);
}

/** All events of an answer. */
export async function eventsOf(answer: ReturnType<Method["answer"]>): Promise<MethodEvent[]> {
  const events: MethodEvent[] = [];
  for await (const event of answer) events.push(event);
  return events;
}

/** Parts that every method can be made from. */
export interface SuiteParts {
  generator: Generator;
  retriever: Retriever;
  clock: () => number;
}

/** The laws of every method, whatever it does in between. `rounds`: retrievals for the suite's plain script, where that is fixed. */
export function describeMethodLaws(
  name: string,
  create: (parts: SuiteParts) => Method,
  { rounds }: { rounds?: number } = {},
): void {
  const question = "Who built the Orlen Bridge";
  const made = (script?: Script) => {
    const { generator, requests } = fakeGenerator(script, { attention: evenAttention });
    const { retriever, queries, signals } = fakeRetriever();
    return { method: create({ generator, retriever, clock: tickingClock() }), requests, queries, signals };
  };
  const endOf = (events: readonly MethodEvent[]) => {
    const end = events.at(-1);
    if (end?.type !== "end") throw new Error("the last event is not the end");
    return end;
  };

  describe(`the law of methods: ${name}`, () => {
    it("ends with `end`, once; the deltas are its text; each passage was retrieved before it is used", async () => {
      const events = await eventsOf(made().method.answer(question));
      const end = endOf(events);
      expect(events.filter(({ type }) => type === "end")).toHaveLength(1);
      const text = events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
      expect(end.text).toBe(text);
      expect(text.trim()).not.toBe("");
      const retrieved = new Set<string>();
      for (const event of events) {
        if (event.type === "retrieval") for (const hit of event.hits) retrieved.add(hit.passage.id);
        if (event.type === "adapter") expect(retrieved).toContain(event.passageId);
      }
    });

    it("counts rounds, tokens and time", async () => {
      const { method, requests } = made();
      const events = await eventsOf(method.answer(question));
      const { timings, usage, rounds: counted } = endOf(events);
      const retrievals = events.flatMap((event) => (event.type === "retrieval" ? [event.round] : []));
      expect(retrievals).toEqual(retrievals.map((_, i) => i + 1));
      expect(counted).toBe(retrievals.length);
      if (rounds !== undefined) expect(counted).toBe(rounds);
      const generatedTokens = requests.reduce((sum, { maxTokens }) => sum + Math.min(5, maxTokens), 0);
      expect(usage).toEqual({ promptTokens: 11 * requests.length, generatedTokens });
      const { totalMs, firstTokenMs, retrievalMs, loadMs, mergeMs } = timings;
      for (const time of [retrievalMs, loadMs, mergeMs]) expect(time).toBeGreaterThanOrEqual(0);
      expect(totalMs).toBeGreaterThan(retrievalMs + loadMs + mergeMs);
      expect(firstTokenMs).toBeLessThanOrEqual(totalMs);
      expect(retrievalMs > 0).toBe(counted > 0);
    });

    it("hands its signal to every retrieval", async () => {
      const { method, queries, signals } = made();
      const { signal } = new AbortController();
      await eventsOf(method.answer(question, { signal }));
      expect(signals).toEqual(queries.map(() => signal));
    });

    it("hands sampling, history and tokens to the generator, and never says more tokens than asked for", async () => {
      const { method, requests, queries } = made();
      const sampling = { temperature: 0.5, seed: 3 };
      const history: HistoryTurn[] = [
        { role: "user", content: "Who was Mira Tolk?" },
        { role: "assistant", content: "A builder." },
      ];
      const events = await eventsOf(
        method.answer("And what did she build?", { sampling, history, maxTokens: 3 }),
      );
      for (const request of requests) {
        expect(request.sampling).toEqual(sampling);
        expect(request.messages.slice(0, 2)).toEqual(history);
        expect(request.messages).toHaveLength(3);
      }
      if (rounds) expect(queries[0]).toBe("Who was Mira Tolk? And what did she build?");
      const whole = " Mira Tolk. She was tall.";
      expect(endOf(events).text.length).toBeLessThanOrEqual(whole.length);
    });

    it("hands stop strings to the generator with what becomes the answer", async () => {
      const { method, requests } = made();
      await eventsOf(method.answer(question, { stop: ["Stop!"] }));
      expect(requests.at(-1)?.stop).toContain("Stop!");
    });

    it("ends with a generator that says nothing, or an empty token for ever", async () => {
      expect(endOf(await eventsOf(made([]).method.answer(question))).text).toBe("");
      const blank = new Array<string>(100).fill("");
      const events = await eventsOf(made(blank).method.answer(question, { maxTokens: 40 }));
      expect(endOf(events).text).toBe("");
    });

    it("stops when the signal says so, without an end", async () => {
      const { method } = made();
      const stop = new AbortController();
      stop.abort();
      const seen: string[] = [];
      const answering = (async () => {
        for await (const event of method.answer(question, { signal: stop.signal })) seen.push(event.type);
      })();
      await expect(answering).rejects.toThrow(/abort/i);
      expect(seen).not.toContain("end");
      expect(seen).not.toContain("text-delta");
    });
  });
}

/** Every token of a text attends to all up to itself alike; a token is a word with the space before it, or one of the ids. */
export const evenAttention: Generator["attention"] = async ({ text }) => {
  const texts = typeof text === "string" ? (text.match(/\s*\S+/g) ?? []) : text.map(() => " x");
  const T = texts.length;
  const weights = Float32Array.from({ length: T * T }, (_, i) =>
    i % T <= i / T ? 1 / (1 + Math.floor(i / T)) : 0,
  );
  return { tokens: texts.map((one, id) => ({ id, text: one })), offset: 0, heads: 1, weights };
};
