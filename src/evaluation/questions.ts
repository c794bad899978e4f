import { readFile } from "node:fs/promises";
import { z } from "zod";
import { FormatError } from "../base/errors.ts";
import { explainSystemError, parseJson } from "../base/files.ts";

/** A question of a dataset with its accepted answers. */
export interface Question {
  /** As the dataset names it, else `line 7`. */
  id: string;
  /** Kind of question, as the dataset names it; `question` where it does not. */
  type: string;
  question: string;
  /** The gold answer, then other spellings of it. */
  answers: string[];
  /** Titles of the documents that support the answer. */
  articles: string[];
  /** Texts that support the answer, for datasets that give them in place of titles. */
  contexts: string[];
}

/** Other fields of a dataset are left alone. */
const rowSchema = z.object({
  id: z.union([z.string().min(1), z.number().transform(String)]).optional(),
  type: z.string().min(1).default("question"),
  question: z.string().trim().min(1, "must not be empty"),
  answers: z.array(z.string()).min(1, "must have at least one answer"),
  articles: z.array(z.string()).default([]),
  contexts: z.array(z.string()).default([]),
});

/** Reads a dataset: JSONL, one question a line. A malformed line or an id given twice is a `FormatError` with its line. */
export async function loadQuestions(path: string): Promise<Question[]> {
  const questions: Question[] = [];
  const lineOfId = new Map<string, number>();
  for (const [i, line] of (await readText(path)).split("\n").entries()) {
    if (line.trim() === "") continue;
    const at = `${path}:${i + 1}`;
    const row = parseJson(line, rowSchema, at);
    const question = { ...row, id: row.id ?? `line ${i + 1}` };
    const before = lineOfId.get(question.id);
    if (before !== undefined) {
      throw new FormatError(
        `id "${question.id}" is already that of line ${before}; give each question its own`,
        {
          path: at,
        },
      );
    }
    lineOfId.set(question.id, i + 1);
    questions.push(question);
  }
  if (questions.length === 0)
    throw new FormatError('has no question; wanted lines like {"question": "…", "answers": ["…"]}', { path });
  return questions;
}

async function readText(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replace(/^\uFEFF/, "");
  } catch (error) {
    throw explainSystemError(error, path);
  }
}
