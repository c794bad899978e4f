import { ConfigError } from "../base/errors.ts";
import { finish, type Steps } from "../base/steps.ts";
import type { Span } from "../text/segments.ts";
import { sentenceSteps } from "../text/sentences.ts";
import { wordSteps } from "../text/words.ts";

/** How a text is cut into passages. */
export interface ChunkOptions {
  /** A passage has at most so many words. */
  maxWords?: number | undefined;
  /** So many words of its end are repeated at the beginning of the next passage. */
  overlapWords?: number | undefined;
}

/** A stretch of text that is not cut further: a sentence, or a part of one that is too long. */
interface Piece extends Span {
  words: number;
}

/** No ordinary text has longer words on average; it bounds passages of base64, tables of symbols and the like. */
const maxCharactersPerWord = 40;

/**
 * Cuts a text into passages of at most `maxWords` words, at sentence ends where there are any. Without overlap every
 * character but the white space around the cuts is in exactly one passage. Passages before the last two depend
 * on what stands before them only, so text that is appended to a document leaves them as they are.
 */
export function chunk(text: string, options: ChunkOptions = {}): string[] {
  return finish(chunkSteps(text, options));
}

/** The same in steps, for long texts. */
export function* chunkSteps(
  text: string,
  { maxWords = 100, overlapWords = 0 }: ChunkOptions = {},
): Steps<string[]> {
  if (!Number.isInteger(maxWords) || maxWords < 1)
    throw new ConfigError(`maxWords must be a whole number of at least 1, got ${maxWords}`);
  if (!Number.isInteger(overlapWords) || overlapWords < 0 || overlapWords >= maxWords)
    throw new ConfigError(
      `overlapWords must be a whole number from 0 to below maxWords (${maxWords}), got ${overlapWords}`,
    );
  const limit = maxWords - overlapWords;
  const pieces: Piece[] = [];
  for (const sentence of yield* sentenceSteps(text))
    for (const piece of yield* cutToSize(text, sentence, limit)) pieces.push(piece);
  const groups = balanceEnd(fill(pieces, limit), limit);
  const passages: string[] = [];
  for (const [i, group] of groups.entries()) {
    const start = (yield* overlapStart(text, groups[i - 1], overlapWords)) ?? startOf(group);
    passages.push(text.slice(start, endOf(group)).trim());
  }
  return passages.filter((passage) => passage !== "");
}

/** A sentence as it is, or in equal parts cut before words where it is too long. */
function* cutToSize(text: string, { start, end }: Span, limit: number): Steps<Piece[]> {
  const words = yield* wordSteps(text.slice(start, end));
  const parts = Math.max(1, Math.ceil(words.length / limit));
  const pieces: Piece[] = [];
  for (let part = 0, from = start, wordsBefore = 0; part < parts; part++) {
    const wordsUntil = Math.floor((words.length * (part + 1)) / parts);
    const next = part === parts - 1 ? undefined : words[wordsUntil];
    const to = next ? start + next.start : end;
    const piece = { start: from, end: to, words: wordsUntil - wordsBefore };
    for (const short of cutToLength(text, piece, limit)) pieces.push(short);
    from = to;
    wordsBefore = wordsUntil;
  }
  return pieces;
}

/** Cuts what has few words but very many characters; never through a surrogate pair. */
function cutToLength(text: string, piece: Piece, limit: number): Piece[] {
  const size = limit * maxCharactersPerWord;
  if (piece.end - piece.start <= size) return [piece];
  const parts: Piece[] = [];
  for (let start = piece.start; start < piece.end; ) {
    let end = Math.min(start + size, piece.end);
    if (end < piece.end && /[\uDC00-\uDFFF]/.test(text.charAt(end))) end--;
    parts.push({ start, end, words: Math.ceil((piece.words * (end - start)) / (piece.end - piece.start)) });
    start = end;
  }
  return parts;
}

/** Groups of neighbouring pieces, each as large as the limit admits. */
function fill(pieces: readonly Piece[], limit: number): Piece[][] {
  const groups: Piece[][] = [];
  let words = 0;
  for (const piece of pieces) {
    const group = groups.at(-1);
    const fits =
      group !== undefined &&
      words + piece.words <= limit &&
      piece.end - startOf(group) <= limit * maxCharactersPerWord;
    if (fits) group.push(piece);
    else groups.push([piece]);
    words = fits ? words + piece.words : piece.words;
  }
  return groups;
}

/** A last group of a few words would be a poor passage: it then shares its text evenly with the one before. */
function balanceEnd(groups: Piece[][], limit: number): Piece[][] {
  const [before, last] = groups.slice(-2);
  if (!before || !last || countOf(last) >= limit / 4) return groups;
  const pieces = [...before, ...last];
  const candidates = pieces.slice(1).map((_, i) => [pieces.slice(0, i + 1), pieces.slice(i + 1)] as const);
  const fitting = candidates.filter(([, end]) => endOf(end) - startOf(end) <= limit * maxCharactersPerWord);
  const difference = ([a, b]: (typeof candidates)[number]) => Math.abs(countOf(a) - countOf(b));
  const best = fitting.reduce((a, b) => (difference(b) < difference(a) ? b : a), [before, last] as const);
  return [...groups.slice(0, -2), ...best];
}

/** Where the repeated end of the group before begins. */
function* overlapStart(
  text: string,
  before: Piece[] | undefined,
  overlapWords: number,
): Steps<number | undefined> {
  if (!before || overlapWords === 0) return undefined;
  const start = startOf(before);
  const word = (yield* wordSteps(text.slice(start, endOf(before)))).slice(-overlapWords)[0];
  return word && start + word.start;
}

const startOf = (group: readonly Piece[]) => group[0]?.start ?? 0;
const endOf = (group: readonly Piece[]) => group.at(-1)?.end ?? 0;
const countOf = (group: readonly Piece[]) => group.reduce((sum, { words }) => sum + words, 0);
