import type { MethodName } from "../../src/index.ts";

/** A method in the words of the page. */
export interface MethodText {
  name: string;
  short: string;
  explanation: string;
}

/** Of every method that answers from a collection; `memorag` answers from a memory, which the server has none of. */
const texts: Record<Exclude<MethodName, "memorag">, MethodText> = {
  "closed-book": {
    name: "Closed book",
    short: "Closed book",
    explanation: "The model alone, without your documents.",
  },
  "standard-rag": {
    name: "Standard RAG",
    short: "RAG",
    explanation: "The passages found stand in the prompt.",
  },
  prag: {
    name: "Parametric RAG",
    short: "P-RAG",
    explanation: "The adapters of the passages found are merged into the model; the prompt stays short.",
  },
  combine: {
    name: "Combine",
    short: "Combine",
    explanation: "Adapters in the model and passages in the prompt.",
  },
  "da-rag": {
    name: "DA-RAG",
    short: "DA-RAG",
    explanation: "Like RAG, with the passages' questions and answers in the prompt too.",
  },
  flare: {
    name: "FLARE",
    short: "FLARE",
    explanation: "Searches again, sentence by sentence, where the model is unsure of what comes next.",
  },
  "flare-token": {
    name: "FLARE by token",
    short: "FLARE by token",
    explanation: "Searches again as soon as one token is unsure.",
  },
  dragin: {
    name: "DRAGIN",
    short: "DRAGIN",
    explanation: "Searches again where the model is unsure, for the words that it looks at.",
  },
  hyde: {
    name: "HyDE",
    short: "HyDE",
    explanation: "The model makes up a passage that might answer, and what is like it is searched for.",
  },
  decompose: {
    name: "Decompose",
    short: "Decompose",
    explanation: "The model takes the question apart, and each part is searched for.",
  },
  "full-context": {
    name: "Full context",
    short: "Full context",
    explanation: "Nothing is searched for: as much of the documents as fits stands in the prompt.",
  },
};

const known = new Map<string, MethodText>(Object.entries(texts));

/** How a method is called; one that the page does not know keeps its name. */
export function methodText(method: string): MethodText {
  return known.get(method) ?? { name: method, short: method, explanation: "" };
}

/** What stands side by side. */
export const compared: readonly MethodName[] = ["closed-book", "standard-rag", "prag", "combine"];
