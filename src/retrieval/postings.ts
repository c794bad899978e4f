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

/** Calls `visit` for every posting written by a `PostingsWriter` between two offsets of `bytes`. */
export function readPostings(
  bytes: Uint8Array,
  { start, end }: { start: number; end: number },
  visit: (ordinal: number, frequency: number) => void,
): void {
  let ordinal = -1;
  let position = start;
  const read = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[position++] ?? 0;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (position < end) {
    const gap = read();
    ordinal += gap >>> 1;
    visit(ordinal, gap & 1 ? 1 : read());
  }
}
