import { endSentence } from "./answer.ts";

/** A solved question that may be shown before the real one. */
export interface WorkedExample {
  question: string;
  /** Sentences that lead to the answer. */
  reasoning: string;
  answer: string;
}

/** The end of a chain of thought, as all prompts and methods know it; the answer follows. */
export const answerPhrase = "So the answer is";

/** Reasoning that ends with its answer. */
export function reasoned({ reasoning, answer }: Pick<WorkedExample, "reasoning" | "answer">): string {
  return `${reasoning} ${answerPhrase} ${endSentence(answer)}`;
}

/** Three that are short, for models with little context. */
export const shortExamples: readonly WorkedExample[] = [
  {
    question: "Who wrote the play Hamlet?",
    reasoning: "Hamlet is a play by William Shakespeare.",
    answer: "William Shakespeare",
  },
  {
    question: "In which country was the painter of Guernica born?",
    reasoning: "Guernica was painted by Pablo Picasso. Pablo Picasso was born in Spain.",
    answer: "Spain",
  },
  {
    question: "Which river is longer, the Nile or the Rhine?",
    reasoning: "The Nile is 6,650 km long. The Rhine is 1,230 km long.",
    answer: "the Nile",
  },
];

/** Our own worked examples, two of each multi-hop kind; the paper's code shows 8 (2Wiki) or 11 (Hotpot) of another set. */
export const workedExamples: readonly WorkedExample[] = [
  {
    question: "Which mountain is higher, Mont Blanc or Ben Nevis?",
    reasoning: "Mont Blanc is about 4,806 metres high. Ben Nevis is 1,345 metres high.",
    answer: "Mont Blanc",
  },
  {
    question: "Who was born first, Isaac Newton or Leonhard Euler?",
    reasoning: "Isaac Newton was born in 1643. Leonhard Euler was born in 1707.",
    answer: "Isaac Newton",
  },
  {
    question: "In which country was the author of Faust born?",
    reasoning:
      "Faust was written by Johann Wolfgang von Goethe. He was born in Frankfurt am Main, which lies in Germany.",
    answer: "Germany",
  },
  {
    question: "Which Hungarian city stands on the same river as Vienna?",
    reasoning: "Vienna stands on the Danube. The Danube flows through Budapest in Hungary.",
    answer: "Budapest",
  },
  {
    question: "Who is the maternal grandfather of Ada Lovelace's daughter Anne Blunt?",
    reasoning: "Anne Blunt was the daughter of Ada Lovelace. Ada Lovelace was the daughter of Lord Byron.",
    answer: "Lord Byron",
  },
  {
    question: "Who was the father-in-law of Pierre Curie?",
    reasoning: "Pierre Curie was married to Marie Curie. The father of Marie Curie was Władysław Skłodowski.",
    answer: "Władysław Skłodowski",
  },
  {
    question: "Were the composers of The Magic Flute and of Aida born in the same country?",
    reasoning:
      "The Magic Flute was composed by Mozart, who was born in Salzburg in Austria. Aida was composed by Verdi, who was born in Italy.",
    answer: "no",
  },
  {
    question: "Which opera has the composer who died later, Carmen or La Bohème?",
    reasoning:
      "Carmen was composed by Georges Bizet, who died in 1875. La Bohème was composed by Giacomo Puccini, who died in 1924.",
    answer: "La Bohème",
  },
];
