import type { QuestionAnswer } from "../corpus/corpus.ts";
import { normaliseAnswer } from "../text/normalise.ts";
import { scoreAnswer } from "../text/scores.ts";
import type { Question } from "./questions.ts";

/**
 * How a question relates to what an adapter was trained on. `same-wording`: a training pair asks nearly this.
 * `other-words`: a pair has this answer but asks for it otherwise. `uncovered`: no pair has this answer.
 */
export const wordingGroups = ["same-wording", "other-words", "uncovered"] as const;
export type WordingGroup = (typeof wordingGroups)[number];

/** Token F1 of two questions above which their wording counts as the same; the margin takes up rounding. */
const sameWording = 0.8 + 1e-9;

/** The group of a question, from the training pairs of the passages that support it. */
export function wordingOf(
  { question, answers }: Pick<Question, "question" | "answers">,
  pairs: readonly QuestionAnswer[],
): WordingGroup {
  const sameFact = pairs.filter((pair) => answers.some((answer) => sameAnswer(answer, pair.answer)));
  if (sameFact.length === 0) return "uncovered";
  const wordings = sameFact.map((pair) => pair.question);
  return scoreAnswer(question, wordings).f1 > sameWording ? "same-wording" : "other-words";
}

/** Whether two answers are equal after normalisation, or one stands in the other as whole words ("26", "26 years"). */
export function sameAnswer(a: string, b: string): boolean {
  const [first, second] = [` ${normaliseAnswer(a)} `, ` ${normaliseAnswer(b)} `];
  if (first.trim() === "" || second.trim() === "") return first === second;
  return first.includes(second) || second.includes(first);
}
