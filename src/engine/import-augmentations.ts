import { readFile } from "node:fs/promises";
import { type AugmentationAccount, sumAccounts } from "../augmentation/augmenter.ts";
import { checkReadyMade } from "../augmentation/ready-made.ts";
import { InputError } from "../base/errors.ts";
import { explainSystemError, writeAtomic } from "../base/files.ts";
import { matchAugmentations } from "../corpus/augmented.ts";
import { asWriter } from "./data-folder.ts";
import { readImported } from "./imported-augmentations.ts";
import type { EngineParts } from "./parts.ts";

/** What an import gave. */
export interface ImportReport {
  /** Passages of the collection that got an augmentation. */
  matched: number;
  /** Records that fit no passage of the collection. */
  unknown: number;
  /** What was kept, and what was dropped and why. */
  account: AugmentationAccount;
}

/** Takes ready-made augmentations (JSONL, or the reference project's JSON) for the collection; each pair is checked. */
export async function importAugmentations(parts: EngineParts, path: string): Promise<ImportReport> {
  return asWriter(parts.folder, "import augmentations", async () => {
    const corpus = await parts.corpus();
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      throw explainSystemError(error, path);
    });
    const { augmented, unknown } = matchAugmentations(text, { path, passages: [...corpus.passages()] });
    if (augmented.length === 0) {
      throw new InputError(
        `none of the records of ${path} fits a passage of the collection; ingest their documents first`,
      );
    }
    const checked = augmented.map(checkReadyMade);
    const imported = await readImported(parts);
    for (const { augmented: one } of checked) {
      const { passage, rewrites, pairs, augmenter } = one;
      imported.set(passage.id, { passageId: passage.id, rewrites, pairs, augmenter });
    }
    const sorted = [...imported.values()].sort((a, b) => (a.passageId < b.passageId ? -1 : 1));
    await writeAtomic(
      parts.folder.collection.imported,
      sorted.map((row) => `${JSON.stringify(row)}\n`).join(""),
    );
    return { matched: checked.length, unknown, account: sumAccounts(checked.map(({ account }) => account)) };
  });
}
