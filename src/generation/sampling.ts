import type { Random } from "../base/random.ts";
import type { Sampling } from "./generator.ts";

/** A chosen token with what the model thought of it. */
export interface Choice {
  id: number;
  /** Natural logarithm of its probability, before sampling changed the distribution. */
  logProbability: number;
  /** Entropy of that distribution, in nats. */
  entropy: number;
}

/**
 * Chooses the next token from logits [V]. Order of the steps, as in `transformers`: repetition penalty, temperature,
 * top-k, top-p. Greedy when the temperature is 0; equal logits go to the lower id.
 */
export function chooseToken(
  logits: Float32Array,
  {
    sampling = {},
    seen,
    random,
  }: { sampling?: Sampling | undefined; seen: ReadonlySet<number>; random: Random },
): Choice {
  const { logSum, entropy } = statistics(logits);
  const { temperature = 0, repetitionPenalty = 1 } = sampling;
  const scores = repetitionPenalty === 1 ? logits : penalise(logits, seen, repetitionPenalty);
  const id = temperature === 0 ? argmax(scores) : draw(scores, { ...sampling, temperature }, random);
  return { id, logProbability: logits[id]! - logSum, entropy };
}

/** log Σ exp and entropy, in double precision. */
function statistics(logits: Float32Array): { logSum: number; entropy: number } {
  const top = logits[argmax(logits)]!;
  let [total, weighted] = [0, 0];
  for (const logit of logits) {
    const shifted = logit - top;
    const e = Math.exp(shifted);
    total += e;
    weighted += e * shifted;
  }
  return { logSum: top + Math.log(total), entropy: Math.log(total) - weighted / total };
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
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const kept = topK > 0 ? order.slice(0, topK) : order;
  const top = scores[kept[0]!]!;
  const weights = kept.map((id) => Math.exp((scores[id]! - top) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  // The smallest set whose probability reaches topP; at least one token.
  let [count, mass] = [0, 0];
  while (count < kept.length && (count === 0 || mass < topP * total)) mass += weights[count++]!;
  let rest = random.next() * mass;
  for (let i = 0; i < count; i++) {
    rest -= weights[i]!;
    if (rest < 0) return kept[i]!;
  }
  return kept[count - 1]!;
}
