import { canonicalJson, sha256 } from "../base/hash.ts";
import type { Document, Passage } from "./corpus.ts";

/** 128 bits of a hash: enough that no two texts of any corpus share an id. */
const idLength = 32;

/** The id of a passage: its title and text alone, so that it keeps its adapter wherever it stands. */
export function passageId({ title, text }: Pick<Passage, "title" | "text">): string {
  return sha256(canonicalJson({ title, text })).slice(0, idLength);
}

/** The id of a document. */
export function documentId({ source, title, text }: Omit<Document, "id">): string {
  return sha256(canonicalJson({ source, title, text })).slice(0, idLength);
}
