import type { Adapter } from "../adapters/adapter.ts";
import type { Passage } from "../corpus/corpus.ts";
import type { GeneratedToken, Generation, GenerationRequest, Generator } from "../generation/generator.ts";
import type { Hit, Retriever } from "../retrieval/retriever.ts";
import type { Method, MethodEvent } from "./method.ts";
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

/** A generator that says fixed tokens and remembers what it was asked. */
export function fakeGenerator(texts: readonly string[] = [" Mira", "", " Tolk", ". She", " was tall."]): {
  generator: Generator;
  requests: GenerationRequest[];
} {
  const requests: GenerationRequest[] = [];
  const generator: Generator = {
    model: "fake",
    contextLength: 1000,
    countPromptTokens: async () => 11,
    async *generate(request, { signal } = {}): AsyncGenerator<GeneratedToken, Generation> {
      requests.push(request);
      const tokens = texts.map((text, id) => ({ id, text, logProbability: -1, entropy: 1 }));
      for (const token of tokens) {
        signal?.throwIfAborted();
        yield token;
      }
      return { text: texts.join(""), tokens, promptTokens: 11, finishReason: "stop" };
    },
    generateBatch: () => Promise.reject(new Error("methods answer one question")),
  };
  return { generator, requests };
}

/** A retriever that always finds the three passages, up to the limit, and remembers the queries. */
export function fakeRetriever(found: readonly Hit[] = hits): { retriever: Retriever; queries: string[] } {
  const queries: string[] = [];
  const retriever: Retriever = {
    async retrieve(query, limit) {
      queries.push(query);
      return found.slice(0, limit);
    },
  };
  return { retriever, queries };
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
