/** Collects the postings of one term in one field: passage ordinals ascending, with how often the term stands there. */
export class PostingsWriter {
  documentFrequency = 0;
  #bytes = new Uint8Array(8);
  #length = 0;
  #last = -1;

  /** Counts one more occurrence in a passage; ordinals must not descend. */
  add(ordinal: number, frequency: number): void {
    const gap = ordinal - this.#last;
    this.#last = ordinal;
    this.documentFrequency++;
    // As most frequencies are 1, a flag in the gap stands for it; gaps stay below 2^30.
    this.#write((gap << 1) | (frequency === 1 ? 1 : 0));
    if (frequency !== 1) this.#write(frequency);
  }

  /** The postings: for each, varint(gap · 2 + 1), or varint(gap · 2) and varint(frequency). */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #write(value: number): void {
    if (this.#length + 5 > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest;
  }
}

/** Walks over the postings that a `PostingsWriter` wrote, between two offsets of `bytes`. */
export class PostingsReader {
  ordinal = -1;
  frequency = 0;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #position: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  /** Moves to the next posting; false after the last. */
  next(): boolean {
    if (this.#position >= this.#end) return false;
    const gap = this.#read();
    this.ordinal += gap >>> 1;
    this.frequency = gap & 1 ? 1 : this.#read();
    return true;
  }

  #read(): number {
    let byte = this.#bytes[this.#position++]!;
    let value = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = this.#bytes[this.#position++]!;
      value |= (byte & 127) << shift;
    }
    return value;
  }
}
