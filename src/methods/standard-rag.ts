import type { Retriever } from "../retrieval/retriever.ts";
import { type AnsweringParts, generateAnswer, retrieveFor } from "./answering.ts";
import type { Method } from "./method.ts";

/** In-context RAG: the retrieved passages stand in the prompt, best first. */
export const standardRag = (parts: AnsweringParts & { retriever: Retriever }): Method => ({
  name: "standard-rag",
  async *answer(question, options = {}) {
    const startedMs = parts.clock();
    const { query, hits, retrievalMs } = await retrieveFor(question, options, parts);
    yield { type: "retrieval", round: 1, query, hits };
    for (const { passage } of hits) {
      yield { type: "adapter", passageId: passage.id, key: undefined, usedAs: "context" };
    }
    const passages = hits.map((hit) => hit.passage);
    yield* generateAnswer(question, options, {
      ...parts,
      prepared: { passages, rounds: 1, startedMs, timings: { retrievalMs } },
    });
  },
});
