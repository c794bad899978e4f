import { ConfigError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { Sampling, TokenStatistics } from "./generator.ts";

/**
 * Chooses the next token from logits [V]. Order of the steps, as in `transformers`: repetition penalty, temperature,
 * top-k, top-p. Greedy when the temperature is 0; equal logits go to the lower id. Logits that are no numbers are a `ConfigError`.
 */
export function chooseToken(
  logits: Float32Array,
  {
    sampling = {},
    seen,
    random,
  }: { sampling?: Sampling | undefined; seen: ReadonlySet<number>; random: Random },
): number {
  const { temperature = 0, repetitionPenalty = 1 } = sampling;
  const scores = repetitionPenalty === 1 ? logits : penalise(logits, seen, repetitionPenalty);
  const best = argmax(scores);
  if (!Number.isFinite(scores[best]!))
    throw new ConfigError(
      `the model's best score for the next token is ${scores[best]}; its weights, or the adapters of this request, have numbers too large for it: leave adapters out to see which, then make them anew or merge them with a smaller scale`,
    );
  return temperature === 0 ? best : draw(scores, { ...sampling, temperature }, random);
}

/** Where nobody asked, or nobody knows. */
export const unknownStatistics: TokenStatistics = { logProbability: Number.NaN, entropy: Number.NaN };

/** What logits [V] say of a token, in double precision. */
export function statisticsOf(logits: Float32Array, id: number): TokenStatistics {
  const top = logits[argmax(logits)]!;
  let [total, weighted] = [0, 0];
  // By index: iterating a typed array takes 2.5 times as long, and this may be done for every row of every step.
  for (let i = 0; i < logits.length; i++) {
    const shifted = logits[i]! - top;
    const e = Math.exp(shifted);
    total += e;
    if (e > 0) weighted += e * shifted; // 0 · -inf is no number
  }
  const logTotal = Math.log(total);
  return { logProbability: logits[id]! - (top + logTotal), entropy: logTotal - weighted / total };
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function penalise(logits: Float32Array, seen: ReadonlySet<number>, penalty: number): Float32Array {
  const scores = logits.slice();
  for (const id of seen) scores[id] = scores[id]! > 0 ? scores[id]! / penalty : scores[id]! * penalty;
  return scores;
}

function draw(
  scores: Float32Array,
  { temperature, topK = 0, topP = 1 }: Sampling & { temperature: number },
  random: Random,
): number {
  const top = scores[argmax(scores)]!;
  let kept =
    topK > 0
      ? bestIds(scores, (ids) => ids.length >= topK).slice(0, topK)
      : idsAbove(scores, Number.NEGATIVE_INFINITY);
  // Weights of the probabilities by id, 1 for the best. Vocabularies are large: those of tokens that are left out stay 0.
  const weights = new Float64Array(scores.length);
  for (let i = 0; i < kept.length; i++) weights[kept[i]!] = Math.exp((scores[kept[i]!]! - top) / temperature);
  const massOf = (ids: readonly number[]) => {
    let mass = 0;
    for (let i = 0; i < ids.length; i++) mass += weights[ids[i]!]!;
    return mass;
  };
  const wanted = topP * massOf(kept);
  if (topP < 1 && topK === 0) kept = bestIds(scores, (ids) => massOf(ids) >= wanted);
  // The smallest set whose probability reaches topP; at least one token.
  let [count, mass] = [0, 0];
  while (count < kept.length && (count === 0 || mass < wanted)) mass += weights[kept[count++]!]!;
  let rest = random.next() * mass;
  for (let i = 0; i < count; i++) {
    rest -= weights[kept[i]!]!;
    if (rest < 0) return kept[i]!;
  }
  return kept[count - 1]!;
}

/** Ids from the best down, as many as are enough or more. Vocabularies are large: only those near the top are sorted. */
function bestIds(scores: Float32Array, isEnough: (ids: readonly number[]) => boolean): number[] {
  const top = scores[argmax(scores)]!;
  let ids: number[] = [];
  for (const width of [2, 4, 6, 8, 12, 16, Number.POSITIVE_INFINITY]) {
    ids = idsAbove(scores, top - width);
    if (isEnough(ids)) break;
  }
  return ids.sort((a, b) => scores[b]! - scores[a]! || a - b);
}

/** Ids of scores of at least `least`, in their order. */
function idsAbove(scores: Float32Array, least: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < scores.length; id++) if (scores[id]! >= least) ids.push(id);
  return ids;
}
