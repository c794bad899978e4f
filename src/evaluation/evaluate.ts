import type { Method, Timings } from "../methods/method.ts";
import { type AnswerScores, scoreAnswer } from "../text/scores.ts";
import { type FoldedAnswer, foldAnswer } from "./fold-answer.ts";
import type { Question } from "./questions.ts";
import { type RunSummary, summarise } from "./summary.ts";
import { supports } from "./support.ts";

/** What a method made of one question, kept in memory: for the demo and small experiments; runs on disk are of `answer-questions.ts`. */
export interface EvaluationRecord extends AnswerScores {
  id: string;
  type: string;
  question: string;
  /** The accepted answers. */
  answers: string[];
  /** All that the method said. */
  text: string;
  /** The part of it that is scored. */
  answer: string;
  promptTokens: number;
  generatedTokens: number;
  rounds: number;
  /** Undefined where the question failed. */
  timings: Timings | undefined;
  /** Passages without an adapter, in a method that wanted one; they stood in the prompt or were skipped. */
  fallbacks: number;
  /** Share of what supports the answer that was retrieved; undefined where the question names nothing or nothing was retrieved. */
  retrievalRecall: number | undefined;
  /** Why the question could not be answered; it counts as a wrong answer. */
  failed: string | undefined;
}

/** A method on a dataset. */
export interface EvaluationRun {
  /** In the order of the questions. */
  records: EvaluationRecord[];
  summary: RunSummary;
}

export interface EvaluateOptions {
  /** Passages to retrieve. */
  limit?: number | undefined;
  maxTokens?: number | undefined;
  signal?: AbortSignal | undefined;
  onDone?: ((record: EvaluationRecord, done: number, total: number) => void) | undefined;
}

/**
 * Asks a method every question, one after another, and scores the answers. A question that the method cannot accept
 * (`InputError`: its prompt is too long) is recorded as failed; any other error ends the run.
 */
export async function evaluateMethod(
  method: Method,
  questions: readonly Question[],
  { limit, maxTokens, signal, onDone }: EvaluateOptions = {},
): Promise<EvaluationRun> {
  const records: EvaluationRecord[] = [];
  for (const question of questions) {
    signal?.throwIfAborted();
    const folded = await foldAnswer(method, question.question, { limit, maxTokens, signal });
    const record = createRecord(question, folded);
    records.push(record);
    onDone?.(record, records.length, questions.length);
  }
  return { records, summary: summarise(method.name, records) };
}

function createRecord(question: Question, fold: FoldedAnswer): EvaluationRecord {
  const { id, type, answers } = question;
  const { text = "", answer = "", usage, rounds = 0, timings } = fold.end ?? {};
  const none = { em: 0, f1: 0, precision: 0, recall: 0 };
  return {
    id,
    type,
    question: question.question,
    answers,
    text,
    answer,
    ...(fold.error ? none : scoreAnswer(answer, answers)),
    promptTokens: usage?.promptTokens ?? 0,
    generatedTokens: usage?.generatedTokens ?? 0,
    rounds,
    timings,
    fallbacks: fold.fallbacks,
    retrievalRecall: fold.retrievals > 0 ? supportRecall(question, fold) : undefined,
    failed: fold.error?.message,
  };
}

/** Share of the articles and contexts of a question that are among the retrieved passages. */
function supportRecall(question: Question, { passages }: FoldedAnswer): number | undefined {
  const found = supports(question).map((isSupport) => passages.some(({ passage }) => isSupport(passage)));
  return found.length ? found.filter(Boolean).length / found.length : undefined;
}
