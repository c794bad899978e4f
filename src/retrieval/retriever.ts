import type { Passage } from "../corpus/corpus.ts";

/** A retrieved passage and how well it fits; scores of different retrievers are not comparable. */
export interface Hit {
  passage: Passage;
  score: number;
}

/** Finds passages for a query. */
export interface Retriever {
  /**
   * At most `limit` hits with a score above 0, best first; equal scores are ordered by passage id, so that runs
   * repeat. A query without a letter or digit gives no hits, and none of what is searched by words where no word is known.
   */
  retrieve(query: string, limit: number, options?: { signal?: AbortSignal | undefined }): Promise<Hit[]>;
}
