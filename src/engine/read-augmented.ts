import { z } from "zod";
import { readJsonl } from "../base/jsonl.ts";
import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";
import { readImported } from "./imported-augmentations.ts";
import type { EngineParts } from "./parts.ts";

const materialSchema = z.object({
  passageId: z.string(),
  rewrites: z.array(z.string()),
  pairs: z.array(z.object({ question: z.string(), answer: z.string(), fullAnswer: z.string().optional() })),
});
const madeSchema = z.object({ augmenter: z.string(), results: z.array(materialSchema) });

/**
 * The augmentations that lie on disk, by passage id; imported ones win, then the newest. For looking only: by whom and
 * how passages are augmented is decided when they are encoded.
 */
export async function readAugmented(
  parts: EngineParts,
  passages: Iterable<Passage>,
): Promise<Map<string, AugmentedPassage>> {
  const made = await readJsonl(parts.folder.collection.augmented, madeSchema);
  const imported = await readImported(parts);
  const rows = [
    ...made.flatMap(({ augmenter, results }) => results.map((result) => ({ ...result, augmenter }))),
    ...imported.values(),
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
