import { normaliseAnswer } from "./normalise.ts";

/** How well a predicted answer agrees with the true ones, each in [0, 1]. */
export interface AnswerScores {
  /** Exact match after normalisation: 0 or 1. */
  em: number;
  f1: number;
  precision: number;
  recall: number;
}

/** Answers that agree wholly or not at all. */
const closedAnswers = new Set(["yes", "no", "noanswer"]);

/**
 * Scores a prediction against all accepted answers. F1, precision and recall are each the best over the answers, so
 * they may come from different ones, as in the reference project. Without any true answer all are 0.
 */
export function scoreAnswer(prediction: string, truths: readonly string[]): AnswerScores {
  const predicted = normaliseAnswer(prediction);
  const best = { em: 0, f1: 0, precision: 0, recall: 0 };
  for (const truth of truths) {
    const expected = normaliseAnswer(truth);
    if (predicted === expected) best.em = 1;
    const { f1, precision, recall } = scoreTokens(predicted, expected);
    best.f1 = Math.max(best.f1, f1);
    best.precision = Math.max(best.precision, precision);
    best.recall = Math.max(best.recall, recall);
  }
  return best;
}

const none = { f1: 0, precision: 0, recall: 0 };

function scoreTokens(predicted: string, expected: string): Omit<AnswerScores, "em"> {
  if (predicted !== expected && (closedAnswers.has(predicted) || closedAnswers.has(expected))) return none;
  return tokenOverlap(predicted, expected);
}

/** Token overlap of two normalised answers, without the rule for closed ones. */
export function tokenOverlap(predicted: string, expected: string): Omit<AnswerScores, "em"> {
  const [predictedTokens, expectedTokens] = [tokensOf(predicted), tokensOf(expected)];
  const overlap = countOverlap(predictedTokens, expectedTokens);
  if (overlap === 0) return none;
  const precision = overlap / predictedTokens.length;
  const recall = overlap / expectedTokens.length;
  return { f1: (2 * precision * recall) / (precision + recall), precision, recall };
}

function tokensOf(normalised: string): string[] {
  return normalised === "" ? [] : normalised.split(" ");
}

/** The size of the intersection of two multisets. */
function countOverlap(a: readonly string[], b: readonly string[]): number {
  const left = new Map<string, number>();
  for (const token of b) left.set(token, (left.get(token) ?? 0) + 1);
  let overlap = 0;
  for (const token of a) {
    const count = left.get(token) ?? 0;
    if (count === 0) continue;
    left.set(token, count - 1);
    overlap++;
  }
  return overlap;
}
