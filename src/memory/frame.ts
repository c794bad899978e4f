import { InputError } from "../base/errors.ts";
import type { ChatMessage } from "../weights/chat.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import { textMark } from "./memory.ts";

/**
 * The conversation of a memory with what is asked of it. Where the frame ends with the user's turn, the first message goes on
 * in that turn, so that a model that knows one turn only sees one.
 */
export function continueFrame(
  frame: readonly ChatMessage[],
  messages: readonly ChatMessage[],
): ChatMessage[] {
  if (messages.some(({ role }) => role === "system")) {
    throw new InputError(
      "a conversation over a memory cannot have a system message: it has begun already; put it into the question",
    );
  }
  const [last, first] = [frame.at(-1), messages[0]];
  if (last?.role !== "user" || first?.role !== "user") return [...frame, ...messages];
  const joined = { role: last.role, content: `${last.content}\n\n${first.content}` };
  return [...frame.slice(0, -1), joined, ...messages.slice(1)];
}

/** Tokens before the text: those that a memory begins with. */
export function tokensBefore(tokenizer: Tokenizer, frame: readonly ChatMessage[]): number[] {
  const rendered = tokenizer.renderChat(frame, { addGenerationPrompt: false });
  return tokenizer.tokenize(rendered.slice(0, markIn(rendered)));
}

/** Tokens after the text, up to where the assistant speaks. */
export function tokensAfter(
  tokenizer: Tokenizer,
  frame: readonly ChatMessage[],
  messages: readonly ChatMessage[],
): number[] {
  const rendered = tokenizer.renderChat(continueFrame(frame, messages), { addGenerationPrompt: true });
  return tokenizer.tokenize(rendered.slice(markIn(rendered) + textMark.length));
}

function markIn(rendered: string): number {
  const at = rendered.indexOf(textMark);
  if (at < 0)
    throw new InputError(`the conversation of the memory has no ${textMark}; memorize the text again`);
  return at;
}
