import { describe, expect, it } from "vitest";
import { tokenizeStandard } from "./standard-tokenizer.ts";

const texts = (text: string) => tokenizeStandard(text).map((token) => token.text);

describe("tokenizeStandard", () => {
  it.each([
    [
      "The well-known O'Reilly's e-mail: a@b.com",
      ["The", "well", "known", "O'Reilly's", "e", "mail", "a", "b.com"],
    ],
    ["1,234.5 and 12:30, v1.2 x_y", ["1,234.5", "and", "12", "30", "v1.2", "x_y"]],
    ["東京タワーへ行く", ["東", "京", "タワー", "へ", "行", "く"]],
    ["한국어 ภาษาไทย צה״ל", ["한국어", "ภาษาไทย", "צה״ל"]],
    ["a👍🏽b 👩‍👩‍👧🇩🇪 1️⃣", ["a", "👍🏽", "b", "👩‍👩‍👧", "🇩🇪", "1️⃣"]],
    ["___ … — '", []],
    ["", []],
  ])("cuts %j", (text, expected) => {
    expect(texts(text)).toEqual(expected);
  });

  it("tells where tokens stand and what they are made of", () => {
    expect(tokenizeStandard("ab 漢 か カナ")).toEqual([
      { text: "ab", start: 0, kind: "word" },
      { text: "漢", start: 3, kind: "han" },
      { text: "か", start: 5, kind: "hiragana" },
      { text: "カナ", start: 7, kind: "katakana" },
    ]);
  });

  it("cuts tokens after 255 units, but no character in two", () => {
    expect(texts("a".repeat(300)).map((token) => token.length)).toEqual([255, 45]);
    expect(texts("𝒶".repeat(200)).map((token) => token.length)).toEqual([254, 146]);
  });

  it("takes a time linear in the length of hostile input", () => {
    for (const part of ["_", "a_", 'א"', "1,", "😀\u200d", "\u0301", "a".repeat(255)])
      expect(texts(part.repeat(20_000)).join("").length).toBeLessThanOrEqual(part.length * 20_000);
  });
});
