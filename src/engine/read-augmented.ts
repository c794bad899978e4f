import { readAugmentations } from "../augmentation/augment-corpus.ts";
import { stampOf } from "../base/files.ts";
import { canonicalJson } from "../base/hash.ts";
import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";
import type { Corpus } from "../corpus/corpus-folder.ts";
import { identifyAugmenter } from "./choose-augmenter.ts";
import type { DataFolder } from "./data-folder.ts";
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

/** Differs from before when augmentations have been made or imported since. */
export async function augmentationStamp({ collection }: DataFolder): Promise<string> {
  return `${await stampOf(collection.augmented)}, ${await stampOf(collection.imported)}`;
}

/** Of each open corpus, how many passages were augmented at the last count, and what the count depends on. */
const counts = new WeakMap<Corpus, { basis: string; count: number }>();

/** How many passages of a corpus `readAugmented` would give; they are read only where something was written since the last count. */
export async function countAugmented(parts: EngineParts, corpus: Corpus): Promise<number> {
  const { name, version } = (await identifyAugmenter(parts)) ?? {};
  const settings = await parts.augmentSettings();
  const stamp = await augmentationStamp(parts.folder);
  const basis = canonicalJson({ name, version, settings, stamp });
  const last = counts.get(corpus);
  if (last?.basis === basis) return last.count;
  const count = (await readAugmented(parts, corpus.passages())).size;
  counts.set(corpus, { basis, count });
  return count;
}
