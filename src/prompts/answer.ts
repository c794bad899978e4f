import type { QuestionAnswer } from "../corpus/corpus.ts";
import type { ChatMessage } from "../weights/chat.ts";

/** What a prompt shows of a passage. */
export interface PromptPassage {
  title: string;
  text: string;
}

/** One way to ask for an answer, the same in training and in use: what the user says and how the assistant begins. */
export interface AnswerPrompts {
  messages(question: string, options?: { passages?: readonly PromptPassage[] | undefined }): ChatMessage[];
  /** The assistant's answer begins with this; generation goes on from here. */
  prefix: string;
  /** What the assistant says in training; it begins with `prefix` (but for a last space). */
  target(pair: QuestionAnswer): string;
}

/** The first paragraph of every answer prompt. The embedded model is trained on this very text. */
export const answerInstruction =
  "Answer the question briefly, from the passages below and from what you know.";

/** The assistant's answer begins so; without a last space, which belongs to the next word's token. */
export const answerPrefix = "The answer is";

/** The conversation that asks for a short answer, with the passages in the prompt or (closed-book, P-RAG) without. */
export function answerMessages(
  question: string,
  { passages = [] }: { passages?: readonly PromptPassage[] | undefined } = {},
): ChatMessage[] {
  const paragraphs = [
    answerInstruction,
    ...passages.map(({ title, text }, i) => `Passage ${i + 1}: ${title}\n${text}`),
    `Question: ${normalizeQuestion(question)}`,
  ];
  return [{ role: "user", content: paragraphs.join("\n\n") }];
}

/** What the assistant says when the answer is known: a sentence that ends with one full stop. */
export function answerText(answer: string): string {
  return `${answerPrefix} ${endSentence(answer)}`;
}

/** The product's own way to ask. */
export const answerPrompts: AnswerPrompts = {
  messages: answerMessages,
  prefix: answerPrefix,
  target: ({ answer }) => answerText(answer),
};

/** A question as prompts show it: stripped, with exactly one question mark at the end and no space before it. */
export function normalizeQuestion(question: string): string {
  const stripped = question.trim();
  const asked = stripped.endsWith("?") ? stripped : `${stripped}?`;
  return asked.endsWith(" ?") ? `${asked.slice(0, -1).trimEnd()}?` : asked;
}

/** A text that ends with a full stop, stripped; one that is there is kept. */
export function endSentence(text: string): string {
  const stripped = text.trim();
  return stripped.endsWith(".") ? stripped : `${stripped}.`;
}
