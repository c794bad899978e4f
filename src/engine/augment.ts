import { augmentCorpus } from "../augmentation/augment-corpus.ts";
import { type AugmentationAccount, sumAccounts } from "../augmentation/augmenter.ts";
import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";
import { asWriter } from "./data-folder.ts";
import { readImported, withImported } from "./imported-augmentations.ts";
import type { EngineParts } from "./parts.ts";
import { recordSettings } from "./settings.ts";

/** What an augment gave. */
export interface AugmentReport {
  passages: number;
  pairs: number;
  rewrites: number;
  /** Passages without any usable pair. */
  withoutPairs: number;
  /** Passages that were augmented now. */
  madeNow: number;
  /** Passages by who augmented them. */
  augmenters: Record<string, number>;
  /** What was kept, and what was dropped and why. */
  account: AugmentationAccount;
}

/** Augments every passage of the collection that is not augmented yet. */
export async function augment(
  parts: EngineParts,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<AugmentReport> {
  return asWriter(parts.folder, "augment", async () => {
    const corpus = await parts.corpus();
    const { augmenter, rewrites, pairs, seed } = parts.config.augment;
    await recordSettings(parts.folder, { augment: { augmenter, rewrites, pairs, seed } });
    return (await augmentPassages(parts, [...corpus.passages()], options)).report;
  });
}

/** The augmentations of some passages, in their order: imported ones first, the rest made now or found on disk. */
export async function augmentPassages(
  parts: EngineParts,
  passages: readonly Passage[],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<{ augmented: AugmentedPassage[]; report: AugmentReport }> {
  const imported = await readImported(parts);
  const rest = passages.filter(({ id }) => !imported.has(id));
  const path = parts.folder.collection.augmented;
  const { rewrites, pairs, seed } = await parts.augmentSettings();
  const made = rest.length
    ? await augmentCorpus(rest, await parts.augmenter(), {
        path,
        rewrites,
        pairs,
        seed,
        progress: parts.progress,
        signal,
      })
    : undefined;
  const byId = new Map(made?.augmented.map((one) => [one.passage.id, one]));
  const augmented = passages.map((passage) => {
    const ready = imported.get(passage.id);
    return ready ? withImported(passage, ready) : byId.get(passage.id)!;
  });
  return { augmented, report: reportOf(augmented, { account: made?.account, madeNow: made?.madeNow ?? 0 }) };
}

function reportOf(
  augmented: readonly AugmentedPassage[],
  { account, madeNow }: { account: AugmentationAccount | undefined; madeNow: number },
): AugmentReport {
  const augmenters: Record<string, number> = {};
  for (const { augmenter } of augmented) augmenters[augmenter] = (augmenters[augmenter] ?? 0) + 1;
  return {
    passages: augmented.length,
    pairs: augmented.reduce((total, { pairs }) => total + pairs.length, 0),
    rewrites: augmented.reduce((total, { rewrites }) => total + rewrites.length, 0),
    withoutPairs: augmented.filter(({ pairs }) => pairs.length === 0).length,
    madeNow,
    augmenters,
    account: account ?? sumAccounts([]),
  };
}
