import type { Passage } from "../corpus/corpus.ts";
import { analyzers } from "./analyzer.ts";
import type { Bm25Index, FieldIndex } from "./bm25-index.ts";
import { inverseDocumentFrequency, inverseNorms, termScore } from "./bm25-score.ts";
import { PostingsReader } from "./postings.ts";
import type { Retriever } from "./retriever.ts";
import { checkLimit, type Scored, TopList } from "./top-list.ts";

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
  const matches = new OrdinalSet(index.passageCount);
  const fields = index.fields.map((field) => createFieldScorer(field, matches));
  return (query, limit) => {
    checkLimit(limit);
    const terms = countTerms(index, query);
    for (const field of fields) for (const [term, count] of terms) field.add(term, count);
    const top = new TopList(limit, (ordinal) => index.idRanks[ordinal]!);
    matches.drain((ordinal) => {
      top.offer(ordinal, bestField(fields, ordinal));
    });
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
function bestField(fields: readonly FieldScorer[], ordinal: number): number {
  let best = 0;
  let all = 0;
  for (const field of fields) {
    const score = field.take(ordinal);
    all += score;
    if (score > best) best = score;
  }
  return Math.fround(best + tieBreaker * (all - best));
}

/** Sums up the scores that one field's terms give to passages. */
interface FieldScorer {
  /** Adds the scores of a term that stands `count` times in the query, and notes which passages have it. */
  add(term: number, count: number): void;
  /** A passage's sum, which begins again at 0. */
  take(ordinal: number): number;
}

function createFieldScorer(field: FieldIndex, matches: OrdinalSet): FieldScorer {
  const { documentCount, termCount, documentFrequencies, lengths, offsets, postings } = field;
  const sums = new Float64Array(lengths.length);
  const norms = inverseNorms(termCount / documentCount);
  return {
    add(term, count) {
      const frequency = documentFrequencies[term]!;
      if (frequency === 0) return;
      const weight = Math.fround(count * inverseDocumentFrequency(frequency, documentCount));
      const list = new PostingsReader(postings, offsets[term]!, offsets[term + 1]!);
      while (list.next()) {
        sums[list.ordinal]! += termScore(weight, list.frequency, norms[lengths[list.ordinal]!]!);
        matches.add(list.ordinal);
      }
    },
    take(ordinal) {
      const sum = sums[ordinal]!;
      sums[ordinal] = 0;
      return Math.fround(sum);
    },
  };
}

/** A set of ordinals that is emptied after each query; faster than `Set` for tens of thousands. */
class OrdinalSet {
  readonly #isMember: Uint8Array;
  readonly #members: Uint32Array;
  #size = 0;

  constructor(limit: number) {
    this.#isMember = new Uint8Array(limit);
    this.#members = new Uint32Array(limit);
  }

  add(ordinal: number): void {
    if (this.#isMember[ordinal]) return;
    this.#isMember[ordinal] = 1;
    this.#members[this.#size++] = ordinal;
  }

  drain(visit: (ordinal: number) => void): void {
    for (let i = 0; i < this.#size; i++) {
      const ordinal = this.#members[i]!;
      this.#isMember[ordinal] = 0;
      visit(ordinal);
    }
    this.#size = 0;
  }
}
