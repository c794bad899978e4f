import { describe, expect, it } from "vitest";
import type { Passage } from "../corpus/corpus.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { goldPassages } from "./gold-passages.ts";
import type { Question } from "./questions.ts";

const passage = (id: string, title: string, text: string): Passage => ({
  id,
  documentId: `d${id}`,
  title,
  text,
  position: 0,
});
const passages = [
  passage("1", "Tarn", "Tarn lies on the coast."),
  passage("2", "Quern", "Quern has a bridge of nine arches."),
  passage("3", "Quern", "It was built in 1871."),
  passage("4", "Dray", "Dray has no bridge."),
];
/** Finds by shared words, most first. */
const retriever: Retriever = {
  async retrieve(query, limit) {
    const words = new Set(query.toLowerCase().split(/\W+/));
    const score = ({ text }: Passage) =>
      text
        .toLowerCase()
        .split(/\W+/)
        .filter((word) => words.has(word)).length;
    return passages
      .map((one) => ({ passage: one, score: score(one) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, limit);
  },
};
const question = (changes: Partial<Question>): Question => ({
  id: "q",
  type: "bridge",
  question: "How many arches?",
  answers: ["nine"],
  articles: [],
  contexts: [],
  paragraphs: [],
  ...changes,
});

describe("gold passages", () => {
  it.each([
    ["by title, all passages of it, the articles in turn", { articles: ["Quern", "Tarn"] }, ["2", "1", "3"]],
    [
      "those of an article as the question finds them",
      { articles: ["Quern"], question: "In which year was it built?" },
      ["3", "2"],
    ],
    [
      "by text, whatever the spaces",
      { contexts: ["Quern has a  bridge of nine arches.\nIt stands."] },
      ["2"],
    ],
    ["by a text that is a sentence of a passage", { contexts: ["no bridge"] }, ["4"]],
    ["each once", { articles: ["Tarn"], contexts: ["Tarn lies on the coast."] }, ["1"]],
    ["none where the dataset names none", {}, []],
    ["none where the corpus has none", { articles: ["Morvale"], contexts: ["Another bridge."] }, []],
  ])("%s", async (_name, changes, wanted) => {
    const gold = await goldPassages([question(changes)], { passages, retriever });
    expect(gold.get("q")?.map(({ id }) => id)).toEqual(wanted);
  });
});
