import { z } from "zod";
import { partsMessages } from "../prompts/memory.ts";
import type { Hit, Retriever } from "../retrieval/retriever.ts";
import { type AnsweringParts, defaultLimit, generateAnswer, retrievalQuery } from "./answering.ts";
import { inTurn } from "./fitting.ts";
import type { Method } from "./method.ts";
import { countingPreparation, prepareText, tokensOf } from "./preparation.ts";
import { linesOf } from "./recollection.ts";

/** Numbers of query decomposition. */
export const decomposeOptions = z.strictObject({
  /** Tokens of the questions that the question is taken apart into. */
  partTokens: z.int().min(1).default(96),
  /** Of these questions, the first so many. */
  parts: z.int().min(1).max(16).default(4),
});

/** Where this departs from the paper, and why. */
export const decomposeNotes = [
  "prompted, not trained: RQ-RAG fine-tunes its model on taking questions apart, this asks a model to do it",
];

/**
 * Query decomposition in RQ-RAG's manner (Chan et al. 2024, arXiv 2404.00610): the model takes the question apart, every part
 * and the question itself are searched by, and the best of each in turn stand in the prompt.
 */
export const decompose = (
  given: AnsweringParts & { retriever: Retriever; options: z.infer<typeof decomposeOptions> },
): Method => ({
  name: "decompose",
  async *answer(question, options = {}) {
    const { clock, generator, retriever } = given;
    const startedMs = clock();
    const asked = retrievalQuery(question, options.history);
    const request = { messages: partsMessages(question), maxTokens: given.options.partTokens };
    const parts = await prepareText(generator, request, options);
    const queries = [asked, ...linesOf(parts.text).slice(0, given.options.parts)];
    const { limit = defaultLimit } = options;
    const start = clock();
    const found: Hit[][] = [];
    for (const [i, query] of queries.entries()) {
      const hits = await retriever.retrieve(query, limit, options);
      found.push(hits);
      yield { type: "retrieval", round: i + 1, query, hits };
    }
    const retrievalMs = clock() - start;
    const passages = inTurn(found, limit).map((hit) => hit.passage);
    for (const { id } of passages)
      yield { type: "adapter", passageId: id, key: undefined, usedAs: "context" };
    const prepared = { passages, rounds: queries.length, startedMs, timings: { retrievalMs } };
    yield* countingPreparation(generateAnswer(question, options, { ...given, prepared }), tokensOf([parts]));
  },
});
