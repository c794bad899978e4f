import { describe, expect, it } from "vitest";
import type { AttentionMap } from "../generation/generator.ts";
import type { Tagger } from "../text/part-of-speech.ts";
import { attentionOfWord, receivedAttention, wordsOf } from "./attention-words.ts";
import { draftOf } from "./draft.ts";
import { queryWords, weighWords } from "./rind.ts";

/** Tags by lists, so that the numbers below do not hang on a tagger. */
const tag: Tagger = (text) =>
  [...text.matchAll(/[\p{L}\p{N}]+/gu)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    isContent: /^(Mira|Tolk|built|left|Oslo)$/.test(match[0]),
    isStopWord: /^(it|Who|the)$/.test(match[0]),
  }));

/** Rows of one head, cut where they end; missing keys are 0. */
function attentionMap(
  texts: readonly string[],
  heads: readonly (readonly number[])[][],
  offset = 0,
): AttentionMap {
  const S = offset + texts.length;
  const rows = heads.flatMap((head) =>
    head.flatMap((row) => Array.from({ length: S }, (_, j) => row[j] ?? 0)),
  );
  return {
    tokens: texts.map((text, id) => ({ id, text })),
    offset,
    heads: heads.length,
    weights: Float32Array.from(rows),
  };
}

const texts = ["Mira", " built", " it", "."];
const entropies = [2, 1, 0.5, 0.1];
const draft = draftOf({
  text: texts.join(""),
  tokens: texts.map((text, id) => ({ id, text, logProbability: -1, entropy: entropies[id]! })),
  promptTokens: 1,
  finishReason: "stop",
});
const attention = attentionMap(texts, [[[1], [0.6, 0.4], [0.5, 0.3, 0.2], [0.1, 0.2, 0.3, 0.4]]]);

describe("wordsOf", () => {
  it("is what stands between white space; a token belongs to the word of its first visible character", () => {
    const words = wordsOf([" Mi", "ra", " Tolk", ".\n", "She ", "left", " "]);
    expect(words.map(({ text, tokens }) => [text, tokens])).toEqual([
      ["Mira", [0, 1]],
      ["Tolk.", [2, 3]],
      ["She", [4]],
      ["left", [5, 6]],
    ]);
    expect(words.map(({ start }) => start)).toEqual([1, 6, 12, 16]);
    expect(wordsOf([])).toEqual([]);
    expect(wordsOf([" ", ""])).toEqual([]);
  });
});

describe("receivedAttention", () => {
  it("is the largest weight of a column, by head, then the mean; the token's own counts in the code alone", () => {
    const rounded = (values: number[]) => values.map((value) => Math.round(value * 1e6) / 1e6);
    expect(rounded(receivedAttention(attention))).toEqual([1, 0.4, 0.3, 0.4]);
    expect(rounded(receivedAttention(attention, { fromLaterOnly: true }))).toEqual([0.6, 0.3, 0.3, 0]);
    const two = attentionMap(
      ["a", " b"],
      [
        [[1], [0.2, 0.8]],
        [[1], [0.6, 0.4]],
      ],
    );
    expect(rounded(receivedAttention(two, { fromLaterOnly: true }))).toEqual([0.4, 0]);
    expect(rounded(receivedAttention(two))).toEqual([1, 0.6]);
    const behind = attentionMap(
      ["a", " b"],
      [
        [
          [0.7, 0.3],
          [0.5, 0.2, 0.3],
        ],
      ],
      1,
    );
    expect(rounded(receivedAttention(behind, { fromLaterOnly: true }))).toEqual([0.2, 0]);
  });
});

describe("weighWords", () => {
  const weigh = (formula: "code" | "paper", threshold: number) =>
    weighWords(draft, attention, { formula, threshold, tag });

  it("code: share of the sentence's attention, times entropy, times words", () => {
    // Received attention: Mira 1, built 0.4, it + "." 0.3 + 0.4; together 2.1; entropy of "it." (0.5 + 0.1) / 2.
    const [sentence] = weigh("code", 0.5);
    expect(sentence!.words.map(({ text }) => text)).toEqual(["Mira", "built", "it."]);
    const wanted = [(1 / 2.1) * 2 * 3, (0.4 / 2.1) * 1 * 3, (0.7 / 2.1) * 0.3 * 3];
    for (const [i, { score }] of sentence!.words.entries()) expect(score).toBeCloseTo(wanted[i]!, 5);
    expect(sentence!.words.map(({ isHit }) => isHit)).toEqual([true, true, false]);
    expect(weigh("code", 0.58)[0]!.words.map(({ isHit }) => isHit)).toEqual([true, false, false]);
  });

  it("code: a hit without a content word is cleared", () => {
    expect(weigh("code", 0)[0]!.words.map(({ isHit }) => isHit)).toEqual([true, true, false]);
  });

  it("paper: attention of later tokens times entropy, 0 for stop words", () => {
    const [sentence] = weigh("paper", 0.25);
    const wanted = [0.6 * 2, 0.3 * 1, 0];
    for (const [i, { score }] of sentence!.words.entries()) expect(score).toBeCloseTo(wanted[i]!, 5);
    expect(sentence!.words.map(({ isHit }) => isHit)).toEqual([true, true, false]);
  });

  it("weighs nothing where no attention is: no division by zero", () => {
    const none = attentionMap(texts, [[[], [], [], []]]);
    for (const formula of ["code", "paper"] as const)
      for (const { words } of weighWords(draft, none, { formula, threshold: 0, tag }))
        expect(words.map(({ score, isHit }) => [score, isHit])).toEqual([
          [0, false],
          [0, false],
          [0, false],
        ]);
  });
});

describe("queryWords", () => {
  // "Oslo" is two tokens. Row 4 predicted its first, row 5 its second; row 5 is cut before "Os" and scaled by 1 / 0.5.
  const whole = ["Who", " left", "?", " Mira", " left", " Os", "lo"];
  const rows = [
    [0.5, 0.5],
    [0.4, 0.3, 0.3],
    [0.4, 0.2, 0.2, 0.2],
    [0.2, 0.2, 0.2, 0.2, 0.2],
    [0.2, 0.1, 0.3, 0.1, 0.1, 0.2],
    [0.1, 0.05, 0.05, 0, 0.25, 0.05, 0.5],
    [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2],
  ];
  const seen = attentionMap(whole, [rows], 1);

  it("attends from the places that predicted the word, to what stands before it, BOS in the sum", () => {
    const weights = attentionOfWord(seen, wordsOf(whole)[4]!);
    const wanted = [0.1, 0.2, 0.05, 0.3, 0.15, 0, 0];
    for (const [i, weight] of weights.entries()) expect(weight).toBeCloseTo(wanted[i]!, 6);
  });

  it("keeps the content words of most attention, in the order of the text, without the doubtful one", () => {
    // Words: Who 0.1, "left?" 0.2 + 0.05, Mira 0.3, left 0.15.
    const hits = [whole.join("").indexOf("Oslo")];
    const query = (keepWords: number) => queryWords(seen, { hits, keepWords, tag });
    expect(query(1)).toEqual(["Mira"]);
    expect(query(2)).toEqual(["left?", "Mira"]);
    expect(query(9)).toEqual(["left?", "Mira", "left"]);
  });

  it("without doubtful words, or with the first word of all, divides by nothing", () => {
    expect(queryWords(seen, { hits: [], keepWords: 1, tag })).toEqual(["left?"]);
    expect(attentionOfWord(seen, wordsOf(whole)[0]!)).toEqual(new Array(7).fill(0));
  });
});
