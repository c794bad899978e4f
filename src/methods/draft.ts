import { UnsupportedError } from "../base/errors.ts";
import type { GeneratedToken, Generation } from "../generation/generator.ts";
import type { Span } from "../text/segments.ts";
import { sentenceSpans } from "../text/sentences.ts";

/** A generated token with its place in the draft, in UTF-16 code units. */
export interface DraftToken extends GeneratedToken, Span {}

/** A text that may become part of the answer: nobody has seen it yet. */
export interface Draft {
  text: string;
  tokens: readonly DraftToken[];
  /** The model ended the text by itself. */
  isEnded: boolean;
}

/** The beginning of a draft, or all of it. */
export interface Piece {
  text: string;
  /** Its tokens that have visible characters. */
  tokens: number;
  /** It reaches the end of a draft that the model ended by itself. */
  isEnd: boolean;
}

/** Places the tokens of a generation in its text; those at its end that a stop string swallowed say nothing of it. */
export function draftOf({ text, tokens, finishReason }: Generation): Draft {
  let at = 0;
  const shown = tokens.slice(0, tokens.findLastIndex((token) => token.text !== "") + 1);
  const placed = shown.map((token) => {
    const start = at;
    at += token.text.length;
    return { ...token, start, end: at };
  });
  return { text, tokens: placed, isEnded: finishReason === "stop" };
}

/** Refuses a draft whose probabilities are not known: the method that asks decides by them. */
export function needProbabilities(
  { tokens }: Draft,
  { method, model }: { method: string; model: string },
): void {
  if (tokens.some(({ logProbability }) => Number.isNaN(logProbability)))
    throw new UnsupportedError(
      `${method} decides by the probabilities of tokens, which ${model} does not tell; use a local model or another method`,
    );
}

/** A sentence of a draft with its tokens: those whose first visible character stands in it. */
export interface DraftSentence extends Span {
  text: string;
  tokens: readonly DraftToken[];
}

/**
 * The sentences of a draft, white space at their ends left out. A token that reaches over a border belongs to the
 * sentence in which its first visible character stands; one without any, to the sentence that it stands in or follows.
 */
export function sentencesOf({ text, tokens }: Pick<Draft, "text" | "tokens">): DraftSentence[] {
  const found = sentenceSpans(text).flatMap((span) => {
    const trimmed = text.slice(span.start, span.end).trim();
    if (trimmed === "") return [];
    const start = text.indexOf(trimmed, span.start);
    const own: DraftToken[] = [];
    return [{ start, end: start + trimmed.length, text: trimmed, tokens: own }];
  });
  for (const token of tokens) {
    const home = found.find(({ end }) => placeOf(token) < end) ?? found.at(-1);
    home?.tokens.push(token);
  }
  return found;
}

/** Where the first visible character of a token stands, or its beginning where it has none. */
function placeOf({ start, text }: DraftToken): number {
  return start + Math.max(0, text.search(/\S/));
}

/** The draft up to a place, white space at the end left out. */
export function pieceOf({ text, tokens, isEnded }: Draft, end = text.length): Piece {
  return {
    text: text.slice(0, end).trimEnd(),
    tokens: tokens.filter((token) => token.text.trim() !== "" && placeOf(token) < end).length,
    isEnd: isEnded && text.slice(end).trim() === "",
  };
}

/** Where the first sentence of a draft ends; one of fewer than five characters goes on into the next, as a number of a list does. */
export function firstSentenceEnd({ text }: Pick<Draft, "text">): number {
  const from = text.length - text.trimStart().length;
  const first = sentenceSpans(text).find(
    ({ start, end }) => text.slice(Math.min(start, from), end).trim().length >= 5,
  );
  return first ? first.start + text.slice(first.start, first.end).trimEnd().length : text.length;
}
