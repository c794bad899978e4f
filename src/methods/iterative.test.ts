import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import type { Generator } from "../generation/generator.ts";
import { createAnswerPrompts } from "../prompts/reasoning.ts";
import type { Tagger } from "../text/part-of-speech.ts";
import { type DraginOptions, dragin } from "./dragin.ts";
import { type FlareOptions, flare } from "./flare.ts";
import { type FlareTokenOptions, flareToken } from "./flare-token.ts";
import type { IterativeParts } from "./growing-answer.ts";
import {
  describeMethodLaws,
  evenAttention,
  eventsOf,
  fakeGenerator,
  fakeRetriever,
  hits,
  type Script,
  tickingClock,
} from "./method.suite.ts";
import type { Method, MethodEvent } from "./method.ts";

const question = "Where is the bridge?";
const passages = hits.map((hit) => hit.passage);
/** Everything but "it" says something. */
const tag: Tagger = (text) =>
  [...text.matchAll(/[\p{L}\p{N}]+/gu)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    isContent: match[0] !== "it",
    isStopWord: match[0] === "it",
  }));

type Create = (parts: IterativeParts, options?: Record<string, unknown>) => Method;
const methods: Record<string, Create> = {
  flare: (parts, options) => flare({ ...parts, options }),
  "flare-token": (parts, options) => flareToken({ ...parts, options }),
  dragin: (parts, options) => dragin({ ...parts, tag, options }),
};

for (const [name, create] of Object.entries(methods)) describeMethodLaws(name, create);

/** A token with its probability. */
const p = (text: string, probability: number, entropy = 1) => ({ text, probability, entropy });

function run(
  script: Script,
  create: Create,
  options?: Partial<FlareOptions & FlareTokenOptions & DraginOptions>,
) {
  const { generator, requests } = fakeGenerator(script, { attention: evenAttention });
  const { retriever, queries } = fakeRetriever();
  const prompts = createAnswerPrompts({ chainOfThought: true });
  const method = create({ generator, retriever, clock: tickingClock(), prompts }, options);
  const answering = eventsOf(method.answer(question, { maxTokens: 40 }));
  return { answering, requests, queries, prompts };
}
const told = (events: readonly MethodEvent[]) =>
  events.flatMap((event) => {
    if (event.type === "retrieval") return [`retrieve ${event.round}: ${event.query}`];
    if (event.type === "decision") return [`decide: ${event.reason}`];
    if (event.type === "text-delta") return [`say:${event.text}`];
    return event.type === "end" ? [`end ${event.rounds}: ${event.answer}`] : [];
  });

describe("flare", () => {
  const doubtful = [
    p(" It", 0.9),
    p(" stands", 0.85),
    p(" in", 0.9),
    p(" Quern", 0.3),
    p(".", 0.99),
    p(" So", 0.1),
  ];
  const script: Script = (_request, n) =>
    [
      doubtful,
      [" It stands in Tarn.", " More."],
      [p(" So the answer is", 0.9), p(" Tarn", 0.81), p(".", 0.95)],
    ][n] ?? [];

  it("looks ahead, masks what it doubts in the query, replaces the context, and says the first sentence only", async () => {
    const { answering, requests, queries, prompts } = run(script, methods.flare!);
    const events = await answering;
    expect(told(events)).toEqual([
      `retrieve 1: ${question}`,
      "decide: in doubt of the sentence ahead: its sure words are the query",
      "retrieve 2: It stands in .",
      "say: It stands in Tarn.",
      "decide: sure of the sentence ahead: it is accepted",
      "say: So the answer is Tarn.",
      "end 2: Tarn",
    ]);
    expect(queries).toEqual([question, "It stands in ."]);
    expect(events.find(({ type }) => type === "decision")).toEqual({
      type: "decision",
      round: 1,
      reason: "in doubt of the sentence ahead: its sure words are the query",
      numbers: { least: expect.closeTo(0.3, 9), theta: 0.8, beta: 0.4, tokens: 5, masked: 1 },
    });
    expect(requests.map(({ prefix }) => prefix)).toEqual(["", "", " It stands in Tarn."]);
    expect(requests.every(({ stop }) => stop?.includes("\n\n"))).toBe(true);
    expect(requests[1]!.messages).toEqual(prompts.messages(question, { passages }));
    expect(requests.map(({ maxTokens }) => maxTokens)).toEqual([40, 40, 39]);
  });

  it("theta decides whether, beta which words", async () => {
    const sure = run(script, methods.flare!, { theta: 0.2 });
    await sure.answering;
    expect(sure.queries).toEqual([question]); // 0.3 is above 0.2; the second draft too
    const always = run(script, methods.flare!, { theta: 0, beta: 0.05 });
    await always.answering;
    expect(always.queries.slice(0, 2)).toEqual([question, "It stands in Quern."]);
    const usual = run(script, methods.flare!, {});
    await usual.answering;
    expect(usual.queries).toEqual([question, "It stands in ."]);
    const blind = run(script, methods.flare!, { beta: 1 });
    const events = await blind.answering;
    expect(blind.queries).toEqual([question]); // all masked: nothing to search for
    expect(told(events)[1]).toMatch(/every word/);
  });

  it("keeps to its rounds, the first included, to its limit, and may keep the first passages", async () => {
    const capped = run(script, methods.flare!, { maxRounds: 1 });
    expect(told(await capped.answering)[1]).toBe("decide: in doubt, but no retrieval is left");
    expect(capped.queries).toHaveLength(1);
    const kept = run(script, methods.flare!, { keepFirst: true, limit: 2 });
    await kept.answering;
    expect(kept.requests[1]!.messages).toEqual(
      kept.prompts.messages(question, { passages: passages.slice(0, 2) }),
    );
  });
});

