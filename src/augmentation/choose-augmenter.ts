import { Random } from "../base/random.ts";
import type { Passage } from "../corpus/corpus.ts";
import {
  type AugmentationAccount,
  type Augmenter,
  type AugmentOptions,
  augmentDefaults,
  sumAccounts,
} from "./augmenter.ts";
import { ruleAugmenter } from "./rule-augmenter.ts";

/** Which augmenter serves a corpus, and what that was decided from. */
export interface AugmenterChoice {
  augmenter: Augmenter;
  /** Usable pairs of the model, of those that it wrote or should have written; 0…1. */
  usableShare: number;
  sampledPassages: number;
  account: AugmentationAccount;
  /** One sentence for the output. */
  reason: string;
}

/**
 * Tries a model on a sample of the passages. Where less than `minimumShare` of its pairs are usable, the fallback (rules)
 * serves in its place.
 */
export async function chooseAugmenter(
  model: Augmenter,
  passages: readonly Passage[],
  {
    sample = 16,
    minimumShare = 0.5,
    fallback = ruleAugmenter,
    ...options
  }: AugmentOptions & { sample?: number; minimumShare?: number; fallback?: Augmenter } = {},
): Promise<AugmenterChoice> {
  const { seed = augmentDefaults.seed, pairs = augmentDefaults.pairs } = options;
  const sorted = [...passages].sort((a, b) => (a.id < b.id ? -1 : 1));
  const sampled = new Random(`choose/${seed}`).sample(sorted, sample);
  const results = await model.augment(sampled, { ...options, rewrites: 0 });
  const accounts = results.map((result) => result.account);
  const share = usableShare(accounts, pairs);
  const augmenter = share >= minimumShare ? model : fallback;
  const reason = `${augmenter.name}: ${Math.round(100 * share)} % of the pairs of ${model.name} were usable on ${sampled.length} passages (at least ${Math.round(100 * minimumShare)} % are wanted)`;
  return {
    augmenter,
    usableShare: share,
    sampledPassages: sampled.length,
    account: sumAccounts(accounts),
    reason,
  };
}

/**
 * Mean over the passages of the usable pairs of one (as many as are wanted count) by those made or, where fewer were made,
 * wanted: what a passage lacks counts against the model, and what another has too many of does not make up for it.
 */
export function usableShare(accounts: readonly AugmentationAccount[], wanted: number): number {
  const shares = accounts.map(({ pairs }) => {
    const usable = Math.min(pairs.usable, wanted);
    return usable / Math.max(wanted, pairs.made - (pairs.usable - usable));
  });
  return shares.length ? shares.reduce((a, b) => a + b, 0) / shares.length : 0;
}
