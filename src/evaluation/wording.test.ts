import { describe, expect, it } from "vitest";
import { sameAnswer, wordingOf } from "./wording.ts";

const pairs = [
  { question: "Who wrote the novel A Lantern for Wolves?", answer: "Oriel Thatchwood" },
  { question: "In what year was A Lantern for Wolves published?", answer: "1936" },
  { question: "For how many years did Hesper Dunmarch teach?", answer: "26 years" },
];
const group = (question: string, ...answers: string[]) => wordingOf({ question, answers }, pairs);

describe("wordingOf", () => {
  it("knows a training question again, up to case, punctuation and articles", () => {
    for (const { question, answer } of pairs) expect(group(question, answer)).toBe("same-wording");
    expect(group("who wrote novel A lantern for wolves", "Oriel Thatchwood")).toBe("same-wording");
  });

  it("tells the same fact in other words, by any accepted answer", () => {
    expect(group("Whose book is A Lantern for Wolves?", "Oriel Thatchwood")).toBe("other-words");
    expect(group("Whose book is A Lantern for Wolves?", "Thatchwood, the novelist", "Thatchwood")).toBe(
      "other-words",
    );
    expect(group("How long was Hesper Dunmarch a teacher?", "26")).toBe("other-words");
  });

  it("is not deceived by a training question with another answer", () => {
    expect(group("In what year was A Lantern for Wolves published?", "1940")).toBe("uncovered");
    expect(group("In what year was A Lantern for Wolves published?", "Oriel Thatchwood")).toBe("other-words");
  });

  it("calls a fact without a pair uncovered, and every question of a passage without pairs", () => {
    expect(group("Who drew the pictures of A Lantern for Wolves?", "Piers Zembrow")).toBe("uncovered");
    expect(wordingOf({ question: pairs[0]!.question, answers: [pairs[0]!.answer] }, [])).toBe("uncovered");
  });

  it("draws the line above a token F1 of 0.8", () => {
    const trained = [{ question: "b c d e f", answer: "x" }];
    expect(wordingOf({ question: "b c d e g", answers: ["x"] }, trained)).toBe("other-words"); // F1 0.8
    expect(wordingOf({ question: "b c d e", answers: ["x"] }, trained)).toBe("same-wording"); // F1 0.89
  });
});

describe("sameAnswer", () => {
  it.each([
    ["the Grey Circle", "Grey circle.", true],
    ["26", "26 years", true],
    ["26", "1926", false],
    ["sail maker", "a sail maker in Quillmouth", true],
    ["maker sail", "sail maker", false],
    ["", "anything", false],
    ["the", "", true],
  ])("%j and %j: %s", (a, b, same) => {
    expect(sameAnswer(a, b)).toBe(same);
    expect(sameAnswer(b, a)).toBe(same);
  });
});
