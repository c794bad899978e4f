import { describe, expect, it } from "vitest";
import { highlight } from "./highlight.ts";

const marked = (text: string, asked: { answer?: string; query?: string }) =>
  highlight(text, asked)
    .filter(({ mark }) => mark)
    .map(({ text: piece, mark }) => `${mark}:${piece}`);

describe("highlight", () => {
  it("keeps every character of the passage in its place", () => {
    const text = "Ada Korvin <b>built</b> it; Ada's harbour & wall — 41 m.\n\nİstanbul ﬁn";
    const pieces = highlight(text, { answer: "Ada Korvin", query: "Who built the harbour in İstanbul?" });
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
  });

  it("marks the answer as a phrase, in any case and over any gap", () => {
    expect(marked("By ADA  Korvin, and Ada alone.", { answer: "Ada Korvin." })).toEqual([
      "answer:ADA  Korvin",
    ]);
  });

  it("marks the answer's words where the phrase is not there", () => {
    expect(marked("Korvin, Ada, engineer of the reef", { answer: "the engineer Ada Korvin" })).toEqual([
      "answer:Korvin",
      "answer:Ada",
      "answer:engineer",
    ]);
  });

  it("marks content words of the query, whole words only, and the answer before the query", () => {
    expect(
      marked("The tower towers over Ostry.", { query: "Who is the tower of Ostry?", answer: "Ostry" }),
    ).toEqual(["query:tower", "answer:Ostry"]);
  });

  it("marks nothing for function words, and takes signs as they are", () => {
    expect(marked("It is the end.", { answer: "the", query: "is it?" })).toEqual([]);
    expect(marked("a+b (c) [d]", { answer: "(c) [d]", query: ".* a+b" })).toEqual([
      "query:b",
      "answer:c) [d",
    ]);
  });

  it("has nothing to say of an empty passage", () => {
    expect(highlight("", { answer: "x", query: "y" })).toEqual([]);
  });
});
