import type { Passage } from "../corpus/corpus.ts";
import type { Question } from "./questions.ts";

/** For each article or text that supports the answer: whether a passage is of it. */
export function supports({
  articles,
  contexts,
}: Pick<Question, "articles" | "contexts">): ((passage: Passage) => boolean)[] {
  return [
    ...articles.map((title) => (passage: Passage) => passage.title === title),
    ...contexts.map((context) => {
      const wanted = squeeze(context);
      return ({ text }: Passage) => overlaps(squeeze(text), wanted);
    }),
  ];
}

/** A dataset's context may be cut to smaller passages, or be a sentence of one. */
function overlaps(text: string, context: string): boolean {
  return text !== "" && context !== "" && (text.includes(context) || context.includes(text));
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
