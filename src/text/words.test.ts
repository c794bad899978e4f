import { describe, expect, it } from "vitest";
import { countWords, wordSpans, words } from "./words.ts";

describe("words", () => {
  it("leaves out punctuation and white space", () => {
    expect(words("Don't panic: it's 3.14, he said — twice!")).toEqual([
      "Don't",
      "panic",
      "it's",
      "3.14",
      "he",
      "said",
      "twice",
    ]);
    expect(words(" \n… ")).toEqual([]);
  });

  it("gives spans that cut the text back into its words", () => {
    const text = "Ein 𝒷ig “Wort” — naïve.";
    expect(wordSpans(text).map(({ start, end }) => text.slice(start, end))).toEqual(words(text));
  });

  it("counts text without spaces by its words, not as one", () => {
    expect(countWords("我们昨天在图书馆读了一本关于河流的书")).toBeGreaterThan(7);
    expect(countWords("昨日は図書館で川についての本を読みました")).toBeGreaterThan(7);
    expect(countWords("เมื่อวานเราอ่านหนังสือเกี่ยวกับแม่น้ำ")).toBeGreaterThan(4);
  });
});