describe("flare-token", () => {
  const sure = [p(" The bridge", 0.95), p(" is old", 0.95), p(".", 0.95)];
  const doubtful = [p(" It", 0.9), p(" stands", 0.5), p(" in", 0.95), p(" Quern", 0.2), p(".", 0.95)];
  const script: Script = (_request, n) =>
    [
      [...sure, ...doubtful],
      [" It stands in Tarn.", " So the answer is Tarn."],
    ][n] ?? [];

  it("cuts before the doubtful sentence, searches for its sure tokens, takes all that comes with the passages", async () => {
    const { answering, requests, prompts } = run(script, methods["flare-token"]!, { threshold: 0.11 });
    const events = await answering;
    expect(told(events)).toEqual([
      "decide: in doubt of a sentence: its sure words are the query",
      "say: The bridge is old.",
      "retrieve 1: It in .",
      "say: It stands in Tarn. So the answer is Tarn.",
      "end 1: Tarn",
    ]);
    // Mean of 0.1, 0.5, 0.05, 0.8, 0.05.
    expect(events[0]).toMatchObject({
      numbers: { sentence: 2, score: expect.closeTo(0.3, 9), threshold: 0.11 },
    });
    expect(requests[0]!.messages).toEqual(prompts.messages(question));
    expect(requests[1]!.messages).toEqual(prompts.messages(question, { passages }));
    expect(requests.map(({ prefix }) => prefix)).toEqual(["", " The bridge is old."]);
  });

  it("accepts all where every sentence is sure enough, and where nothing is left to search for", async () => {
    const all = run(script, methods["flare-token"]!, { threshold: 0.31 });
    expect(told(await all.answering).slice(0, 2)).toEqual([
      "decide: sure of every sentence: all are accepted",
      "say: The bridge is old. It stands in Quern.",
    ]);
    const blind = run([p(" Quern", 0.1), p(".", 0.1)], methods["flare-token"]!);
    expect(told(await blind.answering)).toEqual([
      "decide: in doubt of every word of a sentence: nothing to search for",
      "say: Quern.",
      "end 0: Quern",
    ]);
  });

  it("a query has the last tokens, no more than asked for", async () => {
    const short = run(script, methods["flare-token"]!, { threshold: 0.11, maxQueryTokens: 3 });
    await short.answering;
    expect(short.queries).toEqual(["in ."]);
  });
});

