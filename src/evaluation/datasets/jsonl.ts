import { z } from "zod";
import { FormatError } from "../../base/errors.ts";
import { parseValue } from "../../base/files.ts";
import { parseLines } from "../../base/jsonl.ts";
import type { PlacedQuestion, Question } from "../questions.ts";
import { answerText, paragraphText, parseJsonText, questionText, titleText } from "./dataset-file.ts";

const paragraph = z.object({
  title: titleText.default(""),
  text: paragraphText,
  supporting: z.boolean().optional(),
});

const name = z.union([z.string().min(1), z.number().transform(String)]);

/** Other fields of a dataset are left alone. */
const rowSchema = z.object({
  id: name.optional(),
  test_id: name.optional(),
  type: z.string().min(1).optional(),
  /** What PopQA calls the kind of a question. */
  prop: z.string().min(1).optional(),
  question: questionText,
  answers: z.array(answerText).min(1, "must have at least one answer").max(10_000),
  articles: z.array(titleText).default([]),
  /** Texts that support the answer, or all that are given with the question. */
  contexts: z.array(z.union([paragraphText, paragraph])).default([]),
});

/** One question a line: `{question, answers[], id?, type?, articles?, contexts?}`. */
export function parseJsonlRows(text: string, path: string): PlacedQuestion[] {
  return parseLines(text, rowSchema, path).map(({ row, line }) => {
    const place = `line ${line}`;
    return { question: toQuestion(row, place), place };
  });
}

function toQuestion(row: z.infer<typeof rowSchema>, place: string): Question {
  const paragraphs = row.contexts.map((one) =>
    typeof one === "string" ? { title: "", text: one, supporting: true } : one,
  );
  return {
    id: row.id ?? row.test_id ?? place,
    type: row.type ?? row.prop ?? "question",
    question: row.question,
    answers: row.answers,
    articles: row.articles,
    contexts: paragraphs.filter(({ supporting }) => supporting).map(({ text }) => text),
    paragraphs: paragraphs.map(({ title, text }) => ({ title, text })),
  };
}

const customSchema = z.object({
  question: questionText,
  answer: z.union([answerText, z.array(answerText).min(1, "must have at least one answer").max(10_000)]),
});

/** The reference project's own format: a JSON list of `{question, answer}`, the answer a text or a list of them. */
export function parseCustomRows(rows: readonly unknown[], path: string): PlacedQuestion[] {
  return rows.map((value, i) => {
    const place = `row ${i + 1}`;
    const { question, answer } = parseValue(value, customSchema, `${path}: ${place}`);
    const answers = typeof answer === "string" ? [answer] : answer;
    const none = { articles: [], contexts: [], paragraphs: [] };
    return { place, question: { id: String(i), type: "question", question, answers, ...none } };
  });
}

/** The rows of a file that is one JSON list. */
export function parseJsonList(text: string, path: string): unknown[] {
  const value = parseJsonText(text, path);
  if (Array.isArray(value)) return value;
  throw new FormatError("is not a JSON list of questions, nor one JSON object a line", { path });
}
