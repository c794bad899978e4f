import { AdamW } from "./adamw.ts";
import { checkLoss } from "./loss.ts";
import type { WindowedText } from "./memory-batch.ts";
import type { MemoryTrainer, MemoryValues } from "./memory-trainer.ts";
import { restoreTrainingPoint, saveTrainingPoint, type TrainingPoint } from "./memory-values.ts";

/** How memory weights are trained. */
export interface MemorySchedule {
  updates: number;
  learningRate: number;
  /** Updates over which the learning rate rises; after them it falls linearly to a tenth. */
  warmup: number;
  /** Gradients are scaled down to this 2-norm at most. */
  maxNorm: number;
}

/** What one update saw. */
export interface MemoryUpdate {
  /** From 1. */
  update: number;
  /** Mean loss per weighted token, or of the pairs. */
  loss: number;
  tokens: number;
  /** What is done: of the updates or of the time, whichever is nearer to its end. */
  share: number;
}

/** What an update is made from. */
export interface UpdateTexts {
  texts: readonly WindowedText[];
  /** The loss that is meant, where the texts' weighted one only has its gradient. */
  loss?: number | undefined;
}

/** A training of memory weights. */
export interface MemoryTraining {
  trainer: Pick<MemoryTrainer, "parameters" | "gradients">;
  /** Where it begins; changed in place. */
  values: MemoryValues;
  schedule: MemorySchedule;
  /** The texts of an update (from 0); depends on the update alone, so that a run that goes on sees what it would have seen. */
  textsOf(update: number, values: MemoryValues): Promise<UpdateTexts>;
  /** Where the state lies, what it is the state of, and after how many milliseconds it is written anew at the soonest. */
  state: { path: string; identity: string; everyMs: number };
  /** Milliseconds of all calls together; the learning rate falls by them where they end before the updates do. */
  budgetMs?: number | undefined;
  /** Milliseconds. */
  clock: () => number;
  onUpdate?: ((update: MemoryUpdate) => void | Promise<void>) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Trains memory weights, from the state on disk if there is one, until the updates are done or the time is over. After an abort
 * the same call goes on with the next update, after a kill from the last state on disk. Returns how many updates are done.
 */
export async function trainMemory(training: MemoryTraining): Promise<number> {
  const { trainer, values, schedule, state, clock, budgetMs = Number.POSITIVE_INFINITY, signal } = training;
  const { parameters } = trainer;
  const point: TrainingPoint = {
    update: 0,
    spentMs: 0,
    values,
    optimiser: new AdamW({ learningRate: schedule.learningRate, weightDecay: 0 }),
  };
  const form = { identity: state.identity, parameters };
  await restoreTrainingPoint(state.path, point, form);
  const isDone = () => point.update >= schedule.updates || point.spentMs >= budgetMs;
  const saved = { update: point.update, atMs: clock(), tookMs: 0 };
  const save = async () => {
    if (saved.update === point.update) return;
    const startMs = clock();
    await saveTrainingPoint(state.path, point, form);
    const atMs = clock();
    Object.assign(saved, { update: point.update, atMs, tookMs: atMs - startMs });
  };
  // The state of a large model takes its time: it is written for a twentieth of the time at most.
  const isDue = () => clock() - saved.atMs >= Math.max(state.everyMs, 20 * saved.tookMs);
  while (!isDone()) {
    if (signal?.aborted) await save();
    signal?.throwIfAborted();
    const startMs = clock();
    const { texts, loss: meant } = await training.textsOf(point.update, values);
    const { loss, tokens } = await update(texts, point, training);
    point.update++;
    point.spentMs += clock() - startMs;
    const share = Math.max(point.update / schedule.updates, point.spentMs / budgetMs);
    await training.onUpdate?.({ update: point.update, loss: meant ?? loss, tokens, share });
    if (isDue()) await save();
  }
  await save();
  return point.update;
}

async function update(
  texts: readonly WindowedText[],
  { update, spentMs, values, optimiser }: TrainingPoint,
  { trainer, schedule, budgetMs = Number.POSITIVE_INFINITY }: MemoryTraining,
): Promise<{ loss: number; tokens: number }> {
  const tokens = texts.reduce((total, text) => total + text.windows.flat().length, 0);
  if (texts.every(({ weights }) => weights.every((weight) => weight === 0))) return { loss: 0, tokens };
  const { scores, gradients } = await trainer.gradients(texts, values);
  const loss = -scores.reduce((a, b) => a + b, 0);
  checkLoss(loss, { update: update + 1, learningRate: schedule.learningRate });
  const norm = Math.sqrt([...gradients.values()].reduce((total, one) => total + sumOfSquares(one), 0));
  const shrink = norm > schedule.maxNorm ? schedule.maxNorm / norm : 1;
  const pairs = [...gradients].map(([name, gradient]) => {
    if (shrink < 1) for (let i = 0; i < gradient.length; i++) gradient[i]! *= shrink;
    return { value: values.get(name)!, gradient };
  });
  optimiser.step(pairs, rateFactor({ update, spentShare: spentMs / budgetMs }, schedule));
  return { loss, tokens };
}

function sumOfSquares(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value * value;
  return total;
}

/** Linear rise, then linear fall to a tenth: by updates or by time, whichever is nearer to its end. */
function rateFactor(
  { update, spentShare }: { update: number; spentShare: number },
  { warmup, updates }: MemorySchedule,
): number {
  if (update < warmup) return (update + 1) / warmup;
  const share = (update - warmup) / Math.max(1, updates - warmup);
  return 1 - 0.9 * Math.max(share, spentShare);
}
