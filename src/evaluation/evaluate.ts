import { InputError } from "../base/errors.ts";
import type { Passage } from "../corpus/corpus.ts";
import type { Method, MethodEvent, MethodName, Timings } from "../methods/method.ts";
import { extractAnswerLeniently } from "../text/normalise.ts";
import { type AnswerScores, scoreAnswer } from "../text/scores.ts";
import type { Question } from "./questions.ts";
import { type RunSummary, summarise } from "./summary.ts";

/** What a method made of one question. */
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
  /** F1 of the answer as it is cut leniently: dates, numbers and initials stay whole. */
  lenientF1: number;
  promptTokens: number;
  generatedTokens: number;
  rounds: number;
  /** Undefined where the question failed. */
  timings: Timings | undefined;
  /** Passages without an adapter, in a method that wanted one; they stood in the prompt or were skipped. */
  fallbacks: number;
  /** All passages that were retrieved, in the order in which they first came. */
  retrieved: { passageId: string; title: string; score: number }[];
  /** Whether any supporting passage was retrieved; undefined where the question names none or nothing was retrieved. */
  hit: boolean | undefined;
  /** Share of what supports the answer that was retrieved; undefined as `hit` is. */
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
    const record = await answerOne(method, question, { limit, maxTokens, signal });
    records.push(record);
    onDone?.(record, records.length, questions.length);
  }
  return { records, summary: summarise(method.name, records) };
}

async function answerOne(
  method: Method,
  question: Question,
  options: EvaluateOptions,
): Promise<EvaluationRecord> {
  const fold = new Fold(method.name);
  try {
    for await (const event of method.answer(question.question, options)) fold.take(event);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return createRecord(question, fold, error.message);
  }
  if (!fold.end) throw new Error(`internal: method ${method.name} ended without an "end" event`);
  return createRecord(question, fold);
}

/** What is kept of a method's events. */
class Fold {
  readonly passages = new Map<string, { passage: Passage; score: number }>();
  retrievals = 0;
  fallbacks = 0;
  end: Extract<MethodEvent, { type: "end" }> | undefined;
  readonly #wantsAdapters: boolean;

  constructor(method: MethodName) {
    this.#wantsAdapters = method === "prag" || method === "combine";
  }

  take(event: MethodEvent): void {
    if (event.type === "end") this.end = event;
    if (event.type === "adapter" && this.#wantsAdapters && event.key === undefined) this.fallbacks++;
    if (event.type !== "retrieval") return;
    this.retrievals++;
    for (const { passage, score } of event.hits) {
      if (!this.passages.has(passage.id)) this.passages.set(passage.id, { passage, score });
    }
  }
}

function createRecord(question: Question, fold: Fold, failed?: string): EvaluationRecord {
  const { id, type, answers } = question;
  const { text = "", answer = "", usage, rounds = 0, timings } = fold.end ?? {};
  const recall = fold.retrievals > 0 ? supportRecall(question, fold) : undefined;
  const none = { em: 0, f1: 0, precision: 0, recall: 0 };
  return {
    id,
    type,
    question: question.question,
    answers,
    text,
    answer,
    ...(failed === undefined ? scoreAnswer(answer, answers) : none),
    lenientF1: failed === undefined ? scoreAnswer(extractAnswerLeniently(text), answers).f1 : 0,
    promptTokens: usage?.promptTokens ?? 0,
    generatedTokens: usage?.generatedTokens ?? 0,
    rounds,
    timings,
    fallbacks: fold.fallbacks,
    retrieved: [...fold.passages.values()].map(({ passage, score }) => ({
      passageId: passage.id,
      title: passage.title,
      score,
    })),
    hit: recall === undefined ? undefined : recall > 0,
    retrievalRecall: recall,
    failed,
  };
}

/** Share of the articles and contexts of a question that are among the retrieved passages. */
function supportRecall({ articles, contexts }: Question, { passages }: Fold): number | undefined {
  const retrieved = [...passages.values()].map(({ passage }) => passage);
  const found = [
    ...articles.map((title) => retrieved.some((passage) => passage.title === title)),
    ...contexts.map((context) => retrieved.some(({ text }) => overlaps(squeeze(text), squeeze(context)))),
  ];
  return found.length ? found.filter(Boolean).length / found.length : undefined;
}

/** A dataset's context may be cut to smaller passages, or be a sentence of one. */
function overlaps(text: string, context: string): boolean {
  return text !== "" && context !== "" && (text.includes(context) || context.includes(text));
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
