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

/** The numbers of the paper: one rewrite, three pairs. */
export const augmentDefaults = { rewrites: 1, pairs: 3, seed: 42 } as const;

/** How many were made, and how many of them passed the check (more may pass than were wanted). */
export interface MadeCount {
  made: number;
  usable: number;
}

/** The account of what became of passages. */
export interface AugmentationAccount {
  /** Texts asked of a generator; 0 where none is used. */
  attempts: number;
  pairs: MadeCount;
  rewrites: MadeCount;
  /** Why pairs, rewrites or whole texts were left out, with how often. */
  dropped: Record<string, number>;
}

/** One passage with what was made of it. */
export interface Augmentation {
  augmented: AugmentedPassage;
  account: AugmentationAccount;
}

/** By whom a passage was augmented. */
export interface AugmenterIdentity {
  /** Recorded with the result: `rule`, or the name of a model. */
  readonly name: string;
  /** What the result depends on besides passage and options: version of the rules, prompts, sampling. */
  readonly version: string;
}

/**
 * Makes rewrites and question-answer pairs of passages, all checked. Laws: the answer has the order of the passages;
 * what is made of a passage depends on the passage, the options and the seed alone, but for the rounding of a generator
 * that computes its neighbours with it; too few pairs or rewrites are no error, the account says why.
 */
export interface Augmenter extends AugmenterIdentity {
  augment(passages: readonly Passage[], options?: AugmentOptions): Promise<Augmentation[]>;
}

/** An account of nothing yet. */
export function emptyAccount(): AugmentationAccount {
  return { attempts: 0, pairs: { made: 0, usable: 0 }, rewrites: { made: 0, usable: 0 }, dropped: {} };
}

/** Counts one more thing that was left out. */
export function countDropped({ dropped }: AugmentationAccount, reason: string): void {
  dropped[reason] = (dropped[reason] ?? 0) + 1;
}

/** The sum of accounts; reasons in alphabetical order. */
export function sumAccounts(accounts: readonly AugmentationAccount[]): AugmentationAccount {
  const sum = emptyAccount();
  for (const { attempts, pairs, rewrites, dropped } of accounts) {
    sum.attempts += attempts;
    sum.pairs = { made: sum.pairs.made + pairs.made, usable: sum.pairs.usable + pairs.usable };
    sum.rewrites = { made: sum.rewrites.made + rewrites.made, usable: sum.rewrites.usable + rewrites.usable };
    for (const [reason, count] of Object.entries(dropped))
      sum.dropped[reason] = (sum.dropped[reason] ?? 0) + count;
  }
  sum.dropped = Object.fromEntries(Object.entries(sum.dropped).sort(([a], [b]) => (a < b ? -1 : 1)));
  return sum;
}
