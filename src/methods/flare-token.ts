import { z } from "zod";
import { type Draft, type DraftSentence, needProbabilities, sentencesOf } from "./draft.ts";
import type { IterativeParts } from "./growing-answer.ts";
import type { Method } from "./method.ts";
import { answerAgain, type Judgement, reAnsweringFields } from "./re-answering.ts";

/** The numbers of FLARE's token variant. */
export const flareTokenOptions = z.strictObject({
  /** A sentence whose tokens are on average less certain than this (1 − probability) is in doubt. */
  threshold: z.number().min(0).max(1).default(0.1),
  ...reAnsweringFields,
});
export type FlareTokenOptions = z.infer<typeof flareTokenOptions>;

/**
 * FLARE as DRAGIN's code has it, the likely baseline of the paper's table 1: a sentence of low mean probability is cut
 * off, its certain tokens are the query, and the rest of the answer is generated anew with what was found.
 */
export const flareToken = (
  parts: IterativeParts & { options?: Partial<FlareTokenOptions> | undefined },
): Method => {
  const options = flareTokenOptions.parse(parts.options ?? {});
  return {
    name: "flare-token",
    async *answer(question, answerOptions = {}) {
      const judge = async (draft: Draft) => {
        needProbabilities(draft, { method: "flare-token", model: parts.generator.model });
        return firstDoubtful(sentencesOf(draft), options);
      };
      yield* answerAgain(question, answerOptions, { ...parts, judge, keeps: "all", options });
    },
  };
};

function firstDoubtful(
  sentences: readonly DraftSentence[],
  { threshold, maxQueryTokens }: FlareTokenOptions,
): Judgement {
  const scores = sentences.map(({ tokens }) => {
    const doubts = tokens.map(({ logProbability }) => 1 - Math.exp(logProbability));
    return doubts.length ? doubts.reduce((a, b) => a + b) / doubts.length : 0;
  });
  const at = scores.findIndex((score) => score > threshold);
  const highest = Math.max(0, ...scores);
  const sentence = sentences[at];
  if (!sentence)
    return { reason: "sure of every sentence: all are accepted", numbers: { highest, threshold } };
  const query = certainText(sentence, threshold, maxQueryTokens);
  return {
    doubt: query === "" ? undefined : { start: sentence.start, query },
    reason:
      query === ""
        ? "in doubt of every word of a sentence: nothing to search for"
        : "in doubt of a sentence: its sure words are the query",
    numbers: { sentence: at + 1, score: scores[at]!, threshold },
  };
}

/** The sentence without the tokens that are less certain than the threshold; the space before one stays. */
function certainText({ tokens }: DraftSentence, threshold: number, maxTokens: number): string {
  return tokens
    .map(({ text, logProbability }) =>
      1 - Math.exp(logProbability) > threshold ? (/^\s/.exec(text)?.[0] ?? "") : text,
    )
    .slice(-maxTokens)
    .join("")
    .replace(/\s+/g, " ")
    .trim();
}
