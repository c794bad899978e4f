import { ConfigError } from "../base/errors.ts";

/** Whether a training with these losses has diverged: what it trained is of no use. */
export function hasDiverged(losses: readonly number[]): boolean {
  return !Number.isFinite(losses.at(-1) ?? 0);
}

/** Ends a training at the first loss that is no number; `update` counts from 1. */
export function checkLoss(
  loss: number,
  { update, learningRate }: { update: number; learningRate: number },
): void {
  if (Number.isFinite(loss)) return;
  throw new ConfigError(
    `the loss of update ${update} is ${loss}; choose a smaller learning rate than ${learningRate}`,
  );
}
