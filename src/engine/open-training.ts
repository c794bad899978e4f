import { supports } from "../augmentation/support.ts";
import type { BaseDistributions } from "../training/base-distribution.ts";
import type { EncodeParts } from "../training/encode.ts";
import type { EngineParts } from "./parts.ts";

/** Opens what training takes from the engine; the caller disposes of it. */
export async function openTraining(
  parts: EngineParts,
): Promise<{ parts: EncodeParts; dispose(): Promise<void> }> {
  const { tokenizer, recipe, initial } = await parts.model();
  const { prompts, clock } = parts;
  const trainer = await parts.openTrainer();
  let distributions: BaseDistributions | undefined;
  const dispose = async () => {
    await trainer.dispose();
    await distributions?.dispose();
  };
  try {
    distributions = recipe.negatives.count > 0 ? await parts.openDistributions() : undefined;
    const generator = distributions && (await parts.generator());
    const negatives = distributions && generator && { tokenizer, generator, distributions, prompts };
    return { parts: { trainer, tokenizer, prompts, supports, initial, negatives, clock }, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
