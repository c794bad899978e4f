import { z } from "zod";
import { draftPassageMessages } from "../prompts/memory.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { type AnsweringParts, generateAnswer, retrievalQuery, retrieveFor } from "./answering.ts";
import type { Method } from "./method.ts";
import { countingPreparation, prepareText, tokensOf } from "./preparation.ts";

/** Numbers of HyDE. */
export const hydeOptions = z.strictObject({
  /** Tokens of the invented passage. */
  draftTokens: z.int().min(1).default(128),
});

/** Where this departs from the paper, and why. */
export const hydeNotes = [
  "the query is the generated passage with the question after it, for any retriever; the paper averages vectors of several passages",
];

/**
 * HyDE: a passage that might answer the question is generated first, and passages are retrieved that are like it (Gao et al.
 * 2023, arXiv 2212.10496). Then as in-context RAG.
 */
export const hyde = (
  parts: AnsweringParts & { retriever: Retriever; options: z.infer<typeof hydeOptions> },
): Method => ({
  name: "hyde",
  async *answer(question, options = {}) {
    const { clock, generator, retriever } = parts;
    const startedMs = clock();
    const asked = retrievalQuery(question, options.history);
    const request = { messages: draftPassageMessages(question), maxTokens: parts.options.draftTokens };
    const draft = await prepareText(generator, request, options);
    const { history: _history, ...alone } = options; // the history is in the query already
    const query = `${draft.text.trim()} ${asked}`.trim();
    const { hits, retrievalMs } = await retrieveFor(query, alone, { retriever, clock });
    yield { type: "retrieval", round: 1, query, hits };
    for (const { passage } of hits) {
      yield { type: "adapter", passageId: passage.id, key: undefined, usedAs: "context" };
    }
    const passages = hits.map((hit) => hit.passage);
    const prepared = { passages, rounds: 1, startedMs, timings: { retrievalMs } };
    yield* countingPreparation(generateAnswer(question, options, { ...parts, prepared }), tokensOf([draft]));
  },
});
