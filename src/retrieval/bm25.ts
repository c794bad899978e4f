import { InputError } from "../base/errors.ts";
import type { Passage } from "../corpus/corpus.ts";
import { analyzers } from "./analysis/analyzer.ts";
import type { Bm25Index, FieldIndex } from "./bm25-index.ts";
import { inverseDocumentFrequency, inverseNorms, termScore } from "./bm25-score.ts";
import { readPostings } from "./postings.ts";
import type { Retriever } from "./retriever.ts";
import { type Scored, TopList } from "./top-list.ts";

/** How much of the weaker field's score is added to the stronger one's. */
const tieBreaker = 0.5;

/** What a BM25 retriever is made of: an index, and the passages that its ordinals stand for. */
export interface Bm25Parts {
  index: Bm25Index;
  passages: (ordinal: number) => Passage | Promise<Passage>;
}

/**
 * Retrieves by words, with the scores of Lucene: a `best_fields` query over title and text, any word may match. Scores
 * are without the constant factor k1 + 1 = 2.2 of Elasticsearch.
 */
export function bm25Retriever({ index, passages }: Bm25Parts): Retriever {
  const search = createBm25Search(index);
  return {
    async retrieve(query, limit) {
      return Promise.all(
        search(query, limit).map(async ({ ordinal, score }) => ({ passage: await passages(ordinal), score })),
      );
    },
  };
}

/** A search over an index that gives ordinals and scores, best first; for callers that need no passages. */
export function createBm25Search(index: Bm25Index): (query: string, limit: number) => Scored[] {
  const scorers = index.fields.map((field) => createFieldScorer(field, index.passageCount));
  return (query, limit) => {
    if (!Number.isInteger(limit) || limit < 0)
      throw new InputError(`limit must be a whole number of at least 0, got ${limit}`);
    if (limit === 0) return [];
    const terms = countTerms(index, query);
    const matched = new Set<number>();
    const sums = scorers.map((score) => score(terms, matched));
    const top = new TopList(limit, (ordinal) => index.idRanks[ordinal]!);
    for (const ordinal of matched) {
      top.offer(ordinal, bestField(sums, ordinal));
      for (const sum of sums) sum[ordinal] = 0;
    }
    return top.items();
  };
}

/** The query's known terms by number, and how often each stands in it. */
function countTerms(index: Bm25Index, query: string): Map<number, number> {
  const counts = new Map<number, number>();
  for (const term of analyzers[index.analyzer](query)) {
    const number = index.terms.get(term);
    if (number !== undefined) counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  return counts;
}

/** The strongest field's score plus a part of the others'; like Lucene summed in double, kept in single precision. */
function bestField(sums: readonly Float64Array[], ordinal: number): number {
  let best = 0;
  let all = 0;
  for (const sum of sums) {
    const score = Math.fround(sum[ordinal]!);
    all += score;
    if (score > best) best = score;
  }
  return Math.fround(best + tieBreaker * (all - best));
}

/** Scores one field term by term into a buffer that the caller clears at the ordinals it finds in `matched`. */
function createFieldScorer(field: FieldIndex, passageCount: number) {
  const sums = new Float64Array(passageCount);
  const norms = inverseNorms(field.termCount / field.documentCount);
  return (terms: ReadonlyMap<number, number>, matched: Set<number>): Float64Array => {
    for (const [term, count] of terms) {
      const frequency = field.documentFrequencies[term]!;
      if (frequency === 0) continue;
      const weight = Math.fround(count * inverseDocumentFrequency(frequency, field.documentCount));
      const range = { start: field.offsets[term]!, end: field.offsets[term + 1]! };
      readPostings(field.postings, range, (ordinal, tf) => {
        sums[ordinal]! += termScore(weight, tf, norms[field.lengths[ordinal]!]!);
        matched.add(ordinal);
      });
    }
    return sums;
  };
}
