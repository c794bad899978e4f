import type { Augmentation, Augmenter } from "../augmentation/augmenter.ts";
import { ruleAugmenter } from "../augmentation/rule-augmenter.ts";
import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";
import type { EngineParts } from "./parts.ts";

/** What an augment gave. */
export interface AugmentReport {
  passages: number;
  pairs: number;
  rewrites: number;
}

export async function augmentPassages(
  parts: EngineParts,
  passages: readonly Passage[],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<{ augmented: AugmentedPassage[]; report: AugmentReport }> {
  const augmenter = await parts.augmenter();
  const results: Augmentation[] = await augmenter.augment(passages, { ...parts.config.augment, signal });
  const augmented = results.map((one) => one.augmented);
  return {
    augmented,
    report: {
      passages: augmented.length,
      pairs: augmented.flatMap((a) => a.pairs).length,
      rewrites: augmented.flatMap((a) => a.rewrites).length,
    },
  };
}

export async function chooseAugmenterFor(
  _parts: EngineParts,
  _env: Readonly<Record<string, string | undefined>>,
): Promise<Augmenter> {
  return ruleAugmenter;
}