describe("dragin", () => {
  const texts = [" The bridge", " is old", ".", " It stands", " in", " Quern", "."];
  const entropies = [0.1, 0.1, 0.1, 0.1, 0.1, 3, 0.1];
  const drafted = texts.map((text, i) => p(text, 0.5, entropies[i]));
  const script: Script = (_request, n) =>
    [drafted, [" It stands in Tarn.", " More."], [p(" So the answer is Tarn.", 0.9, 0)]][n] ?? [];

  it("cuts before the sentence with a doubtful word, searches for what it attends to, says one sentence, goes on", async () => {
    const seen: Parameters<Generator["attention"]>[0][] = [];
    const { generator, requests } = fakeGenerator(script, {
      attention: (request) => {
        seen.push(request);
        return evenAttention(request);
      },
    });
    const { retriever, queries } = fakeRetriever();
    const prompts = createAnswerPrompts({ chainOfThought: true });
    const method = dragin({
      generator,
      retriever,
      clock: tickingClock(),
      prompts,
      tag,
      options: { keepWords: 3 },
    });
    const events = await eventsOf(method.answer(question));
    expect(told(events)).toEqual([
      "decide: in doubt of: Quern.; what they attend to is the query",
      "say: The bridge is old.",
      "retrieve 1: Where is the",
      "say: It stands in Tarn.",
      "decide: no word is in doubt: all sentences are accepted",
      "say: So the answer is Tarn.",
      "end 1: Tarn",
    ]);
    // Even attention gives token j the weight 1 / (j + 1). The words of the sentence: "It" 1/4, "stands" none (the token
    // began before it), "in" 1/5, "Quern." 1/6 + 1/7 with entropy (3 + 0.1) / 2; four words.
    const total = 1 / 4 + 1 / 5 + 1 / 6 + 1 / 7;
    const score = ((1 / 6 + 1 / 7) / total) * 1.55 * 4;
    expect(events[0]).toMatchObject({
      numbers: { highest: expect.closeTo(score, 5), threshold: 1, sentence: 2, hits: 1 },
    });
    expect(seen[0]).toEqual({ text: [0, 1, 2, 3, 4, 5, 6] });
    expect(seen[1]).toEqual({ text: `${question} The bridge is old. It stands in Quern.`, startToken: true });
    expect(queries).toEqual(["Where is the"]);
    expect(requests.map(({ prefix }) => prefix)).toEqual([
      "",
      " The bridge is old.",
      " The bridge is old. It stands in Tarn.",
    ]);
  });

  it("paper: looks at the draft behind its prompt", async () => {
    const seen: Parameters<Generator["attention"]>[0][] = [];
    const { generator, requests } = fakeGenerator(script, {
      attention: (request) => {
        seen.push(request);
        return evenAttention(request);
      },
    });
    const { retriever } = fakeRetriever();
    const method = dragin({
      generator,
      retriever,
      clock: tickingClock(),
      tag,
      options: { formula: "paper" },
    });
    await eventsOf(method.answer(question));
    const { messages, prefix } = requests[0]!;
    expect(seen[0]).toEqual({ text: [0, 1, 2, 3, 4, 5, 6], messages, prefix });
  });

  it("accepts a sentence whose doubtful words say nothing", async () => {
    const { answering, queries } = run([p(" it", 0.5, 9), p(".", 0.5, 0)], methods.dragin!, {
      threshold: 0.1,
    });
    expect(told(await answering)[0]).toBe("decide: no word is in doubt: all sentences are accepted");
    expect(queries).toEqual([]);
  });
});

