import { describe, expect, it } from "vitest";
import { analyzers } from "./analyzer.ts";

describe("english", () => {
  it("drops possessives and stop words, lowers and stems", () => {
    expect(analyzers.english("The Dogs’ and the CAT'S relations, İn İs")).toEqual(["dog", "cat", "relat"]);
  });
});

describe("unicode", () => {
  it("keeps words as they are, in lower case and compatibility form", () => {
    expect(analyzers.unicode("The Dogs' ＡＢＣ ﬁne ΣΟΦΟΣ 한국어는")).toEqual([
      "the",
      "dogs",
      "abc",
      "fine",
      "σοφοσ",
      "한국어는",
    ]);
  });

  it("pairs neighbours of Chinese and Japanese, and keeps a character alone", () => {
    expect(analyzers.unicode("東京タワー。水 a火b")).toEqual([
      "東京",
      "京タ",
      "タワ",
      "ワー",
      "水",
      "a",
      "火",
      "b",
    ]);
    expect(analyzers.unicode("𠮷野家")).toEqual(["𠮷野", "野家"]);
  });
});
