import type { AugmentedPassage } from "../corpus/corpus.ts";
import { type Augmentation, countDropped, emptyAccount } from "./augmenter.ts";
import { checkPairs } from "./check.ts";
import { checkRewrite } from "./check-rewrite.ts";

/** Puts a ready-made augmentation through the check that every augmenter's own work passes, and counts what it drops. */
export function checkReadyMade({ passage, rewrites, pairs, augmenter }: AugmentedPassage): Augmentation {
  const account = emptyAccount();
  const { kept, dropped } = checkPairs(pairs, passage);
  for (const { reason } of dropped) countDropped(account, reason);
  const keptRewrites = rewrites.filter((rewrite) => {
    const reason = checkRewrite(passage, rewrite);
    if (reason) countDropped(account, reason);
    return reason === undefined;
  });
  account.pairs = { made: pairs.length, usable: kept.length };
  account.rewrites = { made: rewrites.length, usable: keptRewrites.length };
  return { augmented: { passage, rewrites: keptRewrites, pairs: kept, augmenter }, account };
}
