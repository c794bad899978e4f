import type { Sampling } from "../generation/generator.ts";
import type { Hit } from "../retrieval/retriever.ts";

/** The methods that the paper compares, in the order of reports. */
export const paperMethodNames = [
  "closed-book",
  "standard-rag",
  "da-rag",
  "flare",
  "flare-token",
  "dragin",
  "prag",
  "combine",
] as const;

/** All methods that answer from a collection. */
export const methodNames = [...paperMethodNames, "hyde", "decompose", "full-context"] as const;

/** Names of the methods, as reports and servers know them; `memorag` answers from a memory of one text. */
export type MethodName = (typeof methodNames)[number] | "memorag";

/** Whether a method answers with the adapters of what it retrieves. */
export function usesAdapters(name: string): boolean {
  return name === "prag" || name === "combine";
}

/** A turn before the question. */
export interface HistoryTurn {
  role: "system" | "user" | "assistant";
  content: string;
}

/** How a passage took part in an answer. */
export type PassageUse = "adapter" | "context" | "both" | "skipped";

/** Seconds spent, in milliseconds; merge and load apart, as the paper's Table 4 counts them apart. */
export interface Timings {
  totalMs: number;
  retrievalMs: number;
  /** Reading adapters from disk or cache. */
  loadMs: number;
  mergeMs: number;
  /** Until the first token; undefined when nothing was generated. */
  firstTokenMs: number | undefined;
}

/** What a method says while it answers. */
export type MethodEvent =
  | { type: "retrieval"; round: number; query: string; hits: Hit[] }
  | { type: "adapter"; passageId: string; key: string | undefined; usedAs: PassageUse }
  | {
      type: "decision";
      /** Retrievals so far: the decision was made after this many. */
      round: number;
      /** What was decided and why, for people. */
      reason: string;
      /** What it was decided by: scores, thresholds, counts of tokens. */
      numbers: Record<string, number>;
    }
  | { type: "text-delta"; text: string }
  | {
      type: "end";
      /** All text of the answer. */
      text: string;
      /** The answer within it, as it is scored. */
      answer: string;
      /** The text reasons first: `answer` was taken from behind "the answer is". */
      chainOfThought?: boolean | undefined;
      /** Of all that was generated, drafts included, and of the prompts for it. */
      usage: { promptTokens: number; generatedTokens: number };
      rounds: number;
      timings: Timings;
    };

/** How to answer one question. */
export interface AnswerOptions {
  history?: readonly HistoryTurn[] | undefined;
  /** Passages to retrieve. */
  limit?: number | undefined;
  sampling?: Sampling | undefined;
  maxTokens?: number | undefined;
  /** The answer ends before the first of these; texts that only prepare it do not. */
  stop?: readonly string[] | undefined;
  signal?: AbortSignal | undefined;
}

/** A way to answer questions. Law: a `text-delta` is never taken back; the last event is `end`. */
export interface Method {
  name: MethodName;
  answer(question: string, options?: AnswerOptions): AsyncGenerator<MethodEvent>;
}
