import type { AttentionMap } from "../generation/generator.ts";
import type { TaggedWord } from "../text/part-of-speech.ts";
import type { Span } from "../text/segments.ts";

/** What stands between white space, with the tokens that begin in it. */
export interface TokenWord extends Span {
  text: string;
  /** Indices of its tokens, in order; none where a token of the word before reaches over it. */
  tokens: number[];
}

/** The words of a text whose tokens are these pieces, one after another. A token belongs to the word of its first visible character. */
export function wordsOf(pieces: readonly string[]): TokenWord[] {
  const text = pieces.join("");
  const found = [...text.matchAll(/\S+/g)].map((match): TokenWord => {
    return { start: match.index, end: match.index + match[0].length, text: match[0], tokens: [] };
  });
  let at = 0;
  let next = 0;
  for (const [i, piece] of pieces.entries()) {
    const place = at + Math.max(0, piece.search(/\S/));
    while (next < found.length - 1 && found[next]!.end <= place) next++;
    found[next]?.tokens.push(i);
    at += piece.length;
  }
  return found;
}

/** Marks words that overlap a tagged one of this kind; `offset` is where the words' text begins in the tagged text. */
export function overlapping(
  words: readonly Span[],
  tagged: readonly TaggedWord[],
  isWanted: (word: TaggedWord) => boolean,
): boolean[] {
  const wanted = tagged.filter(isWanted);
  return words.map(({ start, end }) => wanted.some((tag) => tag.start < end && tag.end > start));
}

/**
 * How much each token of the text is attended to: by head the largest weight that any of the text's tokens gives it,
 * then the mean over heads. DRAGIN's code counts the token's own weight; `fromLaterOnly`, as the paper has it, does not.
 */
export function receivedAttention(
  { tokens, offset, heads, weights }: AttentionMap,
  { fromLaterOnly = false } = {},
): number[] {
  const T = tokens.length;
  const S = offset + T;
  return tokens.map((_token, j) => {
    let sum = 0;
    for (let h = 0; h < heads; h++) {
      let largest = 0;
      for (let q = fromLaterOnly ? j + 1 : j; q < T; q++)
        largest = Math.max(largest, weights[(h * T + q) * S + offset + j]!);
      sum += largest;
    }
    return heads ? sum / heads : 0;
  });
}

/**
 * How much a word attends to the tokens before it: for each of its tokens the row of the place that predicted it, cut
 * before the word and scaled to sum to 1, mean over heads; then the mean over its tokens. Indices are the text's.
 */
export function attentionOfWord({ tokens, offset, heads, weights }: AttentionMap, word: TokenWord): number[] {
  const T = tokens.length;
  const S = offset + T;
  const sums = new Array<number>(T).fill(0);
  const first = word.tokens[0];
  // The place before the first token is not among the rows where nothing or only a BOS stands before the text.
  const rows = word.tokens.filter((token) => token > 0).map((token) => token - 1);
  if (first === undefined || rows.length === 0) return sums;
  for (const row of rows) {
    const mean = new Float64Array(offset + first);
    for (let h = 0; h < heads; h++)
      for (let j = 0; j < mean.length; j++) mean[j]! += weights[(h * T + row) * S + j]! / heads;
    const total = mean.reduce((a, b) => a + b, 0);
    if (total === 0) continue;
    for (let j = 0; j < first; j++) sums[j]! += mean[offset + j]! / total / rows.length;
  }
  return sums;
}
