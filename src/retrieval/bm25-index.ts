import type { Passage } from "../corpus/corpus.ts";
import { type AnalyzerName, analyzers } from "./analyzer.ts";
import { encodeLength } from "./bm25-score.ts";
import { PostingsWriter } from "./postings.ts";
import { ranksOf } from "./top-list.ts";

/** The parts of a passage that are indexed, each with statistics of its own. */
export const fieldNames = ["title", "text"] satisfies (keyof Passage)[];

/** The statistics and postings of one field. */
export interface FieldIndex {
  /** How many passages have at least one term in this field. */
  documentCount: number;
  /** How many terms the field has in all passages. */
  termCount: number;
  /** The length byte of every passage; 0 where the field is empty. */
  lengths: Uint8Array;
  /** In how many passages each term stands. */
  documentFrequencies: Uint32Array;
  /** Where the postings of each term begin, and after the last term where they end. */
  offsets: Uint32Array;
  postings: Uint8Array;
}

/** A searchable index of passages by the words of title and text. It knows passages by ordinal only. */
export interface Bm25Index {
  analyzer: AnalyzerName;
  passageCount: number;
  /** The number of every term. */
  terms: Map<string, number>;
  /** The place of every passage among all by id, which orders equal scores. */
  idRanks: Uint32Array;
  /** As many as `fieldNames`. */
  fields: FieldIndex[];
}

/** Indexes passages in the order given; a passage's place in it is its ordinal. */
export function buildBm25Index(
  passages: Iterable<Pick<Passage, "id" | "title" | "text">>,
  { analyzer = "english" }: { analyzer?: AnalyzerName } = {},
): Bm25Index {
  const analyze = analyzers[analyzer];
  const terms = new Map<string, number>();
  const fields = fieldNames.map(() => new FieldBuilder(terms));
  const ids: string[] = [];
  for (const passage of passages) {
    fieldNames.forEach((name, i) => {
      fields[i]?.add(ids.length, analyze(passage[name]));
    });
    ids.push(passage.id);
  }
  return {
    analyzer,
    passageCount: ids.length,
    terms,
    idRanks: ranksOf(ids),
    fields: fields.map((field) => field.finish()),
  };
}

class FieldBuilder {
  readonly #terms: Map<string, number>;
  readonly #writers: (PostingsWriter | undefined)[] = [];
  readonly #lengths: number[] = [];
  #documentCount = 0;
  #termCount = 0;

  constructor(terms: Map<string, number>) {
    this.#terms = terms;
  }

  add(ordinal: number, terms: readonly string[]): void {
    this.#lengths.push(encodeLength(terms.length));
    this.#termCount += terms.length;
    if (terms.length > 0) this.#documentCount++;
    const frequencies = new Map<string, number>();
    for (const term of terms) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
    for (const [term, frequency] of frequencies) this.#writer(term).add(ordinal, frequency);
  }

  finish(): FieldIndex {
    const size = this.#terms.size;
    const documentFrequencies = new Uint32Array(size);
    const offsets = new Uint32Array(size + 1);
    for (let i = 0; i < size; i++) {
      documentFrequencies[i] = this.#writers[i]?.documentFrequency ?? 0;
      offsets[i + 1] = offsets[i]! + (this.#writers[i]?.bytes().length ?? 0);
    }
    const postings = new Uint8Array(offsets[size] ?? 0);
    this.#writers.forEach((writer, i) => {
      if (writer) postings.set(writer.bytes(), offsets[i]);
    });
    return {
      documentCount: this.#documentCount,
      termCount: this.#termCount,
      lengths: Uint8Array.from(this.#lengths),
      documentFrequencies,
      offsets,
      postings,
    };
  }

  #writer(term: string): PostingsWriter {
    let number = this.#terms.get(term);
    if (number === undefined) this.#terms.set(term, (number = this.#terms.size));
    return (this.#writers[number] ??= new PostingsWriter());
  }
}
