import {
  type AnswerPrompts,
  answerInstruction,
  answerPrompts,
  answerText,
  endSentence,
  passageParagraph,
  questionLine,
  userMessage,
} from "./answer.ts";
import { answerPhrase, reasoned, type WorkedExample } from "./worked-examples.ts";

/** The first paragraph where the model is to reason. The embedded model is trained on this very text. */
export const reasoningInstruction =
  "Answer the question from the passages below and from what you know. Reason step by step, then give the answer.";

/** The product's own way to ask, with reasoning or without, and with worked examples before the passages. */
export function createAnswerPrompts({
  chainOfThought = false,
  examples = [],
}: {
  chainOfThought?: boolean | undefined;
  examples?: readonly WorkedExample[] | undefined;
} = {}): AnswerPrompts {
  const shown = examples.map(
    (example) =>
      `${questionLine(example.question)}\n${chainOfThought ? reasoned(example) : answerText(example.answer)}`,
  );
  const instruction = chainOfThought ? reasoningInstruction : answerInstruction;
  return {
    ...(chainOfThought ? reasoning : answerPrompts),
    messages: (question, { passages = [] } = {}) => [
      userMessage(instruction, [
        ...shown,
        ...passages.map((passage, i) => passageParagraph(passage, i, chainOfThought)),
        questionLine(question),
      ]),
    ],
  };
}

/** What reasoning changes besides the instruction: the assistant begins by itself, and has room. */
const reasoning: Omit<AnswerPrompts, "messages"> = {
  prefix: "",
  target: ({ answer, fullAnswer }) =>
    `${endSentence(fullAnswer ?? answer)} ${answerPhrase} ${endSentence(answer)}`,
  chainOfThought: true,
  maxTokens: 128,
};
