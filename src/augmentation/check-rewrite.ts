import type { Passage } from "../corpus/corpus.ts";
import { inventedFacts, isUnspaced, missingFacts } from "./support.ts";

/** Why a rewrite is not trained on, or nothing if it is usable: it keeps every fact, adds none and is not the passage. */
export function checkRewrite(
  { title, text }: Pick<Passage, "title" | "text">,
  rewrite: string,
): string | undefined {
  const ratio = rewrite.length / text.length;
  if (rewrite.trim() === "") return "rewrite: empty";
  if (plain(rewrite) === plain(text)) return "rewrite: same as the passage";
  if (ratio < 0.4 || ratio > 2.5) return "rewrite: too short or too long";
  if (missingFacts(text, rewrite).length > 0) return "rewrite: lost a name, number or date";
  // Names without capital letters cannot be told from words there.
  if (!isUnspaced(text) && inventedFacts(`${title}.\n${text}`, rewrite).length > 0)
    return "rewrite: added a name, number or date";
  return undefined;
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
