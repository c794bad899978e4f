import { z } from "zod";
import { InputError } from "../base/errors.ts";
import type { Passage } from "../corpus/corpus.ts";
import type { Generator } from "../generation/generator.ts";
import type { PromptPassage } from "../prompts/answer.ts";
import { summaryMessages } from "../prompts/memory.ts";
import type { Hit, Retriever } from "../retrieval/retriever.ts";
import { type AnsweringParts, generateAnswer, retrievalQuery } from "./answering.ts";
import { answerFits, inTurn, mostThatFit, requestFits } from "./fitting.ts";
import type { AnswerOptions, Method, MethodEvent } from "./method.ts";
import { countingPreparation } from "./preparation.ts";
import { type Recollection, recall, recallKeyPoints } from "./recollection.ts";

/** Numbers of MemoRAG; the defaults are those of its authors' code. */
export const memoragOptions = z.strictObject({
  /** Passages that each query finds; where absent, as many as the question's `limit` says. */
  hits: z.int().min(1).max(100).optional(),
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
  "where not all passages fit into the generator's context, the best of every query in turn are read, the question's own first",
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
    const wanted = retrievalQuery(question, options.history);
    const asked = { recollection: parts.recollection, question: wanted };
    const recalled = await recall(parts.recaller, asked, { ...numbers, signal });
    const { clues, parts: subQuestions, draft } = recalled;
    yield {
      type: "decision",
      round: 0,
      reason: `recalled: ${[...clues, ...subQuestions].join(" | ") || "nothing"}${draft ? `; draft: ${draft}` : ""}`,
      numbers: { clues: clues.length, questions: subQuestions.length },
    };
    const queries = [...clues, ...subQuestions, ...(draft ? [draft] : []), wanted];
    const { found, retrievalMs } = yield* search(queries, parts, options);
    const shown = (count: number): PromptPassage[] => [
      ...inOrder(found.slice(0, count)),
      ...(draft ? [{ title: "Draft", text: `The answer might be ${draft}.` }] : []),
    ];
    const count = await mostThatFit(found.length, (some) =>
      answerFits(question, shown(some), { ...parts, options }),
    );
    yield* uses(found, count);
    const timings = { retrievalMs };
    const prepared = { passages: shown(count), rounds: queries.length, startedMs, timings };
    yield* countingPreparation(generateAnswer(question, options, { ...parts, prepared }), recalled.usage);
  },
});

/** The summary of a remembered text: key points from memory, the passages that bear them, and what a generator makes of these. */
export async function* summarise(
  parts: MemoragParts,
  { maxTokens = 256, sampling, signal }: Pick<AnswerOptions, "maxTokens" | "sampling" | "signal"> = {},
): AsyncGenerator<MethodEvent> {
  const { clock, generator, recaller, recollection, options } = parts;
  const startedMs = clock();
  const limits = { maxTokens: options.keyPointTokens, signal };
  const { points, usage } = await recallKeyPoints(recaller, recollection, limits);
  if (points.length === 0)
    throw new InputError(
      "the memory recalls no key point, so there is nothing to summarise; memorize with a smaller ratio, or with --lite",
    );
  const { found, retrievalMs } = yield* search(points, parts, { signal });
  const requestOver = (texts: readonly string[]) => ({
    messages: summaryMessages(texts),
    maxTokens,
    sampling,
  });
  const shown = (count: number) => requestOver(inOrder(found.slice(0, count)).map(({ text }) => text));
  const count = await mostThatFit(found.length, (some) => requestFits(generator, shown(some)));
  yield* uses(found, count);
  const request = count > 0 ? shown(count) : requestOver(points);
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
    usage: {
      promptTokens: usage.promptTokens + promptTokens,
      generatedTokens: usage.generatedTokens + generated.length,
    },
    rounds: points.length,
    timings: { totalMs: clock() - startedMs, retrievalMs, loadMs: 0, mergeMs: 0, firstTokenMs },
  };
}

/** Searches by every query; what is found, the best of every query in turn, those of the last query first. */
async function* search(
  queries: readonly string[],
  { retriever, clock, options }: MemoragParts,
  { limit = 3, signal }: Pick<AnswerOptions, "limit" | "signal"> = {},
): AsyncGenerator<MethodEvent, { found: Passage[]; retrievalMs: number }> {
  const start = clock();
  const lists: Hit[][] = [];
  for (const [i, query] of queries.entries()) {
    const hits = await retriever.retrieve(query, options.hits ?? limit, { signal });
    yield { type: "retrieval", round: i + 1, query, hits };
    lists.unshift(hits);
  }
  return { found: inTurn(lists).map(({ passage }) => passage), retrievalMs: clock() - start };
}

/** In the order of the text. */
function inOrder(passages: readonly Passage[]): Passage[] {
  return [...passages].sort((a, b) => a.position - b.position);
}

/** Says of the first `count` passages that they are read, and of the others that they are not. */
function uses(found: readonly Passage[], count: number): MethodEvent[] {
  const event = (usedAs: "context" | "skipped") => (passage: Passage) => ({
    type: "adapter" as const,
    passageId: passage.id,
    key: undefined,
    usedAs,
  });
  return [
    ...inOrder(found.slice(0, count)).map(event("context")),
    ...found.slice(count).map(event("skipped")),
  ];
}
