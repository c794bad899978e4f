import { describe, expect, it } from "vitest";
import { answerMessages } from "../prompts/answer.ts";
import { createAnswerPrompts } from "../prompts/reasoning.ts";
import { directPrompts } from "../prompts/reference.ts";
import { retrievalQuery } from "./answering.ts";
import { closedBook } from "./closed-book.ts";
import { daRag } from "./da-rag.ts";
import {
  describeMethodLaws,
  eventsOf,
  fakeAdapters,
  fakeGenerator,
  fakeRetriever,
  hits,
  mergedNumbers,
  tickingClock,
} from "./method.suite.ts";
import type { HistoryTurn, Method } from "./method.ts";
import { combine, type PragParts, prag } from "./prag.ts";
import { standardRag } from "./standard-rag.ts";

const all = ["p0", "p1", "p2"];
const question = "Who built the Orlen Bridge";
const passages = hits.map((hit) => hit.passage);

/** The methods that retrieve once, or not at all. */
const singleRound = ["closed-book", "standard-rag", "da-rag", "prag", "combine"] as const;
type SingleRound = (typeof singleRound)[number];

/** A method on fakes, with what the fakes saw. */
function create(name: SingleRound, settings: Partial<PragParts> & { having?: readonly string[] } = {}) {
  const { generator, requests } = fakeGenerator();
  const { retriever, queries } = fakeRetriever();
  const adapters = fakeAdapters(settings.having ?? all);
  const parts: PragParts = { generator, retriever, adapters, clock: tickingClock(), ...settings };
  const methods: Record<SingleRound, (given: PragParts) => Method> = {
    "closed-book": closedBook,
    "standard-rag": standardRag,
    "da-rag": (given) => daRag({ ...given, augmentations: async () => new Map() }),
    prag,
    combine,
  };
  return { method: methods[name](parts), requests, queries, adapters };
}

for (const name of singleRound) {
  describeMethodLaws(name, (parts) => create(name, parts).method, { rounds: name === "closed-book" ? 0 : 1 });
}

describe.each(singleRound)("a method that answers at once: %s", (name) => {
  it("tells its passages before the text, which comes as it is generated", async () => {
    const { method } = create(name);
    const events = await eventsOf(method.answer(question));
    const types = events.map(({ type }) => type).filter((type) => type !== "decision");
    const before = name === "closed-book" ? [] : ["retrieval", "adapter", "adapter", "adapter"];
    const deltas = new Array<string>(4).fill("text-delta"); // five tokens, one without text of its own
    expect(types).toEqual([...before, ...deltas, "end"]);
    expect(events.at(-1)).toMatchObject({
      text: " Mira Tolk. She was tall.",
      answer: "Mira Tolk",
      usage: { promptTokens: 11, generatedTokens: 5 },
    });
  });

  it("counts loading and merging where there are adapters, within the time to the first token", async () => {
    const { method } = create(name);
    const end = (await eventsOf(method.answer(question))).at(-1)!;
    if (end.type !== "end") throw new Error("the last event is not the end");
    const { firstTokenMs, retrievalMs, loadMs, mergeMs } = end.timings;
    expect(retrievalMs + loadMs + mergeMs).toBeLessThanOrEqual(firstTokenMs!);
    expect(loadMs > 0 && mergeMs > 0).toBe(name === "prag" || name === "combine");
  });

  it("asks with the prompts it was given, as the history goes on", async () => {
    const { method, requests } = create(name, { prompts: directPrompts });
    await eventsOf(method.answer(question));
    const shown = name === "standard-rag" || name === "combine" || name === "da-rag" ? passages : [];
    expect(requests[0]!.messages).toEqual(directPrompts.messages(question, { passages: shown }));
    expect(requests[0]!.prefix).toBe(directPrompts.prefix);
  });

  it("takes the answer from behind the phrase where it reasons", async () => {
    const { generator } = fakeGenerator([" Mira built it. So the answer is Mira Tolk. Yes."]);
    const { method } = create(name, { generator, prompts: createAnswerPrompts({ chainOfThought: true }) });
    expect((await eventsOf(method.answer(question))).at(-1)).toMatchObject({ answer: "Mira Tolk" });
  });
});

describe("retrieval", () => {
  it("takes 3 passages, or `limit`; the event tells query and hits", async () => {
    for (const name of singleRound.slice(1)) {
      const { method } = create(name);
      const [first] = await eventsOf(method.answer(question));
      expect(first).toEqual({ type: "retrieval", round: 1, query: question, hits });
      const [limited] = await eventsOf(method.answer(question, { limit: 1 }));
      expect(limited).toMatchObject({ hits: hits.slice(0, 1) });
    }
  });

  it("queries with the last two questions of the user before this one", () => {
    const turns = ["one?", "two?", "three?"].flatMap((content): HistoryTurn[] => [
      { role: "user", content },
      { role: "assistant", content: `answer to ${content}` },
    ]);
    expect(retrievalQuery("four?", turns)).toBe("two? three? four?");
    expect(retrievalQuery("four?")).toBe("four?");
  });
});

