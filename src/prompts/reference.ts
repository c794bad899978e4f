import { type AnswerPrompts, endSentence, normalizeQuestion, type PromptPassage } from "./answer.ts";

/** A solved question shown before the real one; `answer` reasons and ends with "So the answer is …". */
export interface WorkedExample {
  question: string;
  answer: string;
}

/**
 * The prompts of `--compat reference`, direct form: the structure of the paper's code (passages without titles, every
 * line break, a prefix that ends with a space), the instruction in our words.
 */
export const directPrompts: AnswerPrompts = {
  messages: (question, { passages = [] } = {}) => [
    {
      role: "user",
      content: `Use the knowledge given below together with your own knowledge to answer the question.\n${passageLines(passages)}\n\nQuestion: ${normalizeQuestion(question)}`,
    },
  ],
  prefix: "The answer is ",
  target: ({ answer }) => `The answer is ${endSentence(answer)}`,
};

/** The same with worked examples and reasoning; the paper's code uses it for the multi-hop datasets. */
export function createReasoningPrompts(examples: readonly WorkedExample[] = workedExamples): AnswerPrompts {
  const shown = examples
    .map(({ question, answer }) => `Question: ${question}\nAnswer: ${answer}\n\n`)
    .join("");
  return {
    messages: (question, { passages = [] } = {}) => [
      {
        role: "user",
        content: `Answer the last question from the reference passages and from what you know, in the form of the examples.\nExamples:\n${shown}Reference passages:\n${passageLines(passages)}\n\nReason step by step, then give the answer.\nQuestion: ${normalizeQuestion(question)}`,
      },
    ],
    prefix: "Answer: ",
    target: ({ answer, fullAnswer }) => `Answer: ${endSentence(fullAnswer ?? answer)}`,
  };
}

function passageLines(passages: readonly PromptPassage[]): string {
  return passages.map(({ text }, i) => `Passage ${i + 1}: ${text}\n`).join("");
}

/** Our own worked examples, two of each multi-hop kind; the paper's code shows 8 (2Wiki) or 11 (Hotpot) of another set. */
export const workedExamples: readonly WorkedExample[] = [
  {
    question: "Which mountain is higher, Mont Blanc or Ben Nevis?",
    answer:
      "Mont Blanc is about 4,806 metres high. Ben Nevis is 1,345 metres high. So the answer is Mont Blanc.",
  },
  {
    question: "Who was born first, Isaac Newton or Leonhard Euler?",
    answer: "Isaac Newton was born in 1643. Leonhard Euler was born in 1707. So the answer is Isaac Newton.",
  },
  {
    question: "In which country was the author of Faust born?",
    answer:
      "Faust was written by Johann Wolfgang von Goethe. He was born in Frankfurt am Main, which lies in Germany. So the answer is Germany.",
  },
  {
    question: "Which Hungarian city stands on the same river as Vienna?",
    answer:
      "Vienna stands on the Danube. The Danube flows through Budapest in Hungary. So the answer is Budapest.",
  },
  {
    question: "Who is the maternal grandfather of Ada Lovelace's daughter Anne Blunt?",
    answer:
      "Anne Blunt was the daughter of Ada Lovelace. Ada Lovelace was the daughter of Lord Byron. So the answer is Lord Byron.",
  },
  {
    question: "Who was the father-in-law of Pierre Curie?",
    answer:
      "Pierre Curie was married to Marie Curie. The father of Marie Curie was Władysław Skłodowski. So the answer is Władysław Skłodowski.",
  },
  {
    question: "Were the composers of The Magic Flute and of Aida born in the same country?",
    answer:
      "The Magic Flute was composed by Mozart, who was born in Salzburg in Austria. Aida was composed by Verdi, who was born in Italy. So the answer is no.",
  },
  {
    question: "Which opera has the composer who died later, Carmen or La Bohème?",
    answer:
      "Carmen was composed by Georges Bizet, who died in 1875. La Bohème was composed by Giacomo Puccini, who died in 1924. So the answer is La Bohème.",
  },
];
