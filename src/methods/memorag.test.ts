import { describe, expect, it } from "vitest";
import type { Passage } from "../corpus/corpus.ts";
import type { Generation, GenerationRequest, Generator } from "../generation/generator.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { type MemoragOptions, type MemoragParts, memorag, memoragOptions, summarise } from "./memorag.ts";
import type { HistoryTurn, MethodEvent } from "./method.ts";
import { linesOf } from "./recollection.ts";

const passages: Passage[] = ["alpha", "beta", "gamma", "delta"].map((word, position) => ({
  id: word,
  documentId: "d",
  title: "Text",
  text: `This is ${word}.`,
  position,
}));

/** Finds passages whose word stands in the query, the last one first. */
const retriever: Retriever = {
  retrieve: async (query, limit) =>
    passages
      .filter(({ id }) => query.includes(id))
      .reverse()
      .slice(0, limit)
      .map((passage) => ({ passage, score: 1 })),
};

/** Says what the prompt's instruction maps to, and notes its requests. */
function scripted(answers: Record<string, string>) {
  const requests: GenerationRequest[] = [];
  const answer = (request: GenerationRequest): Generation => {
    requests.push(request);
    const content = request.messages.at(-1)!.content;
    const text = Object.entries(answers).find(([part]) => content.includes(part))?.[1] ?? " nothing.";
    const token = { id: 1, text, logProbability: 0, entropy: 0 };
    return { text, tokens: [token], promptTokens: content.length, finishReason: "stop" };
  };
  const generator: Generator = {
    model: "scripted",
    contextLength: 1000,
    countPromptTokens: async () => 1,
    async *generate(request) {
      const generation = answer(request);
      yield* generation.tokens;
      return generation;
    },
    generateBatch: async (all) => all.map(answer),
    score: () => Promise.reject(new Error("internal: not used")),
    attention: () => Promise.reject(new Error("internal: not used")),
  };
  return { generator, requests };
}

/** One generator recalls and answers, over notes. */
function partsWith(generator: Generator, options: Partial<MemoragOptions> = {}): MemoragParts {
  return {
    generator,
    recaller: generator,
    recollection: { notes: "All about words." },
    retriever,
    clock: () => 0,
    options: memoragOptions.parse(options),
  };
}

async function run(answers: Record<string, string>, options: Partial<MemoragOptions> = {}) {
  const { generator, requests } = scripted(answers);
  const method = memorag(partsWith(generator, options));
  const events: MethodEvent[] = [];
  for await (const event of method.answer("Is it alpha?")) events.push(event);
  return { events, requests };
}

const script = {
  "lines of text": "- a line that has gamma\n1. too short\na line that has gamma\n2) another line with delta",
  "short questions": "What is there about beta?",
  "Passage 1:": " beta.",
};

describe("memorag", () => {
  it("searches by every line worth it and by the question, and reads the union in the order of the text", async () => {
    const { events, requests } = await run(script);
    const queries = events.flatMap((event) => (event.type === "retrieval" ? [event.query] : []));
    expect(queries).toEqual([
      "a line that has gamma",
      "another line with delta",
      "What is there about beta?",
      "Is it alpha?",
    ]);
    const used = events.flatMap((event) => (event.type === "adapter" ? [event.passageId] : []));
    expect(used).toEqual(["alpha", "beta", "gamma", "delta"]);
    const last = requests.at(-1)!.messages[0]!.content;
    expect([...last.matchAll(/This is (\w+)/g)].map(([, word]) => word)).toEqual(used);
    const promptTokens = requests.reduce((sum, { messages }) => sum + messages[0]!.content.length, 0);
    const usage = { promptTokens, generatedTokens: 3 }; // of what was recalled, too
    expect(events.at(-1)).toMatchObject({ type: "end", answer: "beta", rounds: 4, usage });
    for (const { messages } of requests.slice(0, 2))
      expect(messages[0]!.content).toContain("All about words.");
  });

  it("recalls and searches by the conversation where the question goes on from it", async () => {
    const { generator } = scripted(script);
    const history: HistoryTurn[] = [
      { role: "user", content: "What is gamma?" },
      { role: "assistant", content: "A letter." },
    ];
    const queries: string[] = [];
    for await (const event of memorag(partsWith(generator)).answer("And alpha?", { history }))
      if (event.type === "retrieval") queries.push(event.query);
    expect(queries.at(-1)).toMatch(/gamma.*alpha/s);
  });

  it("finds as many passages by each query as the limit says, or as its own number does", async () => {
    const found = async (options: Partial<MemoragOptions>, limit: number) => {
      const { generator } = scripted({ "lines of text": "alpha and beta and gamma and delta" });
      const hits: number[] = [];
      for await (const event of memorag(partsWith(generator, options)).answer("Which?", { limit }))
        if (event.type === "retrieval") hits.push(event.hits.length);
      return hits;
    };
    expect(await found({}, 2)).toEqual([2, 0]);
    expect(await found({}, 4)).toEqual([4, 0]);
    expect(await found({ hits: 1 }, 4)).toEqual([1, 0]);
  });

  it("answers where nothing is recalled, from what the question finds", async () => {
    const { events } = await run({});
    expect(events.filter((event) => event.type === "retrieval")).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: "end", text: " nothing." });
  });

  it("reads the best of every query in turn where not all fits, the question's own first", async () => {
    const { generator, requests } = scripted(script);
    const small = {
      ...generator,
      contextLength: 60,
      countPromptTokens: async ({ messages }: GenerationRequest) =>
        10 * [...messages[0]!.content.matchAll(/This is/g)].length,
    };
    const parts = { ...partsWith(generator), generator: small };
    const events: MethodEvent[] = [];
    for await (const event of memorag(parts).answer("Is it alpha?", { maxTokens: 40 })) events.push(event);
    const uses = events.flatMap((event) =>
      event.type === "adapter" ? [[event.passageId, event.usedAs]] : [],
    );
    expect(uses).toEqual([
      ["alpha", "context"],
      ["beta", "context"],
      ["delta", "skipped"],
      ["gamma", "skipped"],
    ]);
    expect(requests.at(-1)!.messages[0]!.content).not.toContain("delta");
  });

  it("searches by a draft and shows it, if one is wanted", async () => {
    const { events, requests } = await run({ ...script, "Notes\nAll": " delta." }, { draft: true });
    expect(events).toContainEqual(expect.objectContaining({ type: "retrieval", query: "delta" }));
    expect(requests.at(-1)!.messages[0]!.content).toContain("The answer might be delta.");
  });

  it("summarises from the passages that the key points find", async () => {
    const { generator } = scripted({
      "key points": "the one with beta\nshort",
      Summarise: "It is about beta.",
    });
    const events: MethodEvent[] = [];
    for await (const event of summarise(partsWith(generator))) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: "end", answer: "It is about beta.", rounds: 1 });
  });

  it("refuses to summarise where nothing is recalled, in place of making something up", async () => {
    const { generator, requests } = scripted({ "key points": "short" });
    await expect(summarise(partsWith(generator)).next()).rejects.toThrow(/recalls no key point/);
    expect(requests).toHaveLength(1);
  });

  it("takes lines of four words and more, without bullets, each once", () => {
    expect(linesOf("• one two three four\n10. one two three four\none two three\n\n")).toEqual([
      "one two three four",
    ]);
  });
});