describe("what stands in the prompt", () => {
  it("closed-book: no passage, no adapter", async () => {
    const { method, requests } = create("closed-book");
    await eventsOf(method.answer(question));
    expect(requests[0]!.messages).toEqual(answerMessages(question));
    expect(requests[0]!.adapter).toBeUndefined();
  });

  it("standard RAG: all passages, best first, no adapter", async () => {
    const { method, requests, adapters } = create("standard-rag");
    const events = await eventsOf(method.answer(question));
    expect(requests[0]!.messages).toEqual(answerMessages(question, { passages }));
    expect(requests[0]!.adapter).toBeUndefined();
    expect(adapters.loaded).toEqual([]);
    expect(events.filter(({ type }) => type === "adapter")).toEqual(
      all.map((passageId) => ({ type: "adapter", passageId, key: undefined, usedAs: "context" })),
    );
  });

  it("P-RAG: no passage where all have adapters; the adapters are merged in the order of the hits", async () => {
    const { method, requests, adapters } = create("prag");
    const events = await eventsOf(method.answer(question));
    expect(requests[0]!.messages).toEqual(answerMessages(question));
    expect(mergedNumbers(requests[0]!.adapter)).toEqual([1, 2, 3]);
    expect(adapters.loaded).toEqual([all]);
    expect(events.filter(({ type }) => type === "adapter")).toEqual(
      all.map((id) => ({ type: "adapter", passageId: id, key: `key of ${id}`, usedAs: "adapter" })),
    );
  });

  it("Combine: all passages, and their adapters", async () => {
    const { method, requests } = create("combine");
    const events = await eventsOf(method.answer(question));
    expect(requests[0]!.messages).toEqual(answerMessages(question, { passages }));
    expect(mergedNumbers(requests[0]!.adapter)).toEqual([1, 2, 3]);
    expect(events.filter(({ type }) => type === "adapter")).toMatchObject(
      all.map(() => ({ usedAs: "both" })),
    );
  });
});

describe("passages without an adapter", () => {
  const uses = async (method: Method) =>
    (await eventsOf(method.answer(question))).flatMap((event) =>
      event.type === "adapter" ? [[event.key, event.usedAs]] : [],
    );
  const having = ["p0", "p2"];

  it("P-RAG puts them into the prompt (the default)", async () => {
    const { method, requests } = create("prag", { having });
    expect(await uses(method)).toEqual([
      ["key of p0", "adapter"],
      [undefined, "context"],
      ["key of p2", "adapter"],
    ]);
    expect(requests[0]!.messages).toEqual(answerMessages(question, { passages: [passages[1]!] }));
    expect(mergedNumbers(requests[0]!.adapter)).toEqual([1, 3]);
  });

  it("P-RAG leaves them out with `skip`", async () => {
    const { method, requests } = create("prag", { having, onMissing: "skip" });
    expect(await uses(method)).toEqual([
      ["key of p0", "adapter"],
      [undefined, "skipped"],
      ["key of p2", "adapter"],
    ]);
    expect(requests[0]!.messages).toEqual(answerMessages(question));
  });

  it("Combine has them in the prompt alone", async () => {
    const { method, requests } = create("combine", { having });
    expect((await uses(method)).map(([, usedAs]) => usedAs)).toEqual(["both", "context", "both"]);
    expect(requests[0]!.messages).toEqual(answerMessages(question, { passages }));
    expect(mergedNumbers(requests[0]!.adapter)).toEqual([1, 3]);
  });

  it("none has one: P-RAG is standard RAG, without any adapter", async () => {
    const { method, requests } = create("prag", { having: [] });
    await eventsOf(method.answer(question));
    expect(requests[0]!.messages).toEqual(answerMessages(question, { passages }));
    expect(requests[0]!.adapter).toBeUndefined();
  });

  it("nothing is found: the model answers alone", async () => {
    const { retriever } = fakeRetriever([]);
    for (const name of ["standard-rag", "prag", "combine"] as const) {
      const { method, requests } = create(name, { retriever });
      const events = await eventsOf(method.answer(question));
      expect(events.map(({ type }) => type)).not.toContain("adapter");
      expect(requests[0]!.messages).toEqual(answerMessages(question));
      expect(requests[0]!.adapter).toBeUndefined();
    }
  });
});

describe("merging", () => {
  const numbers = async (merge: PragParts["merge"], having?: string[]) => {
    const { method, requests } = create("prag", { merge, ...(having && { having }) });
    await eventsOf(method.answer(question));
    return mergedNumbers(requests[0]!.adapter)!;
  };

  it("weighs by the settings: sum, mean, the hits' scores, and a scale", async () => {
    expect(await numbers({ weights: "sum" })).toEqual([1, 2, 3]);
    const mean = await numbers({ weights: "mean" });
    [1, 2, 3].forEach((number, i) => {
      expect(mean[i]).toBeCloseTo(number / 3, 6);
    });
    // Scores 3, 2, 1 of 6, times three adapters: weights 1.5, 1, 0.5.
    expect(await numbers({ weights: "score" })).toEqual([1.5, 2, 1.5]);
    expect(await numbers({ scale: 0.5 })).toEqual([0.5, 1, 1.5]);
  });

  it("counts the scores of those that have an adapter only", async () => {
    // Scores 3 and 1 of 4, times two adapters: weights 1.5 and 0.5.
    expect(await numbers({ weights: "score" }, ["p0", "p2"])).toEqual([1.5, 1.5]);
  });
});
