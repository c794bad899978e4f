import { describe, expect, it } from "vitest";
import { extractAnswer, extractAnswerLeniently, normaliseAnswer } from "./normalise.ts";

describe("normaliseAnswer", () => {
  it("drops case, punctuation, articles and extra spaces", () => {
    expect(normaliseAnswer("  The  Heron-Bridge, an old one. ")).toBe("heronbridge old one");
  });
});

describe("extractAnswer", () => {
  it("cuts as the reference does, dates and initials included", () => {
    expect(extractAnswer("August 25, 1963")).toBe("August 25");
    expect(extractAnswer("Washington, D.C.")).toBe("Washington");
    expect(extractAnswer("D.C.")).toBe("D");
  });

  it("takes what follows the first phrase, only after a chain of thought", () => {
    const text = "So the answer is Oslo. No, the answer is Bergen.";
    expect(extractAnswer(text, { chainOfThought: true })).toBe("Oslo");
    expect(extractAnswer(text)).toBe("So the answer is Oslo");
  });
});

describe("extractAnswerLeniently", () => {
  it.each([
    ["August 25, 1963.", "August 25, 1963"],
    ["15,140", "15,140"],
    ["Washington, D.C.", "Washington, D.C."],
    ["J. R. R. Vane. He wrote it.", "J. R. R. Vane"],
    ["Oslo\nbecause it is north", "Oslo"],
    ["", ""],
  ])("keeps %j whole", (text, expected) => {
    expect(extractAnswerLeniently(text)).toBe(expected);
  });

  it("finds the phrase as it is written, where the reference wants lower case and no sign after it", () => {
    for (const [text, strict, lenient] of [
      ["It is old. So the answer is: Oslo.", ": Oslo", "Oslo"],
      ["The Answer is Oslo.", "The Answer is Oslo", "Oslo"],
      ["So the answer is", "", ""],
      ["So the answer is August 25, 1963.", "August 25", "August 25, 1963"],
      ["the answer is Oslo\nQuestion: more?", "Oslo", "Oslo"],
    ] as const) {
      expect(extractAnswer(text, { chainOfThought: true })).toBe(strict);
      expect(extractAnswerLeniently(text, { chainOfThought: true })).toBe(lenient);
    }
  });

  it("ends a no as it ends a yes, but not before its number", () => {
    expect(extractAnswerLeniently(" no. Mont Blanc is in France.")).toBe("no");
    expect(extractAnswerLeniently("yes. Mont Blanc is in France.")).toBe("yes");
    const reasoned = "So the answer is no. Paris is not.";
    expect(extractAnswerLeniently(reasoned, { chainOfThought: true })).toBe("no");
    expect(extractAnswerLeniently("Symphony No. 5 in C minor.")).toBe("Symphony No. 5 in C minor");
  });

  it("takes what follows the last phrase in any case", () => {
    const text = "the answer is Oslo. No: The Answer Is Bergen, Norway. Sure.";
    expect(extractAnswerLeniently(text, { chainOfThought: true })).toBe("Bergen, Norway");
    expect(extractAnswerLeniently("It rains. Often.", { chainOfThought: true })).toBe("It rains");
  });
});
