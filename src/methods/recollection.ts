import type { GenerationRequest, Generator } from "../generation/generator.ts";
import type { Memory } from "../memory/memory.ts";
import { answerPrompts } from "../prompts/answer.ts";
import { cluesMessages, keyPointsMessages, notesMessages, partsMessages } from "../prompts/memory.ts";
import { extractAnswer } from "../text/normalise.ts";
import { type TokenUsage, tokensOf } from "./preparation.ts";

/** What a text is remembered by: its compressed keys and values, or notes that fit into a prompt (lite mode). */
export type Recollection = { memory: Memory } | { notes: string };

/** What is recalled for a question. */
export interface Recalled {
  /** Lines as they may stand in the text. */
  clues: string[];
  /** Questions behind the question. */
  parts: string[];
  /** An answer from memory alone. */
  draft: string | undefined;
  usage: TokenUsage;
}

/** How much is recalled. */
export interface RecallOptions {
  /** Tokens of clues, of questions and of a draft. */
  recallTokens: number;
  /** Also a draft answer. */
  draft: boolean;
  signal?: AbortSignal | undefined;
}

/** Words that a line needs to be worth a search. */
const leastWords = 4;

/** Recalls clues and questions, and a draft answer if it is wanted, for a question. */
export async function recall(
  generator: Generator,
  { recollection, question }: { recollection: Recollection; question: string },
  { recallTokens, draft, signal }: RecallOptions,
): Promise<Recalled> {
  const asked = [cluesMessages(question), partsMessages(question)];
  const requests = asked.map((messages) => requestOver(recollection, messages, recallTokens));
  if (draft) {
    const request = requestOver(recollection, answerPrompts.messages(question), recallTokens);
    requests.push({ ...request, prefix: answerPrompts.prefix });
  }
  const recalled = await generator.generateBatch(requests, { signal });
  const [clues, parts, answer] = recalled;
  return {
    usage: tokensOf(recalled),
    clues: linesOf(clues?.text ?? ""),
    parts: linesOf(parts?.text ?? ""),
    draft: answer && extractAnswer(answer.text, answerPrompts),
  };
}

/** Recalls what matters in the text, for a summary. */
export async function recallKeyPoints(
  generator: Generator,
  recollection: Recollection,
  { maxTokens, signal }: { maxTokens: number; signal?: AbortSignal | undefined },
): Promise<{ points: string[]; usage: TokenUsage }> {
  const request = requestOver(recollection, keyPointsMessages(), maxTokens);
  const recalled = await generator.generateBatch([request], { signal });
  return { points: linesOf(recalled[0]?.text ?? ""), usage: tokensOf(recalled) };
}

function requestOver(
  recollection: Recollection,
  messages: GenerationRequest["messages"],
  maxTokens: number,
): GenerationRequest {
  return "memory" in recollection
    ? { memory: recollection.memory, messages, maxTokens }
    : { messages: notesMessages(recollection.notes, messages), maxTokens };
}

/** Lines that are worth a search, without the numbers and bullets that models put before them; each once. */
export function linesOf(text: string): string[] {
  const lines = text.split("\n").map((line) => line.replace(/^\s*(?:[-*•]|\d+[.)])\s+/, "").trim());
  return [...new Set(lines.filter((line) => line.split(/\s+/).length >= leastWords))];
}
