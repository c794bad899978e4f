import { join } from "node:path";
import { PromptTooLongError } from "../base/errors.ts";
import { type JsonlWriter, openJsonl, readJsonl } from "../base/jsonl.ts";
import { noProgress, type Progress } from "../base/progress.ts";
import type { AnswerOptions, Method } from "../methods/method.ts";
import { extractAnswerLeniently } from "../text/normalise.ts";
import { type AnswerScores, scoreAnswer } from "../text/scores.ts";
import { containsAnswer } from "./answer-finder.ts";
import { type FoldedAnswer, foldAnswer } from "./fold-answer.ts";
import { questionHash } from "./question-rows.ts";
import type { Question } from "./questions.ts";
import { type RunRecord, runFiles, runRecordSchema } from "./run-format.ts";

/** The method that answers a question. */
export type MethodOf = (question: Question) => Promise<Method>;

/** What a method said: its text, and the answer within it; with a chain of thought the text reasons first. */
export interface GivenAnswer {
  text: string;
  answer: string;
  chainOfThought: boolean;
}

/** What a dataset scores in its own way: the answer within a text, or all of it. */
export type Scorer = (question: Question, said: GivenAnswer) => AnswerScores;

/** A method of a run, opened only if it has questions left. */
export interface RunMethod {
  /** The method's name, or that of a variant. */
  id: string;
  /** The method, or what gives each question its own: where every question is about a text of its own. */
  open(): Promise<Method | MethodOf>;
  options: AnswerOptions;
  chainOfThought: boolean;
}

/** What answering takes. */
export interface AnsweringRun {
  folder: string;
  questions: readonly Question[];
  methods: readonly RunMethod[];
  /** Questions in flight. */
  inFlight: number;
  /** Leaves questions, answers and what methods said out of the records. */
  withoutTexts?: boolean | undefined;
  /** In place of the scores of short answers. */
  score?: Scorer | undefined;
  /** Milliseconds. */
  clock: () => number;
  progress?: Progress | undefined;
  signal?: AbortSignal | undefined;
}

/** What a call did. */
export interface AnsweringReport {
  answered: number;
  /** Seconds in which at least one method was at work. */
  answerSeconds: number;
}

/**
 * Asks every method every question that has no record yet, one method after another. A record is on disk before the next
 * question is begun in its place, so that a killed run loses no more than the questions in flight.
 */
export async function answerQuestions(run: AnsweringRun): Promise<AnsweringReport> {
  const path = join(run.folder, runFiles.records);
  const records = await openJsonl(path); // first, for it cuts a half-written row off
  try {
    const before = await readJsonl(path, runRecordSchema);
    const stopwatch = new Stopwatch(run.clock);
    const total = run.questions.length * run.methods.length;
    let count = 0;
    for (const method of run.methods) {
      const left = questionsLeft(run.questions, before, method.id);
      count += run.questions.length - left.length;
      if (left.length === 0) continue;
      const onDone = () => reportProgress(run, { method: method.id, done: ++count, total });
      await answerAll({ ...run, questions: left }, { method, records, stopwatch, onDone });
    }
    return { answered: stopwatch.count, answerSeconds: stopwatch.totalMs / 1000 };
  } finally {
    await records.close();
  }
}

/** The questions that have no record of a method yet. */
export function questionsLeft(
  questions: readonly Question[],
  records: readonly RunRecord[],
  method: string,
): Question[] {
  const done = new Set(records.filter((record) => record.method === method).map(({ id }) => id));
  return questions.filter(({ id }) => !done.has(id));
}

function reportProgress(
  { progress = noProgress }: AnsweringRun,
  { method, done, total }: { method: string; done: number; total: number },
): void {
  progress({ task: "answer", done, total, note: `${method}, ${done} of ${total} answers` });
}

interface AnswerParts {
  method: RunMethod;
  records: JsonlWriter;
  stopwatch: Stopwatch;
  onDone: () => void;
}

/** Several questions in flight, taken in their order; the first failure ends all. */
async function answerAll(run: AnsweringRun, parts: AnswerParts): Promise<void> {
  const { method, records, stopwatch, onDone } = parts;
  const opened = await method.open();
  const methodOf: MethodOf = typeof opened === "function" ? opened : async () => opened;
  const failure = new AbortController();
  const signal = run.signal ? AbortSignal.any([run.signal, failure.signal]) : failure.signal;
  const queue = run.questions.values();
  const work = async () => {
    for (const question of queue) {
      signal.throwIfAborted();
      const own = methodOf(question);
      await Promise.allSettled([own]); // its time is not that of the answer
      const answer = () => foldAnswer(own, question.question, { ...method.options, signal });
      const folded = await stopwatch.time(answer);
      await records.append(createRecord(question, folded, { ...run, method }));
      onDone();
    }
  };
  const workers = Array.from({ length: run.inFlight }, () =>
    work().catch((error: unknown) => {
      failure.abort(error);
      throw error;
    }),
  );
  const results = await Promise.allSettled(workers); // nobody writes after the file is closed
  for (const result of results) if (result.status === "rejected") throw failure.signal.reason;
}

/** Measures the time in which at least one task is at work. */
class Stopwatch {
  totalMs = 0;
  count = 0;
  #active = 0;
  #startedMs = 0;
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  async time<T>(task: () => Promise<T>): Promise<T> {
    if (this.#active++ === 0) this.#startedMs = this.#clock();
    try {
      return await task();
    } finally {
      this.count++;
      if (--this.#active === 0) this.totalMs += this.#clock() - this.#startedMs;
    }
  }
}

function createRecord(
  question: Question,
  folded: FoldedAnswer,
  {
    method: { id, chainOfThought },
    withoutTexts,
    score = (of, said) => scoreAnswer(said.answer, of.answers),
  }: Pick<AnsweringRun, "withoutTexts" | "score"> & { method: RunMethod },
): RunRecord {
  const { end, error, passages, adapters, fallbacks, decisions } = folded;
  const prediction = end?.text ?? "";
  const answer = end?.answer ?? "";
  const lenientAnswer = extractAnswerLeniently(prediction, { chainOfThought });
  const { answers } = question;
  const none = { em: 0, f1: 0, precision: 0, recall: 0 };
  return {
    id: question.id,
    questionHash: questionHash(question),
    type: question.type,
    method: id,
    scores: end ? score(question, { text: prediction, answer, chainOfThought }) : none,
    lenient: end ? score(question, { text: prediction, answer: lenientAnswer, chainOfThought }) : none,
    isPresent: end !== undefined && containsAnswer(prediction, answers),
    promptTokens: end?.usage.promptTokens ?? 0,
    generatedTokens: end?.usage.generatedTokens ?? 0,
    rounds: end?.rounds ?? 0,
    timings: end?.timings ?? null,
    retrieved: passages.map(({ passage }) => passage.id),
    adapters,
    fallbacks,
    decisions,
    ...(error && { error: { kind: kindOf(error), message: error.message } }),
    ...(!withoutTexts && {
      texts: { question: question.question, answers, prediction, answer, lenientAnswer },
    }),
  };
}

function kindOf(error: Error): "prompt-too-long" | "input" {
  return error instanceof PromptTooLongError ? "prompt-too-long" : "input";
}
