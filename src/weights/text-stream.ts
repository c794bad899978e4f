import type { Tokenizer } from "./tokenizer.ts";

/** Turns a stream of token ids into text, piece by piece. */
export interface TextStream {
  /** What this id adds; empty while a character is incomplete. */
  push(id: number): string;
  /** What was still held back. All pieces together are what the ids add to the text of those before them. */
  end(): string;
}

/** U+FFFD, which decoders give for the bytes of a character that is not complete. */
const incomplete = "\uFFFD";

/**
 * A text stream that never emits half a character. Decoders look at neighbours (a first space is dropped, bytes of
 * one character are joined), so each id is decoded behind the ids of the piece before it, not alone; the first
 * behind `before`, the ids of a text that is continued.
 */
export function createTextStream(
  tokenizer: Pick<Tokenizer, "detokenize">,
  before: readonly number[] = [],
): TextStream {
  /** The last piece's ids, and those since. */
  let window = [...before];
  /** How many of them belong to the last piece. */
  let settled = window.length;
  /** What of the window's text has been emitted. */
  let emitted = tokenizer.detokenize(window);
  const emit = (text: string): string => {
    if (!text.startsWith(emitted)) return ""; // a decoder that trims the end: the rest comes with a later id
    const piece = text.slice(emitted.length);
    emitted = text;
    return piece;
  };
  return {
    push(id) {
      window.push(id);
      const text = tokenizer.detokenize(window);
      const isComplete = !text.endsWith(incomplete);
      const piece = emit(isComplete ? text : text.slice(0, -incomplete.length));
      if (isComplete && piece !== "") {
        window = window.slice(settled);
        settled = window.length;
        emitted = tokenizer.detokenize(window);
      }
      return piece;
    },
    end: () => emit(tokenizer.detokenize(window)),
  };
}
