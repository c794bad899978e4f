import { describe, expect, it } from "vitest";
import type { Question } from "./questions.ts";
import { sampleQuestions } from "./sample.ts";

const questions = Array.from({ length: 100 }, (_, i): Question => {
  const type = i < 70 ? "a" : i < 94 ? "b" : "c";
  return { id: `${i}`, type, question: "q", answers: [], articles: [], contexts: [], paragraphs: [] };
});
const ids = (some: readonly Question[]) => some.map(({ id }) => Number(id));
const countOf = (some: readonly Question[], type: string) => some.filter((one) => one.type === type).length;

describe("sampleQuestions", () => {
  it("takes all, or the first", () => {
    expect(sampleQuestions(questions)).toEqual(questions);
    expect(ids(sampleQuestions(questions, { size: 3 }))).toEqual([0, 1, 2]);
    expect(sampleQuestions(questions, { size: 500 })).toHaveLength(100);
  });

  it("takes the first of each type", () => {
    const some = sampleQuestions(questions, { size: 2, order: "first-per-type" });
    expect(ids(some)).toEqual([0, 1, 70, 71, 94, 95]);
  });

  it("draws each type in its share, in the dataset's order, by the seed", () => {
    const some = sampleQuestions(questions, { size: 10, order: "stratified", seed: 1 });
    expect(["a", "b", "c"].map((type) => countOf(some, type))).toEqual([7, 2, 1]); // 7, 2.4, 0.6
    expect(ids(some)).toEqual([...ids(some)].sort((a, b) => a - b));
    expect(sampleQuestions(questions, { size: 10, order: "stratified", seed: 1 })).toEqual(some);
    expect(sampleQuestions(questions, { size: 10, order: "stratified", seed: 2 })).not.toEqual(some);
    expect(sampleQuestions(questions, { size: 500, order: "stratified" })).toHaveLength(100);
  });
});
