import { readAugmentations } from "../augmentation/augment-corpus.ts";
import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";
import { identifyAugmenter } from "./choose-augmenter.ts";
import { readImported, withImported } from "./imported-augmentations.ts";
import type { EngineParts } from "./parts.ts";

/**
 * The augmentations that lie on disk and that an encode would train on, by passage id: imported ones, and those of the
 * augmenter and numbers in use. Nothing is made, and no augmenter is tried.
 */
export async function readAugmented(
  parts: EngineParts,
  passages: Iterable<Passage>,
): Promise<Map<string, AugmentedPassage>> {
  const imported = await readImported(parts);
  const all = [...passages];
  const augmenter = await identifyAugmenter(parts);
  const { rewrites, pairs, seed } = await parts.augmentSettings();
  const path = parts.folder.collection.augmented;
  const made = augmenter && (await readAugmentations(all, augmenter, { path, rewrites, pairs, seed }));
  const byId = new Map(made?.augmented.map((one) => [one.passage.id, one]));
  for (const passage of all) {
    const ready = imported.get(passage.id);
    if (ready) byId.set(passage.id, withImported(passage, ready));
  }
  return byId;
}
