import { describe, expect, it } from "vitest";
import { decompose, decomposeOptions } from "./decompose.ts";
import { fullContext } from "./full-context.ts";
import type { IterativeParts } from "./growing-answer.ts";
import { hyde, hydeOptions } from "./hyde.ts";
import {
  describeMethodLaws,
  eventsOf,
  fakeGenerator,
  fakeRetriever,
  hits,
  tickingClock,
} from "./method.suite.ts";

const question = "Who built the Orlen Bridge?";

describeMethodLaws("hyde", (parts) => hyde({ ...parts, options: hydeOptions.parse({}) }));
describeMethodLaws("decompose", (parts) => decompose({ ...parts, options: decomposeOptions.parse({}) }));

it.each([
  ["hyde", (parts: IterativeParts) => hyde({ ...parts, options: hydeOptions.parse({}) })],
  ["decompose", (parts: IterativeParts) => decompose({ ...parts, options: decomposeOptions.parse({}) })],
] as const)("%s prepares its search without the stop strings of the answer", async (_name, create) => {
  const { generator, requests } = fakeGenerator();
  const method = create({ generator, ...fakeRetriever(), clock: tickingClock() });
  await eventsOf(method.answer(question, { stop: ["\n"] }));
  expect(requests.map(({ stop }) => stop)).toEqual([undefined, ["\n"]]);
});

describe("hyde", () => {
  it("searches by the passage that the model invents, with the question", async () => {
    const { generator } = fakeGenerator((_request, n) =>
      n === 0 ? [" The bridge", " by Tolk."] : [" Tolk."],
    );
    const { retriever, queries } = fakeRetriever();
    const parts = { generator, retriever, clock: tickingClock(), options: hydeOptions.parse({}) };
    const events = await eventsOf(hyde(parts).answer(question));
    expect(queries).toEqual([`The bridge by Tolk. ${question}`]);
    expect(events.at(-1)).toMatchObject({ type: "end", answer: "Tolk" });
  });
});

describe("decompose", () => {
  it("searches by the question and by every part, and shows the best of each in turn", async () => {
    const lines = ["When was the bridge built?\nshort\n", "Who was its first builder?"];
    const { generator, requests } = fakeGenerator((_request, n) => (n === 0 ? lines : [" Tolk."]));
    const { retriever, queries } = fakeRetriever();
    const parts = { generator, retriever, clock: tickingClock(), options: decomposeOptions.parse({}) };
    const events = await eventsOf(decompose(parts).answer(question, { limit: 2 }));
    expect(queries).toEqual([question, "When was the bridge built?", "Who was its first builder?"]);
    expect(events.filter(({ type }) => type === "adapter")).toHaveLength(2);
    expect(requests.at(-1)!.messages[0]!.content).toContain("Passage 2");
    expect(events.at(-1)).toMatchObject({ rounds: 3 });
  });
});

const text = hits.map(({ passage }) => passage);
describeMethodLaws("full-context", (parts) => fullContext({ ...parts, passages: text }), { rounds: 0 });

describe("full-context", () => {
  const passages = Array.from({ length: 9 }, (_, i) => ({
    id: `p${i}`,
    documentId: "d",
    title: "Text",
    text: `part ${i}`,
    position: i,
  }));
  async function ask(contextLength: number) {
    const { generator, requests } = fakeGenerator();
    const countPromptTokens: typeof generator.countPromptTokens = async ({ messages }) =>
      10 * [...messages[0]!.content.matchAll(/part/g)].length;
    const parts = { generator: { ...generator, contextLength, countPromptTokens }, clock: tickingClock() };
    const events = await eventsOf(fullContext({ ...parts, passages }).answer(question, { maxTokens: 5 }));
    const decision = events.find((event) => event.type === "decision");
    return { numbers: decision?.numbers, content: requests[0]!.messages[0]!.content };
  }

  it("reads all that fits, and leaves the middle out", async () => {
    const all = await ask(1000);
    expect(all.numbers).toEqual({ passages: 9, leftOut: 0, wordsLeftOut: 0 });
    expect(all.content).toContain("part 0\npart 1\npart 2");
    for (const [room, kept] of [
      [94, 8],
      [55, 5],
      [15, 1],
    ] as const) {
      const { numbers, content } = await ask(room);
      expect(numbers).toEqual({ passages: 9, leftOut: 9 - kept, wordsLeftOut: 2 * (9 - kept) });
      expect(content).toContain("part 0");
      expect([...content.matchAll(/part/g)]).toHaveLength(kept);
      expect(content.includes("part 8")).toBe(kept > 1);
    }
    expect((await ask(14)).content).not.toContain("Passage");
  });
});
