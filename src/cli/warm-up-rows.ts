import { z } from "zod";
import type { WarmUpRow } from "../engine/warm-up.ts";
import { loadDataset, loadRows } from "../evaluation/load-dataset.ts";

const reasonedRow = z.object({
  question: z.string().trim().min(1),
  answers: z.array(z.string()).min(1),
  reasoning: z.string().optional(),
});

/** Reads what warm-up learns from: a dataset, or for chains of thought JSONL whose rows have a `reasoning`. */
export async function loadWarmUpRows(
  path: string,
  { chainOfThought }: { chainOfThought: boolean },
): Promise<WarmUpRow[]> {
  return chainOfThought ? loadRows(path, reasonedRow) : (await loadDataset(path)).questions;
}
