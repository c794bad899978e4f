import { z } from "zod";
import type { Tagger } from "../text/part-of-speech.ts";
import { type Draft, needProbabilities } from "./draft.ts";
import type { GrowingAnswer, IterativeParts } from "./growing-answer.ts";
import type { AnswerOptions, Method } from "./method.ts";
import { answerAgain, type Judgement, reAnsweringFields } from "./re-answering.ts";
import { queryWords, type WeighedSentence, weighWords } from "./rind.ts";

/** The numbers of DRAGIN. */
export const draginOptions = z.strictObject({
  /** A word above it is in doubt. Thresholds of the code's formula are about 1, of the paper's far smaller. */
  threshold: z.number().nonnegative().default(1),
  /** Words of a query, at most. */
  keepWords: z.int().min(1).default(25),
  /** `code` weighs attention within the draft alone; `paper` from later tokens, with the prompt before the draft. */
  formula: z.enum(["code", "paper"]).default("code"),
  ...reAnsweringFields,
});
export type DraginOptions = z.infer<typeof draginOptions>;

export interface DraginParts extends IterativeParts {
  tag: Tagger;
  options?: Partial<DraginOptions> | undefined;
}

/** Where this departs from the authors' code beyond the loop, in words. */
export const draginNotes = [
  "a sentence whose doubtful words all say nothing is accepted; the code retrieves for it and divides by zero",
  "formula paper: words as in the code, sums and means over their tokens, where the paper weighs tokens",
  "the query is searched for in question and answer alone, not in the prompt",
];

/**
 * Dynamic retrieval by the needs of the model: a sentence with a word of much attention and much uncertainty is cut off;
 * what that word attends to is the query; the sentence is generated anew with what was found. Su et al. 2024.
 */
export const dragin = (parts: DraginParts): Method => {
  const options = draginOptions.parse(parts.options ?? {});
  return {
    name: "dragin",
    async *answer(question, answerOptions = {}) {
      const judge = (draft: Draft, answer: GrowingAnswer) =>
        judgeDraft(draft, { question, answer, answerOptions, options, parts });
      yield* answerAgain(question, answerOptions, { ...parts, judge, keeps: "sentence", options });
    },
  };
};

interface Context {
  question: string;
  answer: GrowingAnswer;
  answerOptions: AnswerOptions;
  options: DraginOptions;
  parts: DraginParts;
}

async function judgeDraft(draft: Draft, context: Context): Promise<Judgement> {
  const { options, parts, answer, answerOptions } = context;
  const { generator, tag } = parts;
  needProbabilities(draft, { method: "dragin", model: generator.model });
  const before = options.formula === "paper" ? answer.conversation() : {};
  const text = draft.tokens.map(({ id }) => id);
  const attention = await generator.attention({ text, ...before }, { signal: answerOptions.signal });
  const sentences = weighWords(draft, attention, { ...options, tag });
  const at = sentences.findIndex(({ words }) => words.some(({ isHit }) => isHit));
  const doubted = sentences[at];
  const highest = Math.max(0, ...sentences.flatMap(({ words }) => words.map(({ score }) => score)));
  const numbers = { highest, threshold: options.threshold };
  if (!doubted) return { reason: "no word is in doubt: all sentences are accepted", numbers };
  const query = await formQuery(draft, doubted, context);
  const hits = doubted.words.filter(({ isHit }) => isHit);
  const named = hits.map((word) => word.text).join(", ");
  return {
    doubt: query === "" ? undefined : { start: doubted.start, query },
    reason:
      query === ""
        ? `in doubt of: ${named}; nothing to search for`
        : `in doubt of: ${named}; what they attend to is the query`,
    numbers: { ...numbers, sentence: at + 1, hits: hits.length },
  };
}

/** Looks at question, answer so far and the doubtful sentence together, and takes what its doubtful words attend to. */
async function formQuery(draft: Draft, doubted: WeighedSentence, context: Context): Promise<string> {
  const { question, answer, answerOptions, options, parts } = context;
  const kept = draft.text.slice(0, doubted.start);
  const front = [question, answer.text, kept].map((part) => part.trim()).filter((part) => part !== "");
  const begin = front.join(" ").length + 1;
  const text = [...front, doubted.text].join(" ");
  const attention = await parts.generator.attention(
    { text, startToken: true },
    { signal: answerOptions.signal },
  );
  const hits = doubted.words.filter(({ isHit }) => isHit).map(({ start }) => begin + start - doubted.start);
  const words = queryWords(attention, { hits, keepWords: options.keepWords, tag: parts.tag });
  return words.slice(-options.maxQueryTokens).join(" ");
}
