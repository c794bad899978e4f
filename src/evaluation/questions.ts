import { FormatError } from "../base/errors.ts";
import { readDatasetFile } from "./datasets/dataset-file.ts";
import { parseJsonlRows } from "./datasets/jsonl.ts";

/** A question of a dataset with its accepted answers. */
export interface Question {
  /** As the dataset names it, else `line 7`. */
  id: string;
  /** Kind of question, as the dataset names it; `question` where it does not. */
  type: string;
  question: string;
  /** The gold answer, then other spellings of it. Without any, no prediction is right. */
  answers: string[];
  /** Titles of the documents that support the answer. */
  articles: string[];
  /** Texts that support the answer, for datasets that give them in place of titles. */
  contexts: string[];
  /** All texts that the dataset gives with the question, those that only distract included. */
  paragraphs: Paragraph[];
}

/** A text that a dataset gives with a question. */
export interface Paragraph {
  title: string;
  text: string;
}

/** Reads a dataset: JSONL, one question a line. A malformed line or an id given twice is a `FormatError` with its line. */
export async function loadQuestions(path: string): Promise<Question[]> {
  return checkQuestions(parseJsonlRows(await readDatasetFile(path), path), path);
}

/** A question with the place in the file that errors name. */
export interface PlacedQuestion {
  question: Question;
  /** `line 7`, `row 7`. */
  place: string;
}

/** The questions, if there are any and each has its own id. */
export function checkQuestions(placed: readonly PlacedQuestion[], path: string): Question[] {
  if (placed.length === 0)
    throw new FormatError('has no question; wanted lines like {"question": "…", "answers": ["…"]}', { path });
  const placeOfId = new Map<string, string>();
  for (const { question, place } of placed) {
    const before = placeOfId.get(question.id);
    if (before !== undefined) {
      throw new FormatError(`id "${question.id}" is already that of ${before}; give each question its own`, {
        path: `${path}:${place.replace(/^line /, "")}`,
      });
    }
    placeOfId.set(question.id, place);
  }
  return placed.map(({ question }) => question);
}
