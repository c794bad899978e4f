import { z } from "zod";
import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";
import type { PromptPassage } from "../prompts/answer.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { type AnsweringParts, generateAnswer, retrieveFor } from "./answering.ts";
import type { Method } from "./method.ts";

/** How much of its augmentation stands under each passage, at most; 0 leaves it out. */
export const daRagOptions = z.strictObject({
  rewrites: z.int().nonnegative().default(1),
  pairs: z.int().nonnegative().default(3),
});
export type DaRagOptions = z.infer<typeof daRagOptions>;

/** What is known of passages beyond their text; one without an augmentation is not in the map. */
export type AugmentationLookup = (
  passages: readonly Passage[],
) => Promise<ReadonlyMap<string, Pick<AugmentedPassage, "rewrites" | "pairs">>>;

export interface DaRagParts extends AnsweringParts {
  retriever: Retriever;
  augmentations: AugmentationLookup;
  options?: Partial<DaRagOptions> | undefined;
}

/**
 * In-context RAG whose prompt shows rewrites and question-answer pairs under each passage: it has in text what P-RAG
 * trains on, so the difference between them is what the parameters bring.
 */
export const daRag = (parts: DaRagParts): Method => {
  const options = daRagOptions.parse(parts.options ?? {});
  return {
    name: "da-rag",
    async *answer(question, answerOptions = {}) {
      const startedMs = parts.clock();
      const { query, hits, retrievalMs } = await retrieveFor(question, answerOptions, parts);
      yield { type: "retrieval", round: 1, query, hits };
      const augmented = await parts.augmentations(hits.map((hit) => hit.passage));
      const passages: PromptPassage[] = [];
      for (const { passage } of hits) {
        const rewrites = augmented.get(passage.id)?.rewrites.slice(0, options.rewrites) ?? [];
        const pairs = augmented.get(passage.id)?.pairs.slice(0, options.pairs) ?? [];
        passages.push({ ...passage, rewrites, pairs });
        yield { type: "adapter", passageId: passage.id, key: undefined, usedAs: "context" };
        yield {
          type: "decision",
          round: 1,
          reason: augmented.has(passage.id)
            ? `${passage.title}: shown with its augmentation`
            : `${passage.title}: has no augmentation, shown as it is`,
          numbers: { rewrites: rewrites.length, pairs: pairs.length },
        };
      }
      yield* generateAnswer(question, answerOptions, {
        ...parts,
        prepared: { passages, rounds: 1, startedMs, timings: { retrievalMs } },
      });
    },
  };
};
