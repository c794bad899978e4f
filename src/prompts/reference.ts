import {
  type AnswerPrompts,
  additionLines,
  endSentence,
  normalizeQuestion,
  type PromptPassage,
  questionLine,
} from "./answer.ts";
import { reasoned, type WorkedExample, workedExamples } from "./worked-examples.ts";

/**
 * The prompts of `--compat reference`, direct form: the structure of the paper's code (passages without titles, every
 * line break, a prefix that ends with a space), the instruction in our words.
 */
export const directPrompts: AnswerPrompts = {
  messages: (question, { passages = [] } = {}) => [
    {
      role: "user",
      content: `Use the knowledge given below together with your own knowledge to answer the question.\n${passageLines(passages, false)}\n\nQuestion: ${normalizeQuestion(question)}`,
    },
  ],
  prefix: "The answer is ",
  target: ({ answer }) => `The answer is ${endSentence(answer)}`,
  chainOfThought: false,
  maxTokens: 20,
};

/** The same with worked examples and reasoning; the paper's code uses it for the multi-hop datasets. */
export function createReasoningPrompts(examples: readonly WorkedExample[] = workedExamples): AnswerPrompts {
  return {
    messages: (question, { passages = [] } = {}) => [
      {
        role: "user",
        content: `Answer the last question from the reference passages and from what you know, in the form of the examples.\nExamples:\n${shownExamples(examples)}Reference passages:\n${passageLines(passages, true)}\n\nReason step by step, then give the answer.\nQuestion: ${normalizeQuestion(question)}`,
      },
    ],
    prefix: "Answer: ",
    target: ({ answer, fullAnswer }) => `Answer: ${endSentence(fullAnswer ?? answer)}`,
    chainOfThought: true,
    maxTokens: 128,
  };
}

/**
 * The prompts of the iterative methods under `--compat reference`, as the code of FLARE and DRAGIN lays them out: worked
 * examples alone at first; after a retrieval the passages as a numbered context between the examples and the question.
 */
export function createContextPrompts(examples: readonly WorkedExample[] = workedExamples): AnswerPrompts {
  const context = (passages: readonly PromptPassage[]) =>
    passages.length === 0
      ? ""
      : `Context:\n${passages.map(({ text }, i) => `[${i + 1}] ${text}\n`).join("")}Give the answer in the form of the examples above.\n`;
  return {
    ...createReasoningPrompts(examples),
    messages: (question, { passages = [] } = {}) => [
      {
        role: "user",
        content: `${shownExamples(examples)}${context(passages)}${questionLine(question)}`,
      },
    ],
  };
}

function shownExamples(examples: readonly WorkedExample[]): string {
  return examples
    .map((example) => `${questionLine(example.question)}\nAnswer: ${reasoned(example)}\n\n`)
    .join("");
}

function passageLines(passages: readonly PromptPassage[], chainOfThought: boolean): string {
  return passages
    .map((passage, i) =>
      [`Passage ${i + 1}: ${passage.text}`, ...additionLines(passage, chainOfThought)]
        .map((line) => `${line}\n`)
        .join(""),
    )
    .join("");
}
