import type { QuestionAnswer } from "../corpus/corpus.ts";
import type { ChatMessage } from "../weights/chat.ts";
import type { PromptPassage } from "./answer.ts";

/** Asks for `count` question-answer pairs about a passage, as a JSON list. */
export function questionsMessages(passage: PromptPassage, count: number): ChatMessage[] {
  const instruction = `Write ${count} questions that the passage below answers, each with its answer, as a JSON list and nothing else.`;
  return [{ role: "user", content: `${instruction}\n\n${shownPassage(passage)}` }];
}

/** What the assistant says to `questionsMessages`: the form that the embedded model is trained to write. */
export function questionsText(pairs: readonly QuestionAnswer[]): string {
  const items = pairs.map(
    ({ question, answer }) =>
      `{"question": ${JSON.stringify(question)}, "answer": ${JSON.stringify(answer)}}`,
  );
  return `[${items.join(", ")}]`;
}

/** Asks for the same passage in other words. */
export function rewriteMessages(passage: PromptPassage): ChatMessage[] {
  const instruction = "Rewrite the passage below in other words. Keep every name, number and date.";
  return [{ role: "user", content: `${instruction}\n\n${shownPassage(passage)}` }];
}

function shownPassage({ title, text }: PromptPassage): string {
  return `Passage: ${title}\n${text}`;
}
