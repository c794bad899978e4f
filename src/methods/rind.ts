import type { AttentionMap } from "../generation/generator.ts";
import type { Tagger } from "../text/part-of-speech.ts";
import {
  attentionOfWord,
  overlapping,
  receivedAttention,
  type TokenWord,
  wordsOf,
} from "./attention-words.ts";
import { type Draft, sentencesOf } from "./draft.ts";

/** Which formula weighs a word: that of DRAGIN's code, or that of its paper. */
export type RindFormula = "code" | "paper";

/** A word of a draft with its weight. */
export interface WeighedWord extends TokenWord {
  score: number;
  isHit: boolean;
}

/** A sentence of a draft with its weighed words. */
export interface WeighedSentence {
  start: number;
  end: number;
  text: string;
  words: WeighedWord[];
}

/**
 * Real-time information needs: every word by how much attention it gets, how uncertain the model was of it, and whether
 * it says anything. Su et al. 2024 (DRAGIN), section 3.2. Attention of a word is the sum over its tokens, entropy the
 * mean. `code`: S = a / Σ a of the sentence · H · number of words; hits without a content word are cleared. `paper`:
 * S = a · H, and 0 for stop words.
 */
export function weighWords(
  draft: Draft,
  attention: AttentionMap,
  { formula, threshold, tag }: { formula: RindFormula; threshold: number; tag: Tagger },
): WeighedSentence[] {
  const received = receivedAttention(attention, { fromLaterOnly: formula === "paper" });
  const words = wordsOf(draft.tokens.map(({ text }) => text));
  const tagged = tag(draft.text);
  const isContent = overlapping(words, tagged, (word) => word.isContent);
  const isMore = overlapping(words, tagged, (word) => !word.isStopWord);
  const attentions = words.map(({ tokens }) => sum(tokens.map((token) => received[token] ?? 0)));
  const entropies = words.map(({ tokens }) => mean(tokens.map((token) => draft.tokens[token]!.entropy)));
  return sentencesOf(draft).map(({ start, end, text }) => {
    const own = [...words.keys()].filter((i) => words[i]!.start >= start && words[i]!.start < end);
    const total = sum(own.map((i) => attentions[i]!));
    const scoreOf = (i: number): number => {
      const weight = attentions[i]! * entropies[i]!;
      if (formula === "paper") return isMore[i] ? weight : 0;
      return total > 0 ? (weight / total) * own.length : 0; // the code divides by 0 here
    };
    return {
      start,
      end,
      text,
      words: own.map((i) => {
        const score = scoreOf(i);
        const counts = formula === "paper" || isContent[i] === true;
        return { ...words[i]!, score, isHit: counts && score > threshold };
      }),
    };
  });
}

/**
 * Query formulation from self-attention: the content words that the doubtful words attend to most, in the order of the
 * text. Su et al. 2024 (DRAGIN), section 3.3, as its code has it. `attention` is of the whole text, whose last part is
 * the sentence; `hits` are places of the sentence's doubtful words in it.
 */
export function queryWords(
  attention: AttentionMap,
  { hits, keepWords, tag }: { hits: readonly number[]; keepWords: number; tag: Tagger },
): string[] {
  const pieces = attention.tokens.map(({ text }) => text);
  const words = wordsOf(pieces);
  const isContent = overlapping(words, tag(pieces.join("")), (word) => word.isContent);
  const doubtful = words.filter(({ start, end }) => hits.some((hit) => hit >= start && hit < end));
  const weights = new Array<number>(words.length).fill(0);
  for (const hit of doubtful) {
    const seen = attentionOfWord(attention, hit);
    for (const [i, { tokens }] of words.entries())
      weights[i]! += sum(tokens.map((token) => seen[token] ?? 0)) / doubtful.length;
  }
  const candidates = [...words.keys()].filter((i) => isContent[i] && !doubtful.includes(words[i]!));
  const best = candidates.sort((a, b) => weights[b]! - weights[a]! || a - b).slice(0, keepWords);
  return best.sort((a, b) => a - b).map((i) => words[i]!.text);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function mean(values: readonly number[]): number {
  return values.length ? sum(values) / values.length : 0;
}
