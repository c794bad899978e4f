import { setImmediate } from "node:timers/promises";
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

type Indexed = Pick<Passage, "id" | "title" | "text">;

/** Indexes passages in the order given; a passage's place in it is its ordinal. */
export function buildBm25Index(
  passages: Iterable<Indexed>,
  { analyzer = "english" }: { analyzer?: AnalyzerName } = {},
): Bm25Index {
  const builder = new IndexBuilder(analyzer);
  for (const passage of passages) builder.add(passage);
  return builder.finish();
}

/** Passages that are indexed before other work has its turn: some tens of milliseconds. */
const passagesOfATurn = 500;

/** The same, with other work of the process in between: for corpora beside a server. */
export async function buildBm25IndexInTurns(
  passages: Iterable<Indexed>,
  { analyzer = "english", signal }: { analyzer?: AnalyzerName; signal?: AbortSignal | undefined } = {},
): Promise<Bm25Index> {
  const builder = new IndexBuilder(analyzer);
  let done = 0;
  for (const passage of passages) {
    builder.add(passage);
    if (++done % passagesOfATurn !== 0) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
  return builder.finish();
}

class IndexBuilder {
  readonly #analyzer: AnalyzerName;
  readonly #terms = new Map<string, number>();
  readonly #fields = fieldNames.map(() => new FieldBuilder(this.#terms));
  readonly #ids: string[] = [];

  constructor(analyzer: AnalyzerName) {
    this.#analyzer = analyzer;
  }

  add(passage: Indexed): void {
    const analyze = analyzers[this.#analyzer];
    fieldNames.forEach((name, i) => {
      this.#fields[i]?.add(this.#ids.length, analyze(passage[name]));
    });
    this.#ids.push(passage.id);
  }

  finish(): Bm25Index {
    return {
      analyzer: this.#analyzer,
      passageCount: this.#ids.length,
      terms: this.#terms,
      idRanks: ranksOf(this.#ids),
      fields: this.#fields.map((field) => field.finish()),
    };
  }
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
