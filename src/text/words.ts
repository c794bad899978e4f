import { type Span, segments } from "./segments.ts";

const segmenter = new Intl.Segmenter("en", { granularity: "word" });

/** The words of a text in order; punctuation and white space belong to none. Text without spaces is cut by dictionary. */
export function wordSpans(text: string): Span[] {
  const spans: Span[] = [];
  for (const { start, end, isWordLike } of segments(segmenter, text))
    if (isWordLike) spans.push({ start, end });
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
