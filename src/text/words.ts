import { finish, type Steps } from "../base/steps.ts";
import { type Span, segments } from "./segments.ts";

const segmenter = new Intl.Segmenter("en", { granularity: "word" });

/** A step for every word would take longer than the words. */
const charactersOfAStep = 1 << 10;

/** The words of a text in order; punctuation and white space belong to none. Text without spaces is cut by dictionary. */
export function wordSpans(text: string): Span[] {
  return finish(wordSteps(text));
}

/** The same in steps, for long texts. */
export function* wordSteps(text: string): Steps<Span[]> {
  const spans: Span[] = [];
  let told = 0;
  for (const { start, end, isWordLike } of segments(segmenter, text)) {
    if (isWordLike) spans.push({ start, end });
    if (end - told < charactersOfAStep) continue;
    yield end - told;
    told = end;
  }
  yield text.length - told;
  return spans;
}

/** The words of a text as strings. */
export function words(text: string): string[] {
  return wordSpans(text).map(({ start, end }) => text.slice(start, end));
}

/** How many words a text has; sizes of passages are counted with it. */
export function countWords(text: string): number {
  return wordSpans(text).length;
}
