import { ConfigError } from "../base/errors.ts";
import { type Scored, TopList } from "./top-list.ts";

/** The vectors of passages, all of length 1, row after row in the order of the passages; [count, dimensions]. */
export interface VectorIndex {
  dimensions: number;
  rows: Float32Array;
  /** The place of every passage among all by id, which orders equal scores. */
  idRanks: Uint32Array;
}

/** A search that compares with every vector: cosines above 0 by ordinal, best first. */
export function createVectorSearch({
  dimensions,
  rows,
  idRanks,
}: VectorIndex): (query: Float32Array, limit: number) => Scored[] {
  const count = idRanks.length;
  const scores = new Float64Array(count);
  return (query, limit) => {
    if (query.length !== dimensions)
      throw new ConfigError(
        `the query's vector has ${query.length} dimensions, those of the passages have ${dimensions}: the embedder has changed; name the one that they were made by, or delete their file, and they are made anew`,
      );
    const top = new TopList(limit, (ordinal) => idRanks[ordinal]!);
    dotProducts(rows, query, scores);
    for (let ordinal = 0; ordinal < count; ordinal++)
      if (scores[ordinal]! > 0) top.offer(ordinal, scores[ordinal]!);
    return top.items();
  };
}

/**
 * Dot products of all rows [N, D] with one vector [D]. Four rows at a time, each with a sum of its own: the sums do not wait for
 * one another, and every row is summed in the same order, so that equal rows have equal scores.
 */
function dotProducts(rows: Float32Array, vector: Float32Array, scores: Float64Array): void {
  const size = vector.length;
  const blocked = scores.length - (scores.length % 4);
  for (let row = 0; row < blocked; row += 4) {
    const [a, b, c, d] = [row * size, (row + 1) * size, (row + 2) * size, (row + 3) * size];
    let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0];
    for (let i = 0; i < size; i++) {
      const value = vector[i]!;
      sumA += value * rows[a + i]!;
      sumB += value * rows[b + i]!;
      sumC += value * rows[c + i]!;
      sumD += value * rows[d + i]!;
    }
    scores[row] = sumA;
    scores[row + 1] = sumB;
    scores[row + 2] = sumC;
    scores[row + 3] = sumD;
  }
  for (let row = blocked; row < scores.length; row++) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += vector[i]! * rows[row * size + i]!;
    scores[row] = sum;
  }
}
