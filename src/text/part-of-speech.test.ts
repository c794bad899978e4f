import { beforeAll, describe, expect, it } from "vitest";
import { openTagger, type Tagger } from "./part-of-speech.ts";

describe("openTagger", () => {
  let tag: Tagger;
  beforeAll(async () => {
    tag = await openTagger();
  });
  const wordsWhere = (text: string, flag: "isContent" | "isStopWord") =>
    tag(text)
      .filter((word) => word[flag])
      .map(({ start, end }) => text.slice(start, end));

  it("finds what a text is about: nouns, names, adjectives, verbs, numbers", () => {
    const text = "The old bridge in Quern was built by Mira Tolk in 1807.";
    expect(wordsWhere(text, "isContent")).toEqual([
      "old",
      "bridge",
      "Quern",
      "built",
      "Mira",
      "Tolk",
      "1807",
    ]);
    expect(wordsWhere(text, "isStopWord")).toEqual(["The", "in", "was", "by", "in", "."]);
  });

  it("gives places in the text as it is: spaces, signs, other scripts", () => {
    for (const text of [
      "  Oslo,  Norway’s “capital”…\n\nIt lies — so they say — at 59.9°N.",
      "東京 ist groß 👩‍👧 x",
      "",
      " ",
    ]) {
      let last = 0;
      for (const { start, end } of tag(text)) {
        expect(start).toBeGreaterThanOrEqual(last);
        expect(end).toBeGreaterThan(start);
        last = end;
      }
      expect(last).toBeLessThanOrEqual(text.length);
    }
    expect(tag("")).toEqual([]);
  });

  it("says the same of a text every time", () => {
    const text = "She plays the harp and a play about harps.";
    expect(tag(text)).toEqual(tag(text));
  });
});
