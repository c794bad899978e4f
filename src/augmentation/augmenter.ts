import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";

/** How much is to be made of each passage. */
export interface AugmentOptions {
  /** Rewrites wanted (the paper's n). */
  rewrites?: number | undefined;
  /** Question-answer pairs wanted (the paper's m). */
  pairs?: number | undefined;
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** What became of one passage, with the account of it. */
export interface Augmentation {
  augmented: AugmentedPassage;
  /** Texts asked of a generator; 0 where none is used. */
  attempts: number;
  /** Pairs and rewrites that were made, used or not. */
  made: { pairs: number; rewrites: number };
  /** Reasons why pairs, rewrites or whole answers were left out, with how often. */
  dropped: Record<string, number>;
}

/**
 * Makes rewrites and question-answer pairs of passages, all checked. Laws: the answer has the order of the passages;
 * what is made of a passage depends on the passage, the options and the seed alone, not on its neighbours; too few
 * pairs or rewrites are no error, the account says why.
 */
export interface Augmenter {
  /** Recorded with the result: `rule`, or the name of a model. */
  readonly name: string;
  augment(passages: readonly Passage[], options?: AugmentOptions): Promise<Augmentation[]>;
}

/** The numbers of the paper: one rewrite, three pairs. */
export const augmentDefaults = { rewrites: 1, pairs: 3, seed: 42 } as const;
