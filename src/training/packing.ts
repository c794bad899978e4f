import type { Sequence, Target } from "./sequence.ts";

/** Sequences laid into one row of a batch as a tree: tokens that begin alike are computed once. */
export interface PackedRow {
  ids: readonly number[];
  /** Index of each token in its own sequence. */
  positions: readonly number[];
  /** Row index of the token before it; -1 for a first token. */
  parents: readonly number[];
  targets: readonly Target[];
}

/**
 * Packs sequences by their common prefixes. Exact: every token attends to the same tokens at the same positions as in
 * its own sequence, so the loss is the sum of the sequences' losses and so are the gradients.
 */
export function pack(sequences: readonly Sequence[]): PackedRow {
  const ids: number[] = [];
  const positions: number[] = [];
  const parents: number[] = [];
  const children: Map<number, number>[] = [];
  const roots = new Map<number, number>();
  const targets: Target[] = [];
  for (const sequence of sequences) {
    let parent = -1;
    const places = sequence.ids.map((id, position) => {
      const siblings = parent === -1 ? roots : children[parent]!;
      let place = siblings.get(id);
      if (place === undefined) {
        place = ids.length;
        ids.push(id);
        positions.push(position);
        parents.push(parent);
        children.push(new Map());
        siblings.set(id, place);
      }
      parent = place;
      return place;
    });
    for (const { place, token, weight } of sequence.targets)
      targets.push({ place: places[place]!, token, weight });
  }
  return { ids, positions, parents, targets };
}

/** A batch of rows as the training graph takes it; rows are padded to the longest. */
export interface PackedBatch {
  rows: number;
  tokens: number;
  /** [B, T] */
  ids: BigInt64Array;
  positions: BigInt64Array;
  /** [B, T, T]: 0 where a token attends, very negative elsewhere. */
  mask: Float32Array;
  /** [N, 2]: row and token of each place with a target. */
  places: BigInt64Array;
  /** [P, 2]: index of the place, token id. */
  picks: BigInt64Array;
  /** [P] */
  weights: Float32Array;
  /** [P]: row of each pick. */
  pickRows: Int32Array;
}

/** What a masked score gets: far below any score, yet finite, so that no NaN arises. */
const masked = -1e9;

/**
 * Lengths are padded to a multiple of this. Vector units then add up a row's own tokens in the same lanes whatever the
 * length of its batch-mates, and the padding adds exact zeros: a row's numbers do not depend on its company.
 */
const lengthStep = 8;

/** Lays packed rows side by side. */
export function layOut(rows: readonly PackedRow[]): PackedBatch {
  const longest = Math.max(...rows.map((row) => row.ids.length));
  const T = Math.ceil(longest / lengthStep) * lengthStep;
  const B = rows.length;
  const ids = new BigInt64Array(B * T);
  const positions = new BigInt64Array(B * T);
  const mask = new Float32Array(B * T * T).fill(masked);
  const placeIndex = new Map<number, number>();
  const picks: number[] = [];
  const weights: number[] = [];
  const pickRows: number[] = [];
  rows.forEach((row, b) => {
    row.ids.forEach((id, t) => {
      ids[b * T + t] = BigInt(id);
      positions[b * T + t] = BigInt(row.positions[t]!);
    });
    fillMask(mask.subarray(b * T * T, (b + 1) * T * T), row.parents, T);
    for (const { place, token, weight } of row.targets) {
      const flat = b * T + place;
      if (!placeIndex.has(flat)) placeIndex.set(flat, placeIndex.size);
      picks.push(placeIndex.get(flat)!, token);
      weights.push(weight);
      pickRows.push(b);
    }
  });
  return {
    rows: B,
    tokens: T,
    ids,
    positions,
    mask,
    places: int64([...placeIndex.keys()].flatMap((flat) => [Math.floor(flat / T), flat % T])),
    picks: int64(picks),
    weights: Float32Array.from(weights),
    pickRows: Int32Array.from(pickRows),
  };
}

/** A token sees what its parent sees, and itself; padding sees itself only. */
function fillMask(mask: Float32Array, parents: readonly number[], T: number): void {
  for (let t = 0; t < T; t++) {
    const parent = parents[t] ?? -1;
    if (parent >= 0) mask.copyWithin(t * T, parent * T, (parent + 1) * T);
    mask[t * T + t] = 0;
  }
}

/** Whole numbers below 2^31 as int64: their low halves, without a BigInt each, of which a batch has many thousands. */
function int64(values: readonly number[]): BigInt64Array {
  const result = new BigInt64Array(values.length);
  const halves = new Int32Array(result.buffer); // little-endian, as all machines that ONNX Runtime runs on
  for (let i = 0; i < values.length; i++) halves[2 * i] = values[i]!;
  return result;
}
