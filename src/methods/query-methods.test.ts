import { describe, expect, it } from "vitest";
import { decompose, decomposeOptions } from "./decompose.ts";
import { hyde, hydeOptions } from "./hyde.ts";
import { describeMethodLaws, eventsOf, fakeGenerator, fakeRetriever, tickingClock } from "./method.suite.ts";

const question = "Who built the Orlen Bridge?";

describeMethodLaws("hyde", (parts) => hyde({ ...parts, options: hydeOptions.parse({}) }));
describeMethodLaws("decompose", (parts) => decompose({ ...parts, options: decomposeOptions.parse({}) }));

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
