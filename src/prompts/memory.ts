import type { ChatMessage } from "../weights/chat.ts";
import { normalizeQuestion } from "./answer.ts";

/** Asks for the text that answers a question, as it may stand in a document. The embedded model is trained on this very text. */
export const cluesInstruction =
  "Write lines of text that are likely to stand in a document that answers the question below, one a line.";

/** Asks for the questions behind a question. The embedded model is trained on this very text. */
export const partsInstruction =
  "Write the short questions whose answers help to answer the question below, one a line.";

/** Asks for a passage that might answer a question, as HyDE retrieves by. */
export function draftPassageMessages(question: string): ChatMessage[] {
  return ask(
    `Write a short passage that answers the question below.\n\nQuestion: ${normalizeQuestion(question)}`,
  );
}

/** Asks for what matters in a text. */
export const keyPointsInstruction = "Write the key points of the text above, one a line.";

/** Characters of a title, at most: the frame is kept in the header of a memory's file, which has its limits. */
const titleCharacters = 200;

/**
 * The conversation around a remembered text: a passage, as answer prompts show one. What is asked follows in the same turn,
 * so that no second turn or system block begins in the middle. A title has no braces there: it could pretend to be the mark of
 * the text.
 */
export function memoryFrame(title: string): ChatMessage[] {
  const shown = [...title.replaceAll(/[{}]/g, "")].slice(0, titleCharacters).join("");
  return [{ role: "user", content: `Passage: ${shown}\n{text}` }];
}

/** The same conversation with a short text in place of the remembered one. */
export function notesMessages(notes: string, messages: readonly ChatMessage[]): ChatMessage[] {
  const [first, ...rest] = messages;
  if (!first) return [];
  return [{ ...first, content: `Passage: Notes\n${notes}\n\n${first.content}` }, ...rest];
}

export function cluesMessages(question: string): ChatMessage[] {
  return ask(`${cluesInstruction}\n\nQuestion: ${normalizeQuestion(question)}`);
}

export function partsMessages(question: string): ChatMessage[] {
  return ask(`${partsInstruction}\n\nQuestion: ${normalizeQuestion(question)}`);
}

export function keyPointsMessages(): ChatMessage[] {
  return ask(keyPointsInstruction);
}

/** Asks for the gist of a piece of a long text. */
export function gistMessages(piece: string): ChatMessage[] {
  return ask(`Write the key points of the passage below, one a line.\n\nPassage: ${piece}`);
}

/** Asks for a summary of passages of one text, in their order. */
export function summaryMessages(passages: readonly string[]): ChatMessage[] {
  const shown = passages.map((text, i) => `Passage ${i + 1}: ${text}`);
  return ask(["Summarise the passages below in a few sentences.", ...shown].join("\n\n"));
}

function ask(content: string): ChatMessage[] {
  return [{ role: "user", content }];
}
