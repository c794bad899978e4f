import { InputError } from "../base/errors.ts";

/** Refuses a number of hits that is none. */
export function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 0)
    throw new InputError(`limit must be a whole number of at least 0, got ${limit}`);
}

/** An item by its number, and its score. */
export interface Scored {
  ordinal: number;
  score: number;
}

/**
 * Keeps the best `limit` of many scored items: a heap with the worst kept item on top. Equal scores are ordered by
 * `rank`, lower first.
 */
export class TopList {
  readonly #limit: number;
  readonly #rank: (ordinal: number) => number;
  readonly #heap: Scored[] = [];

  constructor(limit: number, rank: (ordinal: number) => number) {
    this.#limit = limit;
    this.#rank = rank;
  }

  offer(ordinal: number, score: number): void {
    const heap = this.#heap;
    if (heap.length < this.#limit) {
      heap.push({ ordinal, score });
      this.#siftUp(heap.length - 1);
      return;
    }
    const worst = heap[0];
    if (!worst || score < worst.score) return; // the common case
    const item = { ordinal, score };
    if (!this.#isWorse(worst, item)) return;
    heap[0] = item;
    this.#siftDown();
  }

  /** What was kept, best first. */
  items(): Scored[] {
    return [...this.#heap].sort((a, b) => (this.#isWorse(a, b) ? 1 : -1));
  }

  #isWorse(a: Scored, b: Scored): boolean {
    return a.score === b.score ? this.#rank(a.ordinal) > this.#rank(b.ordinal) : a.score < b.score;
  }

  #siftUp(from: number): void {
    const heap = this.#heap;
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#isWorse(heap[i]!, heap[parent]!)) return;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  #siftDown(): void {
    const heap = this.#heap;
    for (let i = 0; ; ) {
      let worst = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && this.#isWorse(heap[child]!, heap[worst]!)) worst = child;
      if (worst === i) return;
      [heap[i], heap[worst]] = [heap[worst]!, heap[i]!];
      i = worst;
    }
  }
}

/** The place of each id in sorted order, for `rank`; equal ids keep their order. */
export function ranksOf(ids: readonly string[]): Uint32Array {
  const order = Array.from(ids, (id, ordinal) => ({ id, ordinal }));
  order.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.ordinal - b.ordinal));
  const ranks = new Uint32Array(ids.length);
  order.forEach(({ ordinal }, rank) => {
    ranks[ordinal] = rank;
  });
  return ranks;
}
