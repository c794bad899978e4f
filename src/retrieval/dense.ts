import type { Passage } from "../corpus/corpus.ts";
import type { Embedder } from "./embedder.ts";
import type { Retriever } from "./retriever.ts";
import { checkLimit } from "./top-list.ts";
import { createVectorSearch, type VectorIndex } from "./vectors.ts";

/** What a dense retriever is made of: vectors, and the passages that their ordinals stand for. */
export interface DenseParts {
  embedder: Pick<Embedder, "embed">;
  index: VectorIndex;
  passages: (ordinal: number) => Passage | Promise<Passage>;
}

/**
 * Retrieves by meaning: the passages whose vectors lie nearest to the query's, compared with all of them. Scores are cosines,
 * above 0 to 1.
 */
export function denseRetriever({ embedder, index, passages }: DenseParts): Retriever {
  const search = createVectorSearch(index);
  return {
    async retrieve(query, limit, { signal } = {}) {
      checkLimit(limit);
      // An embedder has a vector for "…" too, near to passages by chance.
      if (limit === 0 || index.idRanks.length === 0 || !/[\p{L}\p{N}]/u.test(query)) return [];
      const [vector] = await embedder.embed([query], { kind: "query", signal });
      return Promise.all(
        search(vector!, limit).map(async ({ ordinal, score }) => ({
          passage: await passages(ordinal),
          score,
        })),
      );
    },
  };
}
