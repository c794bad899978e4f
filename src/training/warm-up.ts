import type { Adapter, LoraFactors } from "../adapters/adapter.ts";
import { factorName } from "../adapters/lora-linear.ts";
import { UnsupportedError } from "../base/errors.ts";
import type { QuestionAnswer } from "../corpus/corpus.ts";
import { AdamW, type Moments } from "./adamw.ts";
import { dialogueSequence, type ExampleParts } from "./examples.ts";
import { checkLoss } from "./loss.ts";
import { type PackedRow, pack } from "./packing.ts";
import type { Recipe } from "./recipe.ts";
import { createSequence } from "./sequence.ts";
import type { Trainer } from "./trainer.ts";

/** How warm-up trains; the adapter's shape is the recipe's. */
export interface WarmUpSchedule {
  learningRate: number;
  weightDecay: number;
  decay: "constant" | "linear";
  /** Passes over the pairs, always in the same order. */
  epochs: number;
  /** Pairs whose mean loss is one update. */
  batch: number;
}

/** The paper's code: AdamW at 3e-4, one pass, one pair an update. */
export const warmUpSchedule: WarmUpSchedule = {
  learningRate: 3e-4,
  weightDecay: 0.01,
  decay: "constant",
  epochs: 1,
  batch: 1,
};

/** Token ids of each pair: the prompt of inference without a passage, the answer, and the end of the turn. */
export function warmUpSequences(
  pairs: readonly QuestionAnswer[],
  recipe: Recipe,
  parts: Omit<ExampleParts, "supports">,
): number[][] {
  const { tokenizer } = parts;
  const end = tokenizer.endOfTurnId ?? tokenizer.eosTokenIds[0];
  if (end === undefined)
    throw new UnsupportedError(
      "the model's tokenizer names no token that ends an answer, and warm-up teaches to stop; set eos_token in its tokenizer_config.json",
    );
  const open = { ...recipe, endOfTurn: false, mask: "all" as const, maxTokens: recipe.maxTokens - 1 };
  const exampleParts = { ...parts, supports: () => true };
  return pairs.map((pair) => [
    ...dialogueSequence({ pair, passage: undefined }, open, exampleParts).ids,
    end,
  ]);
}

/** Where a warm-up stands between two updates: all that the rest depends on. */
export interface WarmUpState {
  /** Updates that were made. */
  updates: number;
  /** Loss before each of them. */
  losses: number[];
  /** Its numbers change with every update. */
  adapter: Adapter;
  /** The optimiser's, by `factorName`. */
  moments: ReadonlyMap<string, Moments>;
}

/** A fresh start from an adapter, whose numbers are copied. */
export function createWarmUpState({ config, modules }: Adapter): WarmUpState {
  const copies = new Map(
    [...modules].map(([name, factors]): [string, LoraFactors] => [
      name,
      { ...factors, down: factors.down.slice(), up: factors.up.slice() },
    ]),
  );
  const adapter = { config, modules: copies };
  const moments = new Map(
    [...parametersOf(adapter)].map(([name, value]): [string, Moments] => [
      name,
      { mean: new Float32Array(value.length), square: new Float32Array(value.length) },
    ]),
  );
  return { updates: 0, losses: [], adapter, moments };
}

export interface WarmUpOptions {
  signal?: AbortSignal | undefined;
  /** After each update; saves where it is time to. */
  onUpdate?: ((state: WarmUpState, total: number) => Promise<void>) | undefined;
}

/** Trains from a state to the end. The updates are a function of sequences and schedule alone, so that a resumed one repeats. */
export async function warmUp(
  trainer: Trainer,
  state: WarmUpState,
  {
    sequences,
    schedule,
    signal,
    onUpdate,
  }: WarmUpOptions & { sequences: readonly number[][]; schedule: WarmUpSchedule },
): Promise<void> {
  const parameters = [...parametersOf(state.adapter)];
  const optimiser = new AdamW(schedule);
  optimiser.restore(
    state.updates,
    parameters.map(([name, value]) => [value, state.moments.get(name)!]),
  );
  const total = countUpdates(sequences.length, schedule);
  while (state.updates < total) {
    signal?.throwIfAborted();
    const row = rowOf(sequences, schedule, state.updates);
    const { losses, gradients } = await trainer.gradients([row], [state.adapter]);
    checkLoss(losses[0]!, { update: state.updates + 1, learningRate: schedule.learningRate });
    optimiser.step(
      parameters.map(([name, value]) => ({ value, gradient: gradients.get(name)! })),
      schedule.decay === "linear" ? 1 - state.updates / total : 1,
    );
    state.losses.push(losses[0]!);
    state.updates++;
    await onUpdate?.(state, total);
  }
}

/** Updates of a whole warm-up; the last of each pass may see fewer pairs. */
export function countUpdates(sequences: number, { epochs, batch }: WarmUpSchedule): number {
  return epochs * Math.ceil(sequences / batch);
}

/** What one update sees: the mean of its sequences' losses, every token of them. */
function rowOf(sequences: readonly number[][], { batch }: WarmUpSchedule, update: number): PackedRow {
  const perPass = Math.ceil(sequences.length / batch);
  const begin = (update % perPass) * batch;
  const seen = sequences.slice(begin, begin + batch);
  return pack(seen.map((ids) => createSequence(ids, { weight: 1 / seen.length })));
}

function* parametersOf({ modules }: Adapter): Generator<[string, Float32Array]> {
  for (const [name, { down, up }] of modules) {
    yield [factorName(name, "down"), down];
    yield [factorName(name, "up"), up];
  }
}
