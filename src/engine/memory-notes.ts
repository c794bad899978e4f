import type { Passage } from "../corpus/corpus.ts";
import { gistMessages } from "../prompts/memory.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { EngineParts } from "./parts.ts";

/** Tokens of one gist, at most, and at least: where not all pieces have so many, some have no gist. */
const gistTokens = { most: 128, least: 16 };
/** Share of the context that the notes may fill; the rest is for what is asked and answered. */
const notesShare = 0.5;

/**
 * Notes on a text, for lite mode: gists of its pieces, which share half of the context evenly, so that the end of a long text is
 * known as its beginning is. Of a very long one, pieces at even distances have gists.
 */
export async function writeNotes(
  parts: EngineParts,
  passages: readonly Passage[],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const generator = await parts.generator();
  const { tokenizer } = await parts.model();
  const room = Math.floor(generator.contextLength * notesShare);
  const parted = passages.flatMap(({ text }) => splitText(text, { tokenizer, limit: room }));
  const pieces = groupTexts(parted, room);
  const chosen = spread(pieces, Math.floor(room / gistTokens.least));
  const own = Math.floor(room / Math.max(1, chosen.length)) - 1; // and the line's end
  const gists: string[] = [];
  for (const [i, piece] of chosen.entries()) {
    signal?.throwIfAborted();
    const request = {
      messages: gistMessages(piece),
      maxTokens: Math.max(1, Math.min(gistTokens.most, own)),
      sampling: { repetitionPenalty: 1.2 },
    };
    const [gist] = await generator.generateBatch([request], { signal });
    gists.push(gist?.text.trim() ?? "");
    parts.progress({ task: "write notes", done: i + 1, total: chosen.length, note: "pieces" });
  }
  const lines = gists.join("\n").split("\n");
  let notes = "";
  for (const line of new Set(lines)) {
    const longer = notes === "" ? line : `${notes}\n${line}`;
    if (tokenizer.tokenize(longer).length > room) break;
    notes = longer;
  }
  return notes;
}

/** At most so many of them, at even distances. */
function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / most)]!);
}

interface CountedText {
  text: string;
  tokens: number;
}

/** A text in parts of at most `limit` tokens. */
function splitText(
  text: string,
  { tokenizer, limit }: { tokenizer: Tokenizer; limit: number },
): CountedText[] {
  const ids = tokenizer.tokenize(text);
  if (ids.length <= limit) return [{ text, tokens: ids.length }];
  return Array.from({ length: Math.ceil(ids.length / limit) }, (_, i) => {
    const own = ids.slice(i * limit, (i + 1) * limit);
    return { text: tokenizer.detokenize(own), tokens: own.length };
  });
}

/** Neighbouring texts as pieces of at most `limit` tokens. */
function groupTexts(texts: readonly CountedText[], limit: number): string[] {
  const pieces: string[] = [];
  let length = 0;
  for (const { text, tokens } of texts) {
    const last = pieces.length - 1;
    if (last >= 0 && length + tokens <= limit) {
      pieces[last] = `${pieces[last]}\n${text}`;
      length += tokens;
    } else {
      pieces.push(text);
      length = tokens;
    }
  }
  return pieces;
}
