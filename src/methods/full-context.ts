import type { Passage } from "../corpus/corpus.ts";
import type { PromptPassage } from "../prompts/answer.ts";
import { type AnsweringParts, generateAnswer } from "./answering.ts";
import { answerFits, mostThatFit } from "./fitting.ts";
import type { Method } from "./method.ts";

/** How much is read, and why so. */
export const fullContextNotes = [
  "what does not fit into the model's context is left out in the middle, as LongBench's code does; passages are not divided",
];

export interface FullContextParts extends AnsweringParts {
  /** All of the text, in its order. */
  passages: readonly Passage[];
}

/** No retrieval: as much of the text as fits stands in the prompt, its beginning and its end; the middle is left out. */
export const fullContext = (parts: FullContextParts): Method => ({
  name: "full-context",
  async *answer(question, options = {}) {
    const startedMs = parts.clock();
    const { passages } = parts;
    const kept = await mostThatFit(passages.length, (count) =>
      answerFits(question, asOneText(passages, count), { ...parts, options }),
    );
    const leftOut = passages.length - kept;
    yield {
      type: "decision",
      round: 0,
      reason: leftOut
        ? `${leftOut} of ${passages.length} passages do not fit and are left out in the middle`
        : "all fits",
      numbers: {
        passages: passages.length,
        leftOut,
        wordsLeftOut: wordsOf(cutMiddle(passages, kept).middle),
      },
    };
    const prepared = { passages: asOneText(passages, kept), rounds: 0, startedMs };
    yield* generateAnswer(question, options, { ...parts, prepared });
  },
});

/** So many passages of the text as one passage of the prompt. */
function asOneText(passages: readonly Passage[], count: number): PromptPassage[] {
  const { first, middle, last } = cutMiddle(passages, count);
  if (count === 0) return [];
  const texts = [
    ...first.map(({ text }) => text),
    ...(middle.length ? ["…"] : []),
    ...last.map(({ text }) => text),
  ];
  return [{ title: passages[0]?.title ?? "", text: texts.join("\n") }];
}

/** The first and the last half of `count`, and what lies between them. */
function cutMiddle(passages: readonly Passage[], count: number) {
  const [begin, end] = [Math.ceil(count / 2), passages.length - Math.floor(count / 2)];
  return { first: passages.slice(0, begin), middle: passages.slice(begin, end), last: passages.slice(end) };
}

function wordsOf(passages: readonly Passage[]): number {
  return passages.reduce((sum, { text }) => sum + text.split(/\s+/).length, 0);
}
