import { z } from "zod";
import { readJsonl } from "../base/jsonl.ts";
import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";
import type { EngineParts } from "./parts.ts";

const materialSchema = z.object({
  passageId: z.string(),
  rewrites: z.array(z.string()),
  pairs: z.array(z.object({ question: z.string(), answer: z.string(), fullAnswer: z.string().optional() })),
});
const madeSchema = z.object({ augmenter: z.string(), results: z.array(materialSchema) });
const importedSchema = materialSchema.extend({ augmenter: z.string() });

/**
 * The augmentations that lie on disk, by passage id; imported ones win, then the newest. For looking only: by whom and
 * how passages are augmented is decided when they are encoded.
 */
export async function readAugmented(
  { folder }: EngineParts,
  passages: Iterable<Passage>,
): Promise<Map<string, AugmentedPassage>> {
  const made = await readJsonl(folder.collection.augmented, madeSchema);
  const imported = await readJsonl(folder.collection.imported, importedSchema);
  const rows = [
    ...made.flatMap(({ augmenter, results }) => results.map((result) => ({ ...result, augmenter }))),
    ...imported,
  ];
  const byId = new Map(rows.map((row) => [row.passageId, row]));
  const augmented = new Map<string, AugmentedPassage>();
  for (const passage of passages) {
    const row = byId.get(passage.id);
    if (row)
      augmented.set(passage.id, {
        passage,
        rewrites: row.rewrites,
        pairs: row.pairs,
        augmenter: row.augmenter,
      });
  }
  return augmented;
}
