import { sentences } from "./sentences.ts";

/** White space as Python's `str.isspace` has it: it differs from JavaScript's `\s` in U+001C–001F, U+0085 and U+FEFF. */
const whiteSpace = "[\\t-\\r\\x1C-\\x20\\x85\\xA0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000]";
const whiteSpaceRun = new RegExp(`${whiteSpace}+`);
const outerWhiteSpace = new RegExp(`^${whiteSpace}+|${whiteSpace}+$`, "g");
const asciiPunctuation = /[!-/:-@[-`{-~]/g;
/** Whole words as Python's `\b` finds them: letters, digits and the underscore are word characters, marks are not. */
const articles = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

/** Removes white space at both ends, as Python's `str.strip`. */
export function strip(text: string): string {
  return text.replace(outerWhiteSpace, "");
}

/** The tokens of a text between white space, as Python's `str.split`. */
export function splitWhiteSpace(text: string): string[] {
  return text.split(whiteSpaceRun).filter((token) => token !== "");
}

/** An answer as it is compared: lower case, without ASCII punctuation and articles, single spaces. */
export function normaliseAnswer(text: string): string {
  const bare = text.toLowerCase().replace(asciiPunctuation, "").replace(articles, " ");
  return splitWhiteSpace(bare).join(" ");
}

/** How the text was asked for: after a chain of thought the answer stands behind a phrase. */
export interface ExtractOptions {
  chainOfThought?: boolean;
}

/**
 * The answer within a generated text, as the reference project takes it: what follows the first "the answer is", up to
 * the first full stop, then line break, then comma. It cuts "August 25, 1963" and "D.C."; see `extractAnswerLeniently`.
 */
export function extractAnswer(text: string, { chainOfThought = false }: ExtractOptions = {}): string {
  const phrase = "the answer is";
  const at = chainOfThought ? text.indexOf(phrase) : -1;
  let answer = strip(at < 0 ? text : text.slice(at + phrase.length));
  for (const stop of [".", "\n", ","]) {
    const end = answer.indexOf(stop);
    if (end >= 0) answer = strip(answer.slice(0, end));
  }
  return answer;
}

/**
 * The answer within a generated text, reported beside the reference's: what follows the last "answer is" in any case,
 * up to the end of its line or sentence, so that dates, numbers and initials stay whole.
 */
export function extractAnswerLeniently(
  text: string,
  { chainOfThought = false }: ExtractOptions = {},
): string {
  const behind = chainOfThought ? /^.*\banswer is\b:?(.*)$/is.exec(text)?.[1] : undefined;
  const line = strip(strip(behind ?? text).split("\n")[0] ?? "");
  const sentence = sentences(line)[0] ?? "";
  const endsInAcronym = /(?:\p{L}\.){2,}$/u.test(sentence);
  return endsInAcronym ? sentence : strip(sentence.replace(/[.!?。！？]+$/, ""));
}
