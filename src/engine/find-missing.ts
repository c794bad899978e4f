import { z } from "zod";
import { type AdapterHeader, loadAdapterHeader } from "../adapters/adapter-file.ts";
import { adapterKey } from "../adapters/adapter-key.ts";
import { hashAdapter } from "../adapters/initialise.ts";
import type { AdapterDtype } from "../adapters/size.ts";
import type { AdapterStore } from "../adapters/store.ts";
import { FormatError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import type { AugmentedPassage } from "../corpus/corpus.ts";
import type { AnswerPrompts } from "../prompts/answer.ts";
import { answerPromptsHash } from "../prompts/provenance.ts";
import { recipeHash } from "../training/recipe.ts";
import { weightsInUse } from "./models.ts";
import type { EngineParts, OpenedModel } from "./parts.ts";

/** A passage with the key that its adapter has or will have. */
export interface Work {
  augmented: AugmentedPassage;
  key: string;
}

/** Whether there is something to train on: pairs, or the text where the recipe takes it. */
export function isTrainable({ pairs }: AugmentedPassage, { recipe }: OpenedModel): boolean {
  return pairs.length > 0 || recipe.without === "qa" || recipe.without === "both";
}

/** What questions are put in, and what makes tokens of them. */
export function promptsHash(
  prompts: AnswerPrompts,
  { tokenizerHash }: Pick<OpenedModel, "tokenizerHash">,
): string {
  return sha256(answerPromptsHash(prompts) + tokenizerHash);
}

/** The content address of a passage's adapter; `prompts` is `promptsHash`, `weights` what generation takes. */
function keyOf(
  { passage, rewrites, pairs }: AugmentedPassage,
  { model, prompts, weights }: { model: OpenedModel; prompts: string; weights: "f32" | "q8" },
): string {
  return adapterKey({
    model: model.fingerprint,
    passage,
    augmentation: { rewrites, pairs },
    prompts,
    recipe: model.recipe,
    init: hashAdapter(model.initial),
    ...(model.recipe.negatives.count > 0 && { weights }),
  });
}

/** What has to be trained, and what is in the store but not in the encoding as this encode would write it. */
interface Found {
  work: Work[];
  missing: Work[];
  stored: Work[];
}

/** Looks what has no adapter yet; an imported one counts as the passage's. Nothing is written. */
export async function findMissing(
  parts: EngineParts,
  usable: readonly AugmentedPassage[],
  {
    isBackground = false,
    again = false,
  }: { isBackground?: boolean | undefined; again?: boolean | undefined } = {},
): Promise<Found> {
  const [store, encoding, model] = [await parts.store(), await parts.encoding(), await parts.model()];
  const origin = {
    model,
    prompts: promptsHash(parts.prompts, model),
    weights: weightsInUse(model, parts.config),
  };
  // What the background made is recorded anew when somebody wants it, and then stays.
  const rows = isBackground ? [] : encoding.rows();
  const passing = new Set(rows.filter((row) => row.isBackground).map(({ passageId }) => passageId));
  const found: Found = { work: [], missing: [], stored: [] };
  for (const augmented of usable) {
    const { id } = augmented.passage;
    const one = { augmented, key: keyOf(augmented, origin) };
    found.work.push(one);
    const recorded = encoding.keyOf(id);
    if (again) {
      found.missing.push(one);
      continue;
    }
    if (recorded !== undefined && recorded !== one.key && (await isImported(store, recorded))) continue;
    if (!(await isStored(store, one.key, parts.config.adapterDtype))) found.missing.push(one);
    else if (recorded !== one.key || passing.has(id)) found.stored.push(one);
  }
  return found;
}

/** Whether there is an adapter with numbers of the type in use; one of another type, or one that cannot be read, is made anew. */
async function isStored(store: AdapterStore, key: string, dtype: AdapterDtype): Promise<boolean> {
  return (await readHeader(store, key))?.dtype === dtype;
}

/** An adapter that was imported for a passage is what the user wants there: none is trained in its place. */
async function isImported(store: AdapterStore, key: string): Promise<boolean> {
  return importedRecipe.safeParse((await readHeader(store, key))?.provenance.recipe).success;
}

/** The header of a stored adapter; `undefined` where there is none that can be read. */
async function readHeader(store: AdapterStore, key: string): Promise<AdapterHeader | undefined> {
  if (!(await store.has(key))) return undefined;
  try {
    return await loadAdapterHeader(store.path(key));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Stands in place of a recipe in the provenance of an imported adapter. */
const importedRecipe = z.strictObject({ imported: z.string() });

/**
 * Path of the encoding of a model, recipe and prompts within a collection; adapters that start from one of their own
 * (`initHash`) have their own encoding beside it.
 */
export function encodingPath(
  folder: string,
  {
    model: { fingerprint, recipe },
    prompts,
    initHash,
  }: {
    model: Pick<OpenedModel, "fingerprint" | "recipe">;
    prompts: string;
    initHash?: string | undefined;
  },
): string {
  const start = initHash === undefined ? "" : `-${initHash.slice(0, 16)}`;
  return `${folder}/${fingerprint.slice(0, 16)}-${recipeHash(recipe)}-${prompts.slice(0, 8)}${start}.jsonl`;
}
