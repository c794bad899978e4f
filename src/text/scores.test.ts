import { describe, expect, it } from "vitest";
import { scoreAnswer } from "./scores.ts";

describe("scoreAnswer", () => {
  it("takes the best of each score over the answers, which may be different ones", () => {
    const scores = scoreAnswer("one two", ["one", "one two three four"]);
    expect(scores).toEqual({ em: 0, f1: 2 / 3, precision: 1, recall: 1 });
  });

  it("gives nothing for words around a yes or no", () => {
    expect(scoreAnswer("yes it is", ["yes"])).toEqual({ em: 0, f1: 0, precision: 0, recall: 0 });
  });

  it("matches empty with empty exactly, without overlap", () => {
    expect(scoreAnswer("the", ["a"])).toEqual({ em: 1, f1: 0, precision: 0, recall: 0 });
  });

  it("is 0 without any true answer", () => {
    expect(scoreAnswer("x", [])).toEqual({ em: 0, f1: 0, precision: 0, recall: 0 });
  });
});
