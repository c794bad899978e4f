/** A token that a sequence should learn to predict: `place` is the index of the token before it. */
export interface Target {
  place: number;
  token: number;
  /** Share in the loss; the loss is −Σ weight · log p(token). */
  weight: number;
}

/** Token ids with what is to be predicted where. Several targets at one place make a soft target. */
export interface Sequence {
  ids: readonly number[];
  targets: readonly Target[];
}

/**
 * A sequence whose tokens from index `from` on count alike (their mean is the sequence's loss, times `weight`).
 * The first token has no predecessor and never counts.
 */
export function createSequence(
  ids: readonly number[],
  { from = 1, weight = 1 }: { from?: number; weight?: number } = {},
): Sequence {
  const first = Math.max(from, 1);
  const count = ids.length - first;
  const targets = ids
    .slice(first)
    .map((token, i) => ({ place: first + i - 1, token, weight: weight / count }));
  return { ids, targets };
}
