import { z } from "zod";
import type { Passage } from "../corpus/corpus.ts";
import type { Generator } from "../generation/generator.ts";
import type { PromptPassage } from "../prompts/answer.ts";
import { summaryMessages } from "../prompts/memory.ts";
import type { Hit, Retriever } from "../retrieval/retriever.ts";
import { type AnsweringParts, generateAnswer } from "./answering.ts";
import type { AnswerOptions, Method, MethodEvent } from "./method.ts";
import { type Recollection, recall, recallKeyPoints } from "./recollection.ts";

/** Numbers of MemoRAG; the defaults are those of its authors' code. */
export const memoragOptions = z.strictObject({
  /** Passages that each query finds. */
  hits: z.int().min(1).max(100).default(3),
  /** Tokens of clues, of questions and of a draft, each. */
  recallTokens: z.int().min(1).default(128),
  /** Tokens of the key points that a summary is made from. */
  keyPointTokens: z.int().min(1).default(512),
  /** Recall a draft answer too, search by it, and show it to the generator. */
  draft: z.boolean().default(false),
});
export type MemoragOptions = z.infer<typeof memoragOptions>;

/** Where this departs from the authors' code, and why. */
export const memoragNotes = [
  "what is asked follows the text in one turn, so that no assistant header is left open and no second system block begins",
  "passages are found by BM25 where the settings name no other retriever",
];

export interface MemoragParts extends AnsweringParts {
  /** What the text is remembered by. */
  recollection: Recollection;
  /** Recalls; the generator of the answer may be another. */
  recaller: Generator;
  /** Over the passages of the remembered text. */
  retriever: Retriever;
  options: MemoragOptions;
}

/**
 * MemoRAG: clues and surrogate questions come from the memory of a text, its passages are found by them and by the question,
 * and the answer is read from their union, in the order of the text. Qian et al. 2025 (arXiv 2409.05591).
 */
export const memorag = (parts: MemoragParts): Method => ({
  name: "memorag",
  async *answer(question, options = {}) {
    const { clock, options: numbers } = parts;
    const startedMs = clock();
    const { signal } = options;
    const asked = { recollection: parts.recollection, question };
    const { clues, parts: subQuestions, draft } = await recall(parts.recaller, asked, { ...numbers, signal });
    yield {
      type: "decision",
      round: 0,
      reason: `recalled: ${[...clues, ...subQuestions].join(" | ") || "nothing"}${draft ? `; draft: ${draft}` : ""}`,
      numbers: { clues: clues.length, questions: subQuestions.length },
    };
    const queries = [...clues, ...subQuestions, ...(draft ? [draft] : []), question];
    const found = yield* search(queries, parts);
    const passages: PromptPassage[] = draft
      ? [...found.passages, { title: "Draft", text: `The answer might be ${draft}.` }]
      : found.passages;
    yield* generateAnswer(question, options, {
      ...parts,
      prepared: {
        passages,
        rounds: queries.length,
        startedMs,
        timings: { retrievalMs: found.retrievalMs },
      },
    });
  },
});

/** The summary of a remembered text: key points from memory, the passages that bear them, and what a generator makes of these. */
export async function* summarise(
  parts: MemoragParts,
  { maxTokens = 256, sampling, signal }: Pick<AnswerOptions, "maxTokens" | "sampling" | "signal"> = {},
): AsyncGenerator<MethodEvent> {
  const { clock, generator, recaller, recollection, options } = parts;
  const startedMs = clock();
  const points = await recallKeyPoints(recaller, recollection, { maxTokens: options.keyPointTokens, signal });
  const { passages, retrievalMs } = yield* search(points, parts);
  const request = {
    messages: summaryMessages(passages.length ? passages.map(({ text }) => text) : points),
    maxTokens,
    sampling,
  };
  const tokens = generator.generate(request, { signal });
  let firstTokenMs: number | undefined;
  let next = await tokens.next();
  for (; !next.done; next = await tokens.next()) {
    firstTokenMs ??= clock() - startedMs;
    if (next.value.text) yield { type: "text-delta", text: next.value.text };
  }
  const { text, promptTokens, tokens: generated } = next.value;
  yield {
    type: "end",
    text,
    answer: text.trim(),
    usage: { promptTokens, generatedTokens: generated.length },
    rounds: points.length,
    timings: { totalMs: clock() - startedMs, retrievalMs, loadMs: 0, mergeMs: 0, firstTokenMs },
  };
}

/** Searches by every query; the union of what is found, in the order of the text. */
async function* search(
  queries: readonly string[],
  { retriever, clock, options }: MemoragParts,
): AsyncGenerator<MethodEvent, { passages: Passage[]; retrievalMs: number }> {
  const start = clock();
  const union = new Map<string, Hit>();
  for (const [i, query] of queries.entries()) {
    const hits = await retriever.retrieve(query, options.hits);
    yield { type: "retrieval", round: i + 1, query, hits };
    for (const hit of hits) if (!union.has(hit.passage.id)) union.set(hit.passage.id, hit);
  }
  const passages = [...union.values()].map(({ passage }) => passage).sort((a, b) => a.position - b.position);
  const retrievalMs = clock() - start;
  for (const { id } of passages) yield { type: "adapter", passageId: id, key: undefined, usedAs: "context" };
  return { passages, retrievalMs };
}
