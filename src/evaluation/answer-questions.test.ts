import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputError, PromptTooLongError, RemoteError } from "../base/errors.ts";
import type { Method, MethodEvent } from "../methods/method.ts";
import { type AnsweringRun, answerQuestions, type RunMethod } from "./answer-questions.ts";
import type { Question } from "./questions.ts";
import { type RunRecord, runRecordSchema } from "./run-format.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const question = (id: string, answers = ["Oslo"]): Question => ({
  id,
  type: "question",
  question: `Where is ${id}?`,
  answers,
  articles: [],
  contexts: [],
  paragraphs: [],
});

const end = (text: string, answer = text): MethodEvent => ({
  type: "end",
  text,
  answer,
  usage: { promptTokens: 20, generatedTokens: 4 },
  rounds: 1,
  timings: { totalMs: 10, retrievalMs: 1, loadMs: 2, mergeMs: 3, firstTokenMs: undefined },
});

/** A method that answers from a script, else with "Oslo"; it keeps what it was asked. */
function scripted(script: Record<string, string | Error> = {}, id = "prag") {
  const asked: string[] = [];
  const method: Method = {
    name: "prag",
    async *answer(text) {
      const key = text.replace(/^Where is (.*)\?$/, "$1");
      asked.push(key);
      await new Promise((resolve) => setTimeout(resolve, 1));
      const said = script[key] ?? "Oslo";
      if (said instanceof Error) throw said;
      yield { type: "adapter", passageId: "p", key: "k", usedAs: "adapter" };
      yield { type: "adapter", passageId: "r", key: undefined, usedAs: "skipped" };
      yield end(said);
    },
  };
  const run: RunMethod = { id, open: async () => method, options: { limit: 3 }, chainOfThought: false };
  return { run, method, asked };
}

const answer = (methods: RunMethod[], changes: Partial<AnsweringRun> = {}) =>
  answerQuestions({
    folder,
    questions: ["a", "b", "c", "d"].map((id) => question(id)),
    methods,
    inFlight: 1,
    clock: () => performance.now(),
    ...changes,
  });

const lines = async () => (await readFile(join(folder, "records.jsonl"), "utf8")).trimEnd().split("\n");
const records = async (): Promise<RunRecord[]> =>
  (await lines()).map((line) => runRecordSchema.parse(JSON.parse(line)));

describe("answerQuestions", () => {
  it("keeps one record per question and method, with both scores", async () => {
    const { run } = scripted({ a: "The city of Oslo. It is old." });
    const report = await answer([run], { questions: [question("a")] });
    expect(report.answered).toBe(1);
    expect(await records()).toEqual([
      {
        id: "a",
        questionHash: expect.stringMatching(/^[0-9a-f]{16}$/),
        type: "question",
        method: "prag",
        scores: { em: 0, f1: expect.closeTo(2 / 7), precision: 1 / 6, recall: 1 },
        lenient: { em: 0, f1: 0.5, precision: 1 / 3, recall: 1 },
        isPresent: true,
        promptTokens: 20,
        generatedTokens: 4,
        rounds: 1,
        timings: { totalMs: 10, retrievalMs: 1, loadMs: 2, mergeMs: 3 },
        retrieved: [],
        adapters: 1,
        fallbacks: 1,
        decisions: 0,
        texts: {
          question: "Where is a?",
          answers: ["Oslo"],
          prediction: "The city of Oslo. It is old.",
          answer: "The city of Oslo. It is old.",
          lenientAnswer: "The city of Oslo",
        },
      },
    ]);
  });

  it("leaves texts out where they must not be passed on", async () => {
    await answer([scripted().run], { withoutTexts: true });
    expect((await lines()).join()).not.toMatch(/Where|Oslo/);
  });

  it("goes on where it stopped, a half-written row included, and changes nothing that is there", async () => {
    const first = scripted();
    await answer([first.run], { questions: [question("a"), question("b")] });
    const before = await lines();
    await appendFile(join(folder, "records.jsonl"), '{"id": "c", "questio');
    const second = scripted();
    const { answered } = await answer([second.run]);
    expect(answered).toBe(2);
    expect(second.asked).toEqual(["c", "d"]);
    expect((await lines()).slice(0, 2)).toEqual(before);
    expect((await records()).map(({ id }) => id)).toEqual(["a", "b", "c", "d"]);
    const third = scripted();
    expect((await answer([third.run])).answered).toBe(0);
    expect(third.asked).toEqual([]);
  });

  it("asks a method and its variants apart, and opens none that has nothing to do", async () => {
    const opened: string[] = [];
    const watched = (id: string): RunMethod => {
      const { run } = scripted({}, id);
      const open = () => {
        opened.push(id);
        return run.open();
      };
      return { ...run, open };
    };
    await answer([watched("prag")]);
    await answer([watched("prag"), watched("prag:shuffled")]);
    expect(opened).toEqual(["prag", "prag:shuffled"]);
    expect(new Set((await records()).map(({ method }) => method))).toEqual(
      new Set(["prag", "prag:shuffled"]),
    );
  });

  it("counts a prompt that does not fit as what it is, never as an answer", async () => {
    const script = { a: new PromptTooLongError("5000 tokens"), b: new InputError("empty") };
    await answer([scripted(script).run], { questions: [question("a", [""]), question("b", [""])] });
    expect(await records()).toMatchObject([
      { error: { kind: "prompt-too-long", message: "5000 tokens" }, timings: null, scores: { em: 0 } },
      { error: { kind: "input" }, lenient: { em: 0 }, isPresent: false },
    ]);
  });

  it("counts a question whose method cannot be opened for it, and ends with any other error", async () => {
    const { run, method } = scripted();
    const open = async () => async (asked: Question) => {
      if (asked.id === "b") throw new InputError("the text is empty");
      if (asked.id === "d") throw new Error("bug");
      return method;
    };
    await expect(answer([{ ...run, open }])).rejects.toThrow("bug");
    expect(await records()).toMatchObject([
      { id: "a", scores: { em: 1 } },
      { id: "b", error: { kind: "input", message: "the text is empty" }, timings: null },
      { id: "c", scores: { em: 1 } },
    ]);
  });

  it("ends with any other error, having kept what was answered, and goes on from there", async () => {
    const broken = scripted({
      c: new RemoteError("gone", { url: "http://x", status: 500, retryable: true }),
    });
    await expect(answer([broken.run])).rejects.toThrow("gone");
    expect((await records()).map(({ id }) => id)).toEqual(["a", "b"]);
    await answer([scripted().run]);
    expect(await records()).toHaveLength(4);
  });

  it("keeps several questions in flight, each once, and stops all of them at a failure", async () => {
    const many = Array.from({ length: 20 }, (_, i) => question(`q${i}`));
    const { run, asked } = scripted();
    await answer([run], { questions: many, inFlight: 4 });
    expect(new Set((await records()).map(({ id }) => id)).size).toBe(20);
    expect(asked).toHaveLength(20);
    const failing = scripted({ q5: new Error("bug") }, "combine");
    await expect(answer([failing.run], { questions: many, inFlight: 4 })).rejects.toThrow("bug");
    expect(failing.asked.length).toBeLessThan(12);
  });

  it("stops between two questions when it is told to", async () => {
    const controller = new AbortController();
    const { run } = scripted();
    const progress = () => controller.abort(new Error("stopped"));
    await expect(answer([run], { progress, signal: controller.signal })).rejects.toThrow("stopped");
    expect(await records()).toHaveLength(1);
  });
});
