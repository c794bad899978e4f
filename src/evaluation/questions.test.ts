import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FormatError, NotFoundError } from "../base/errors.ts";
import { loadQuestions } from "./questions.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "questions-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const load = async (text: string) => {
  const path = join(folder, "questions.jsonl");
  await writeFile(path, text);
  return loadQuestions(path);
};

describe("loadQuestions", () => {
  it("reads the questions of the atlas", async () => {
    const questions = await loadQuestions(
      resolve(import.meta.dirname, "../../examples/atlas/questions.jsonl"),
    );
    expect(questions).toHaveLength(240);
    expect(questions[0]).toEqual({
      id: "q001",
      type: "single-hop",
      question: "Where was Aldous Dunmarch born?",
      answers: ["Brindlefork"],
      articles: ["Aldous Dunmarch"],
      contexts: [],
      paragraphs: [],
    });
  });

  it("fills in what a line leaves out, and takes numbers as ids", async () => {
    const text =
      '\uFEFF{"question": " Who? ", "answers": ["a"]}\r\n\n{"id": 7, "question": "q", "answers": ["b"]}';
    const [first, second] = await load(text);
    expect(first).toEqual({
      id: "line 1",
      type: "question",
      question: "Who?",
      answers: ["a"],
      articles: [],
      contexts: [],
      paragraphs: [],
    });
    expect(second?.id).toBe("7");
  });

  it.each([
    ['{"question": "q", "answers": ["a"]}\n{"question": "q"', /questions\.jsonl:2: not valid JSON/],
    ['{"question": "q", "answers": []}', /questions\.jsonl:1: field "answers": must have at least one/],
    ['{"question": " ", "answers": ["a"]}', /questions\.jsonl:1: field "question": must not be empty/],
    ['{"answers": ["a"]}', /questions\.jsonl:1: field "question"/],
    [
      '{"id": "x", "question": "q", "answers": ["a"]}\n{"id": "x", "question": "r", "answers": ["b"]}',
      /questions\.jsonl:2: id "x" is already that of line 1/,
    ],
    ["\n", /has no question/],
  ])("refuses %j with its place", async (text, message) => {
    const error = await load(text).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toMatch(message);
  });

  it("says when the file is not there", async () => {
    await expect(loadQuestions(join(folder, "none.jsonl"))).rejects.toBeInstanceOf(NotFoundError);
  });
});
