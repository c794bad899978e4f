import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { containsAnswer, findAnswers, isClosed } from "./answer-finder.ts";

describe("containsAnswer", () => {
  it.each([
    ["It was Oslo.", ["oslo"], true],
    ["It was Oslofjord.", ["Oslo"], false],
    ["He lived in New York City.", ["Paris", "the New York"], true],
    ["In 1,963 cases", ["1963"], true],
    ["Nothing", ["the", "", "."], false],
    ["", [""], false],
  ])("%j has one of %j: %s", (text, answers, expected) => {
    expect(containsAnswer(text, answers)).toBe(expected);
  });
});

describe("isClosed", () => {
  it("knows yes and no", () => {
    expect(isClosed(["Yes."])).toBe(true);
    expect(isClosed(["no", "yes"])).toBe(true);
    expect(isClosed(["no", "none"])).toBe(false);
    expect(isClosed([])).toBe(false);
  });
});

describe("findAnswers", () => {
  it("says in one pass what containsAnswer says of each text", () => {
    const random = new Random(3);
    const word = () => ["Oslo", "the", "Bergen", "a", "York", "New", "1,963", "x", "y"][random.int(9)]!;
    const phrase = (most: number) => Array.from({ length: random.int(most) }, word).join(" ");
    const texts = Array.from({ length: 400 }, () => phrase(12));
    const answers = Array.from({ length: 300 }, () => [phrase(5), phrase(7)]);
    const expected = answers.map((some) => texts.some((text) => containsAnswer(text, some)));
    expect(findAnswers(texts, answers)).toEqual(expected);
    expect(new Set(expected)).toEqual(new Set([true, false]));
  });
});
