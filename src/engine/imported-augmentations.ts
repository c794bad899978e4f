import { z } from "zod";
import { readJsonl } from "../base/jsonl.ts";
import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";
import type { EngineParts } from "./parts.ts";

const importedRow = z.object({
  passageId: z.string(),
  rewrites: z.array(z.string()),
  pairs: z.array(z.object({ question: z.string(), answer: z.string(), fullAnswer: z.string().optional() })),
  augmenter: z.string(),
});
type ImportedRow = z.infer<typeof importedRow>;

/** Ready-made augmentations of the collection, by passage. */
export async function readImported({ folder }: EngineParts): Promise<Map<string, ImportedRow>> {
  const rows = await readJsonl(folder.collection.imported, importedRow);
  return new Map(rows.map((row) => [row.passageId, row]));
}

/** A passage with what was imported for it. */
export function withImported(
  passage: Passage,
  { rewrites, pairs, augmenter }: ImportedRow,
): AugmentedPassage {
  return { passage, rewrites, pairs, augmenter };
}