describe("the loop of DRAGIN's code", () => {
  const doubtful: Script = [
    p(" Sure words.", 0.99, 0),
    p(" Doubted", 0.05, 9),
    p(" thing", 0.95, 9),
    p(".", 0.95, 9),
  ];

  it.each(["flare-token", "dragin"])("%s: stays within its rounds, then accepts what comes", async (name) => {
    const { answering, queries } = run(doubtful, methods[name]!, { maxRounds: 2, threshold: 0.2 });
    const events = await answering;
    expect(queries.length).toBeLessThanOrEqual(2);
    const reasons = told(events).filter((line) => line.startsWith("decide"));
    if (queries.length === 2) expect(reasons.at(-1)).toMatch(/no retrieval is left/);
  });

  it.each(["flare", "flare-token", "dragin"])(
    "%s: keeps its draft where the passages bring nothing",
    async (name) => {
      const script: Script = (_request, n) => (n === 0 ? doubtful : []);
      const { answering, queries } = run(
        script,
        methods[name]!,
        name === "flare" ? { theta: 0.99 } : { threshold: 0.2 },
      );
      const lines = told(await answering);
      expect(queries.length).toBeGreaterThan(0);
      expect(lines.filter((line) => /nothing was generated/.test(line))).toHaveLength(1);
      expect(lines.filter((line) => line.startsWith("say")).join("")).toContain("Sure words.");
      if (name !== "flare") expect(lines.at(-2)).toBe("say: Doubted thing.");
    },
  );

  it.each(["flare-token", "dragin"])(
    "%s: asks for the answer that a chain of thought lacks",
    async (name) => {
      const script: Script = (_request, n) => (n === 0 ? [p(" It rained.", 0.99, 0)] : [" Oslo."]);
      const options = { completeAnswer: true };
      const { answering, requests } = run(script, methods[name]!, options);
      expect(told(await answering).slice(-3)).toEqual([
        "decide: the chain of thought ended without an answer: it is asked for",
        "say: So the answer is Oslo.",
        "end 0: Oslo",
      ]);
      expect(requests[1]).toMatchObject({ prefix: " It rained. So the answer is", maxTokens: 20 });
      const answered = run([p(" So the answer is Oslo.", 0.99, 0)], methods[name]!, options);
      await answered.answering;
      expect(answered.requests).toHaveLength(1);
    },
  );

  it("with `exceed` drafts have all the tokens of the answer, as in the code; without it, what is left of them", async () => {
    const sizes = async (exceed: boolean) => {
      const script: Script = (_request, n) => (n % 2 ? [" A sentence."] : doubtful);
      const { answering, requests } = run(script, methods["flare-token"]!, { exceed, threshold: 0.2 });
      await answering;
      return requests.map(({ maxTokens }) => maxTokens);
    };
    expect((await sizes(true)).every((size) => size === 40)).toBe(true);
    expect((await sizes(false)).slice(0, 2)).toEqual([40, 39]);
  });
});

describe("no method goes on for ever", () => {
  const words = [
    " a",
    " Quern",
    ".",
    " It",
    "\n",
    "",
    "\n\n",
    " So the answer",
    " the answer is",
    "?!",
    " x.",
    "  ",
  ];
  const random = new Random("adversary");
  const anything = () =>
    Array.from({ length: random.int(12) }, () =>
      p(words[random.int(words.length)]!, Math.max(1e-6, random.next()), 4 * random.next()),
    );
  const scripts: Record<string, Script> = {
    "empty text": [],
    "spaces alone": [" ", "\n", " "],
    "the same sentence": [p(" It stands in Quern.", 0.01, 9)],
    "an endless sentence": new Array(200).fill(p(" word", 0.01, 9)),
    "everything made up": [p(" Foo", 1e-9, 9), p(" bar", 1e-9, 9), p(".", 1e-9, 9), p(" Baz", 1e-9, 9)],
    "single full stops": [p(".", 0.2, 9)],
    anything,
  };
  const settings = [{}, { maxRounds: 0, exceed: true, theta: 0, beta: 0 }, { maxRounds: 1, threshold: 0 }];
  const cases = Object.keys(methods).flatMap((name) =>
    Object.keys(scripts).map((script) => [name, script] as const),
  );

  it.each(cases)("%s: %s", async (name, scriptName) => {
    for (const { exceed, theta, beta, ...shared } of settings) {
      const own = name === "flare" ? { theta, beta, maxRounds: shared.maxRounds } : { ...shared, exceed };
      const options = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
      for (let i = 0; i < (scriptName === "anything" ? 25 : 1); i++) {
        // A generator that always says there is more: only the method can end.
        const { generator, requests } = fakeGenerator(scripts[scriptName], { attention: evenAttention });
        const { retriever } = fakeRetriever();
        const method = methods[name]!({ generator, retriever, clock: tickingClock() }, options);
        const maxTokens = 12;
        const events = await eventsOf(method.answer(question, { maxTokens }));
        const end = events.at(-1)!;
        if (end.type !== "end") throw new Error("the last event is not the end");
        expect(end.text).toBe(
          events.map((event) => (event.type === "text-delta" ? event.text : "")).join(""),
        );
        expect(requests.length).toBeLessThanOrEqual(4 * maxTokens + 4);
        if (options.maxRounds !== 0) expect(end.rounds).toBeLessThanOrEqual(Number(options.maxRounds ?? 10));
      }
    }
  });
});
