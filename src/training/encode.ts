import type { Adapter } from "../adapters/adapter.ts";
import { InputError } from "../base/errors.ts";
import type { AugmentedPassage } from "../corpus/corpus.ts";
import { createSequences, type ExampleParts } from "./examples.ts";
import { createNegatives, type NegativeParts } from "./negatives.ts";
import { type PackedRow, pack } from "./packing.ts";
import type { Recipe } from "./recipe.ts";
import type { Sequence } from "./sequence.ts";
import type { Trainer } from "./trainer.ts";

/** What encoding needs. */
export interface EncodeParts extends ExampleParts {
  trainer: Trainer;
  /** The start of every adapter. */
  initial: Adapter;
  /** Needed by recipes with negatives only. */
  negatives?: NegativeParts | undefined;
  /** Milliseconds. */
  clock: () => number;
}

/** An encoded passage with what it cost. */
export interface EncodedPassage {
  augmented: AugmentedPassage;
  /** Of no use where the losses show that the training diverged. */
  adapter: Adapter;
  losses: number[];
  /** Tokens that went through the model, all updates together. */
  trainingTokens: number;
  /** Its share of the batch's time. */
  seconds: number;
}

/** One batch of work, ready to train. */
interface PreparedPassage {
  augmented: AugmentedPassage;
  updates: PackedRow[];
}

/** Rows of one batch; more gain little once a step has a few hundred tokens. */
export const batchRows = 4;
/** Padded tokens of one batch, at most. */
const batchTokens = 4096;

/**
 * Trains one adapter per passage, a group at a time; passages do not influence one another. An interrupted group is
 * trained again as a whole, so that its adapters come out the same.
 */
export async function* encodeGroups(
  groups: readonly (readonly AugmentedPassage[])[],
  recipe: Recipe,
  parts: EncodeParts & {
    signal?: AbortSignal | undefined;
    /** Waited for before each piece of work. */
    beforeUpdate?: (() => Promise<void>) | undefined;
    /** Gets the passages of the update, its number within their training, and their mean loss. */
    onUpdate?: ((passages: number, update: number, loss: number) => void) | undefined;
  },
): AsyncGenerator<EncodedPassage[]> {
  const { clock, trainer, initial, signal } = parts;
  for (const group of groups) {
    await parts.beforeUpdate?.();
    signal?.throwIfAborted();
    let start = clock();
    const prepared = await prepare(group, recipe, parts);
    for (const batch of batchesOf(prepared, recipe)) {
      const jobs = batch.map(({ updates }) => ({ initial, updates }));
      const onUpdate = (update: number, loss: number) => parts.onUpdate?.(batch.length, update, loss);
      const { beforeUpdate } = parts;
      const trained = await trainer.train(jobs, recipe, { signal, beforeUpdate, onUpdate });
      const seconds = (clock() - start) / 1000 / batch.length;
      yield batch.map(({ augmented, updates }, i) => ({
        augmented,
        adapter: trained[i]!.adapter,
        losses: trained[i]!.losses,
        trainingTokens: updates.reduce((total, { ids }) => total + ids.length, 0),
        seconds,
      }));
      start = clock();
    }
  }
}

/** The packed rows of every update, without training: what a dry run counts. */
export function countTrainingTokens(
  augmented: AugmentedPassage,
  recipe: Recipe,
  parts: ExampleParts,
): number {
  const sequences = createSequences(augmented, recipe, parts);
  const updates = updatesOf(sequences, [], recipe);
  return updates.reduce((total, { ids }) => total + ids.length, 0);
}

/** Cuts the whole sorted work list into groups; recipe `reference` trains one passage at a time, as the paper's code. */
export function groupPassages<T>(passages: readonly T[], recipe: Recipe): T[][] {
  const size = recipe.name === "reference" ? 1 : batchRows;
  return Array.from({ length: Math.ceil(passages.length / size) }, (_, i) =>
    passages.slice(i * size, (i + 1) * size),
  );
}

async function prepare(
  group: readonly AugmentedPassage[],
  recipe: Recipe,
  parts: EncodeParts & { signal?: AbortSignal | undefined },
): Promise<PreparedPassage[]> {
  const negatives =
    recipe.negatives.count > 0
      ? await createNegatives(group, recipe, { ...requireNegatives(parts), signal: parts.signal })
      : group.map(() => []);
  return group.map((augmented, i) => {
    const sequences = createSequences(augmented, recipe, parts);
    if (sequences.length === 0) {
      throw new InputError(
        `passage "${augmented.passage.title}" (${augmented.passage.id}) has nothing to be trained on; augment it, or leave it out`,
      );
    }
    return { augmented, updates: updatesOf(sequences, negatives[i]!, recipe) };
  });
}

function requireNegatives({ negatives }: EncodeParts): NegativeParts {
  if (!negatives) throw new Error("internal: a recipe with negatives needs the parts that make them");
  return negatives;
}

/** What every update sees: one sequence, or all of them as their mean. */
function updatesOf(
  sequences: readonly Sequence[],
  negatives: readonly Sequence[],
  recipe: Recipe,
): PackedRow[] {
  if (recipe.name === "reference") {
    const rows = sequences.map((sequence) => pack([sequence]));
    return Array.from({ length: recipe.epochs }, () => rows).flat();
  }
  const count = Math.min(recipe.sequencesPerUpdate || sequences.length, sequences.length);
  const negativeCount = Math.min(recipe.negatives.perUpdate || negatives.length, negatives.length);
  const rowAt = (update: number): PackedRow => {
    const seen = inTurn(sequences, count, update).map((sequence) => weighted(sequence, 1 / count));
    const others = inTurn(negatives, negativeCount, update);
    return pack([...seen, ...others.map((one) => weighted(one, negatives.length / negativeCount))]);
  };
  if (count === sequences.length && negativeCount === negatives.length)
    return new Array<PackedRow>(recipe.updates).fill(rowAt(0));
  return Array.from({ length: recipe.updates }, (_, update) => rowAt(update));
}

/** `count` items of a ring, going on where the update before left off. */
function inTurn<T>(items: readonly T[], count: number, update: number): T[] {
  return Array.from({ length: count }, (_, i) => items[(update * count + i) % items.length]!);
}

function weighted({ ids, targets }: Sequence, factor: number): Sequence {
  return { ids, targets: targets.map((target) => ({ ...target, weight: target.weight * factor })) };
}

/** Splits a group where its padded tokens are too many for one step, or its updates differ in number. */
function batchesOf(prepared: readonly PreparedPassage[], recipe: Recipe): PreparedPassage[][] {
  if (recipe.name === "reference") return prepared.map((one) => [one]);
  const batches: PreparedPassage[][] = [];
  for (const one of prepared) {
    const last = batches[batches.length - 1];
    const rows = [...(last ?? []), one];
    const longest = Math.max(...rows.flatMap(({ updates }) => updates.map(({ ids }) => ids.length)));
    if (last && longest * rows.length <= batchTokens) last.push(one);
    else batches.push([one]);
  }
  return batches;
}
