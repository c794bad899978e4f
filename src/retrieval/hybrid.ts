import { ConfigError } from "../base/errors.ts";
import type { Hit, Retriever } from "./retriever.ts";
import { checkLimit } from "./top-list.ts";

/** The constant of reciprocal rank fusion: https://doi.org/10.1145/1571941.1572114 (Cormack, Clarke and Büttcher 2009). */
const rankConstant = 60;
/** How many hits of each retriever take part, when nothing else is said. */
export const defaultDepth = 100;

/**
 * Joins retrievers by reciprocal rank fusion: a passage's score is Σ 1 / (60 + its rank) over the retrievers' best `depth` hits,
 * ranks from 1. So scores tell ranks alone: the best possible is 2/61 for two retrievers, and neighbours differ by a few per cent
 * only. `depth` does not follow `limit`, so that a shorter list is the beginning of a longer one.
 */
export function hybridRetriever(retrievers: readonly Retriever[], { depth = defaultDepth } = {}): Retriever {
  if (!Number.isInteger(depth) || depth < 1)
    throw new ConfigError(`depth must be a whole number above 0, got ${depth}`);
  return {
    async retrieve(query, limit, options) {
      checkLimit(limit);
      const lists = await Promise.all(
        retrievers.map((retriever) => retriever.retrieve(query, depth, options)),
      );
      return fuse(lists).slice(0, limit);
    },
  };
}

function fuse(lists: readonly (readonly Hit[])[]): Hit[] {
  const fused = new Map<string, Hit>();
  for (const list of lists) {
    let rank = 0;
    for (const [i, { passage, score }] of list.entries()) {
      if (score !== list[i - 1]?.score) rank = i + 1; // equal ones share a rank, or their ids would tell them apart
      const before = fused.get(passage.id)?.score ?? 0;
      fused.set(passage.id, { passage, score: before + 1 / (rankConstant + rank) });
    }
  }
  return [...fused.values()].sort((a, b) => b.score - a.score || (a.passage.id < b.passage.id ? -1 : 1));
}
