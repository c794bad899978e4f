import { describe, expect, it } from "vitest";
import { InputError } from "../base/errors.ts";
import type { Passage } from "../corpus/corpus.ts";
import type { AnswerOptions, Method, MethodEvent, MethodName } from "../methods/method.ts";
import { evaluateMethod } from "./evaluate.ts";
import type { Question } from "./questions.ts";
import { summarise } from "./summary.ts";

const passage = (title: string, text = `About ${title}.`): Passage => ({
  id: `id of ${title}`,
  documentId: "d",
  title,
  text,
  position: 0,
});

const ask = (question: string, answers: string[], rest: Partial<Question> = {}): Question => ({
  id: question,
  type: "single-hop",
  question,
  answers,
  articles: [],
  contexts: [],
  paragraphs: [],
  ...rest,
});

const end = (text: string, answer = text, totalMs = 10): MethodEvent => ({
  type: "end",
  text,
  answer,
  usage: { promptTokens: 20, generatedTokens: 4 },
  rounds: 1,
  timings: { totalMs, retrievalMs: 1, loadMs: 2, mergeMs: 3, firstTokenMs: 5 },
});

/** A method that says what it is told to, by question; a string is an error. */
function scripted(name: MethodName, script: Record<string, MethodEvent[] | Error>): Method {
  return {
    name,
    async *answer(question) {
      const events = script[question];
      if (events instanceof Error) throw events;
      yield* events ?? [];
    },
  };
}

const retrieval = (...passages: Passage[]): MethodEvent => ({
  type: "retrieval",
  round: 1,
  query: "q",
  hits: passages.map((one, i) => ({ passage: one, score: 3 - i })),
});

describe("evaluateMethod", () => {
  it("scores the answer within the text", async () => {
    const method = scripted("closed-book", { when: [end("August 25, 1963.", "August 25")] });
    const { records } = await evaluateMethod(method, [ask("when", ["August 25, 1963"])]);
    expect(records[0]).toMatchObject({
      em: 0,
      precision: 1,
      recall: 2 / 3,
      answer: "August 25",
    });
    expect(records[0]?.f1).toBeCloseTo(0.8, 12);
    expect(records[0]).toMatchObject({ promptTokens: 20, generatedTokens: 4, rounds: 1, fallbacks: 0 });
  });

  it("says which support was retrieved, by title or by text, each passage once", async () => {
    const [a, b] = [passage("A"), passage("B", "Bees live\nin  hives. They hum.")];
    const method = scripted("standard-rag", {
      half: [retrieval(a, b), retrieval(b), end("x")],
      text: [retrieval(a, b), end("x")],
      none: [retrieval(a), end("x")],
      unknown: [retrieval(a), end("x")],
    });
    const { records, summary } = await evaluateMethod(method, [
      ask("half", ["x"], { articles: ["B", "C"] }),
      ask("text", ["x"], { contexts: ["Bees live in hives."] }),
      ask("none", ["x"], { articles: ["B"] }),
      ask("unknown", ["x"]),
    ]);
    expect(records.map(({ retrievalRecall }) => retrievalRecall)).toEqual([0.5, 1, 0, undefined]);
    expect(summary.retrievalRecall).toBe(0.5);
  });

  it("counts passages without an adapter where a method wants adapters, and there only", async () => {
    const use = (usedAs: "adapter" | "context", key?: string): MethodEvent => ({
      type: "adapter",
      passageId: "p",
      key,
      usedAs,
    });
    const script = { q: [use("adapter", "k"), use("context"), use("context"), end("x")] };
    const run = (name: MethodName) => evaluateMethod(scripted(name, script), [ask("q", ["x"])]);
    expect((await run("prag")).summary.fallbacks).toBe(2);
    expect((await run("combine")).summary.fallbacks).toBe(2);
    expect((await run("standard-rag")).summary.fallbacks).toBe(0);
  });

  it("records a question that cannot be accepted as a wrong answer, and goes on", async () => {
    const method = scripted("closed-book", { long: new InputError("too long"), short: [end("yes")] });
    const { records, summary } = await evaluateMethod(method, [ask("long", [""]), ask("short", ["yes"])]);
    expect(records[0]).toMatchObject({ failed: "too long", em: 0, f1: 0, timings: undefined });
    expect(summary).toMatchObject({ questions: 2, failed: 1, em: 0.5, f1: 0.5, promptTokens: 20 });
    expect(summary.latencyMs).toEqual({ p50: 10, p95: 10 });
  });

  it("ends with any other error, with a broken method, and when it is told to", async () => {
    const broken = scripted("closed-book", { bad: new TypeError("bug"), silent: [] });
    await expect(evaluateMethod(broken, [ask("bad", [])])).rejects.toThrow("bug");
    await expect(evaluateMethod(broken, [ask("silent", [])])).rejects.toThrow(/internal: .*closed-book/);
    const aborted = { signal: AbortSignal.abort() };
    await expect(evaluateMethod(broken, [ask("bad", [])], aborted)).rejects.toThrow(/abort/i);
  });

  it("hands its options to the method and reports each record", async () => {
    const seen: (AnswerOptions | undefined)[] = [];
    const method: Method = {
      name: "prag",
      async *answer(_question, options) {
        seen.push(options);
        yield end("x");
      },
    };
    const reports: string[] = [];
    await evaluateMethod(method, [ask("a", ["x"]), ask("b", ["x"])], {
      limit: 2,
      maxTokens: 9,
      onDone: (record, done, total) => reports.push(`${record.id} ${done}/${total}`),
    });
    expect(seen[0]).toMatchObject({ limit: 2, maxTokens: 9 });
    expect(reports).toEqual(["a 1/2", "b 2/2"]);
  });
});

describe("summarise", () => {
  it("takes latencies at the nearest rank", async () => {
    const script = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`q${i}`, [end("x", "x", 20 - i)]]),
    );
    const questions = Object.keys(script).map((question) => ask(question, ["x"]));
    const { summary } = await evaluateMethod(scripted("closed-book", script), questions);
    expect(summary.latencyMs).toEqual({ p50: 10, p95: 19 });
  });

  it("is zero for no records, with no retrieval recall", () => {
    expect(summarise("prag", [])).toEqual({
      name: "prag",
      questions: 0,
      em: 0,
      f1: 0,
      precision: 0,
      recall: 0,
      promptTokens: 0,
      generatedTokens: 0,
      latencyMs: { p50: 0, p95: 0 },
      retrievalRecall: undefined,
      failed: 0,
      fallbacks: 0,
    });
  });
});
