import { type FactToken, factTokens, isYear } from "./fact-tokens.ts";

/** Scripts in which words are not told apart by spaces, or carry endings: there a text is searched letter by letter. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;
const leading = new Set(
  "in on at by from near to of for with about since until during around approximately circa".split(" "),
);
const titles = new Set(
  "mr mrs ms miss dr prof professor sir lord lady king queen prince princess emperor saint st bishop captain general president river lake mount cape port city town village county".split(
    " ",
  ),
);
const notNames = new Set(
  "in on at by from near to of for with and or but it its he his she her they their this that these those there here when while after before since until during as if not no one two many most some all each every both today later then who whom whose what which where why how did does do was were is are has have had i".split(
    " ",
  ),
);

/** Whether a text is of a script that our English rules do not fit. */
export function isUnspaced(text: string): boolean {
  return unspaced.test(text);
}

/**
 * Whether the answer stands in the text: word by word and as a whole name, articles and a leading preposition aside,
 * with numbers and dates compared by value. A list is supported if one sentence names all its parts.
 */
export function supports(text: string, answer: string): boolean {
  if (isUnspaced(answer)) return squeeze(text).includes(squeeze(answer));
  const tokens = factTokens(text);
  if (occurrences(tokens, answerTokens(answer)).length > 0) return true;
  const parts = answer
    .split(/,\s*(?:and\s|or\s)?|;\s*|\s(?:and|or|&)\s/)
    .filter((part) => part.trim() !== "");
  if (parts.length < 2) return false;
  const places = parts.map((part) => occurrences(tokens, answerTokens(part)));
  return (places[0] ?? []).some((first) =>
    places.every((place) =>
      place.some((at) => sentenceOf(tokens, at.start) === sentenceOf(tokens, first.start)),
    ),
  );
}

/** A run of tokens, `end` exclusive. */
export interface TokenRange {
  start: number;
  end: number;
}

/** The tokens of an answer without prepositions before it. */
export function answerTokens(answer: string): readonly FactToken[] {
  const tokens = factTokens(answer);
  let start = 0;
  while (start < tokens.length - 1 && isLeading(tokens[start]!, tokens[start + 1]!)) start++;
  return tokens.slice(start);
}

function isLeading(token: FactToken, next: FactToken): boolean {
  return leading.has(token.form) || (token.form === "year" && isYear(next));
}

/** Where the wanted tokens stand one after another, not as a part of a longer name. */
export function occurrences(tokens: readonly FactToken[], wanted: readonly FactToken[]): TokenRange[] {
  const found: TokenRange[] = [];
  if (wanted.length === 0) return found;
  for (let start = 0; start + wanted.length <= tokens.length; start++) {
    const range = { start, end: start + wanted.length };
    if (wanted.every((token, i) => sameForm(token, tokens[start + i]!)) && !cutsName(tokens, range))
      found.push(range);
  }
  return found;
}

function sameForm(a: FactToken, b: FactToken): boolean {
  if (a.form === b.form) return true;
  // "Monday" for "Mondays": a plural where no number is concerned.
  return (
    a.kind === "word" &&
    b.kind === "word" &&
    a.form.length > 3 &&
    (`${a.form}s` === b.form || a.form === `${b.form}s`)
  );
}

/** Whether a capitalised neighbour shows that the range is only a piece of a name ("Copper Owl" of "Copper Owl Award"). */
function cutsName(tokens: readonly FactToken[], { start, end }: TokenRange): boolean {
  const first = tokens[start]!;
  const last = tokens[end - 1]!;
  const before = tokens[start - 1];
  const after = tokens[end];
  const cutBefore =
    before !== undefined &&
    first.capital &&
    isNamePart(before) &&
    joined(before, first) &&
    !titles.has(before.form);
  const cutAfter = after !== undefined && last.capital && isNamePart(after) && joined(last, after);
  return cutBefore || cutAfter;
}

/** Whether a token belongs to a name by its capital letter. */
export function isNamePart(token: FactToken): boolean {
  return token.kind === "word" && token.capital && !notNames.has(token.form);
}

function joined(left: FactToken, right: FactToken): boolean {
  return right.start - left.end === 1 && !right.opening && !/['’]s$/.test(left.source);
}

/** Number of the sentence in which a token stands. */
function sentenceOf(tokens: readonly FactToken[], at: number): number {
  let sentence = 0;
  for (let i = 1; i <= at; i++) if (tokens[i]!.opening) sentence++;
  return sentence;
}

function squeeze(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s\p{P}]/gu, "");
}

/** What a text says that can be looked for in another: names word by word, numbers and dates in their one form. */
function facts(tokens: readonly FactToken[]): Map<string, string> {
  const named = new Set(
    tokens.filter((token) => !token.opening && isNamePart(token)).map(({ form }) => form),
  );
  const found = new Map<string, string>();
  for (const token of tokens) {
    const isFact = token.kind === "word" ? isNamePart(token) && named.has(token.form) : !isOne(token);
    if (isFact) found.set(token.form, token.source);
  }
  return found;
}

/** "one" and "first" are more often a manner of speaking than a fact. */
function isOne({ form, source }: FactToken): boolean {
  return (form === "1" || form === "1st") && /^\p{L}/u.test(source);
}

/** The names, numbers and dates of a passage that its rewrite lost. */
export function missingFacts(passage: string, rewrite: string): string[] {
  const kept = new Set(factTokens(rewrite).map(({ form }) => form));
  return [...facts(factTokens(passage))].filter(([form]) => !kept.has(form)).map(([, source]) => source);
}

/** The names, numbers and dates of a rewrite that its passage (title and text) does not have. */
export function inventedFacts(passage: string, rewrite: string): string[] {
  // "both" may become "the two".
  return missingFacts(rewrite, passage).filter((source) => source.toLowerCase() !== "two");
}
