import type { QuestionAnswer } from "../corpus/corpus.ts";
import type { ChatMessage } from "../weights/chat.ts";
import { type AnswerPrompts, answerPrompts, type PromptPassage } from "./answer.ts";

/** One training sequence before the chat template: what the user says, and what the assistant is to say. */
export interface TrainingDialogue {
  messages: ChatMessage[];
  target: string;
}

/** The dialogue that teaches one pair, with one version of the passage in the prompt or with none. */
export function trainingDialogue(
  pair: QuestionAnswer,
  {
    passage,
    prompts = answerPrompts,
  }: { passage?: PromptPassage | undefined; prompts?: AnswerPrompts | undefined } = {},
): TrainingDialogue {
  return {
    messages: prompts.messages(pair.question, { passages: passage ? [passage] : [] }),
    target: prompts.target(pair),
  };
}
