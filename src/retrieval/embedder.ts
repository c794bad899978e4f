import type { Passage } from "../corpus/corpus.ts";

/** What a text is for: some encoders tell questions from passages by words put before them. */
export type TextKind = "query" | "passage";

/** Text → vector. */
export interface Embedder {
  /** What vectors are known by: embedders whose vectors of passages may differ have different identities. */
  readonly identity: string;
  /**
   * One vector of length 1 per text, in the order given, all with the same number of dimensions. A text's vector does
   * not depend on the texts beside it.
   */
  embed(
    texts: readonly string[],
    options: { kind: TextKind; signal?: AbortSignal | undefined },
  ): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}

/** Words put before texts of each kind. */
export type Prefixes = Record<TextKind, string>;

/** What is embedded of a passage. */
export function passageText({ title, text }: Pick<Passage, "title" | "text">): string {
  return title === "" ? text : `${title}\n${text}`;
}

/** A vector scaled to length 1; nothing where it has no direction (zeros, or numbers that are not finite). */
export function toUnit(vector: ArrayLike<number>): Float32Array | undefined {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! ** 2;
  const length = Math.sqrt(squares);
  if (!(length > 0 && Number.isFinite(length))) return undefined;
  return Float32Array.from(vector, (value) => value / length);
}
