import type { QuestionAnswer } from "../corpus/corpus.ts";
import type { ChatMessage } from "../weights/chat.ts";

/** What a prompt shows of a passage: its text, and with it what augmentation made of it, where a method wants that. */
export interface PromptPassage {
  title: string;
  text: string;
  rewrites?: readonly string[] | undefined;
  pairs?: readonly QuestionAnswer[] | undefined;
}

/** One way to ask for an answer, the same in training and in use: what the user says and how the assistant begins. */
export interface AnswerPrompts {
  messages(question: string, options?: { passages?: readonly PromptPassage[] | undefined }): ChatMessage[];
  /** The assistant's answer begins with this; generation goes on from here. */
  prefix: string;
  /** What the assistant says in training; it begins with `prefix` (but for a last space). */
  target(pair: QuestionAnswer): string;
  /** The model reasons first, and its answer stands behind "the answer is". */
  chainOfThought: boolean;
  /** Tokens of an answer, when nothing else is said. */
  maxTokens: number;
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
  return [
    userMessage(answerInstruction, [
      ...passages.map((passage, i) => passageParagraph(passage, i)),
      questionLine(question),
    ]),
  ];
}

/** One user message of an instruction and paragraphs after it. */
export function userMessage(instruction: string, paragraphs: readonly string[]): ChatMessage {
  return { role: "user", content: [instruction, ...paragraphs].join("\n\n") };
}

/** A passage as a paragraph, numbered from 1. */
export function passageParagraph(passage: PromptPassage, index: number, chainOfThought = false): string {
  const { title, text } = passage;
  return [`Passage ${index + 1}: ${title}\n${text}`, ...additionLines(passage, chainOfThought)].join("\n");
}

/**
 * What augmentation made of a passage, as lines: its rewrites, then its pairs (DA-RAG). Behind a chain of thought the
 * pairs give their answers as sentences, where there are such.
 */
export function additionLines(
  { rewrites = [], pairs = [] }: PromptPassage,
  chainOfThought = false,
): string[] {
  return [
    ...rewrites.map((rewrite) => `In other words: ${rewrite}`),
    ...pairs.flatMap(({ question, answer, fullAnswer }) => [
      questionLine(question),
      `Answer: ${chainOfThought ? (fullAnswer ?? answer) : answer}`,
    ]),
  ];
}

/** A question as a line. */
export function questionLine(question: string): string {
  return `Question: ${normalizeQuestion(question)}`;
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
  chainOfThought: false,
  maxTokens: 32,
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
