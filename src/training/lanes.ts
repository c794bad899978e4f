import type { TrainedAdapter, Trainer, TrainingJob } from "./trainer.ts";

/**
 * One trainer out of several, each with processors of its own: the rows of a batch are dealt out to them. Small matrices
 * gain little from a second thread, so rows side by side take less time than threads that share every row.
 */
export function joinTrainers(lanes: readonly Trainer[]): Trainer {
  const first = lanes[0]!;
  return {
    config: first.config,
    async train(jobs, schedule, { signal, beforeUpdate, onUpdate } = {}) {
      const failed = new AbortController();
      const either = AbortSignal.any(signal ? [signal, failed.signal] : [failed.signal]);
      const shares = deal(jobs, lanes.length);
      const tell = onUpdate && meanOf(shares, onUpdate);
      const results = await Promise.allSettled(
        shares.map(async (share, lane) => {
          try {
            return await lanes[lane]!.train(share, schedule, {
              signal: either,
              beforeUpdate,
              onUpdate: tell && ((update, loss) => tell(update, loss * share.length)),
            });
          } catch (error) {
            failed.abort(error); // the others end too, before the failure is told
            throw error;
          }
        }),
      );
      if (failed.signal.aborted) throw failed.signal.reason;
      return results.flatMap((result): TrainedAdapter[] =>
        result.status === "fulfilled" ? result.value : [],
      );
    },
    gradients: (rows, adapters) => first.gradients(rows, adapters),
    async dispose() {
      for (const lane of lanes) await lane.dispose();
    },
  };
}

/** Neighbouring jobs in shares that differ by one at most; none is empty. */
function deal(jobs: readonly TrainingJob[], lanes: number): TrainingJob[][] {
  const count = Math.min(lanes, jobs.length);
  return Array.from({ length: count }, (_, i) =>
    jobs.slice(Math.round((i * jobs.length) / count), Math.round(((i + 1) * jobs.length) / count)),
  );
}

/** Tells an update with its mean loss when the last share has made it. */
function meanOf(
  shares: readonly (readonly TrainingJob[])[],
  onUpdate: (update: number, loss: number) => void,
): (update: number, sum: number) => void {
  const made = new Map<number, { shares: number; sum: number }>();
  const total = shares.reduce((count, share) => count + share.length, 0);
  return (update, sum) => {
    const so = made.get(update) ?? { shares: 0, sum: 0 };
    const now = { shares: so.shares + 1, sum: so.sum + sum };
    made.set(update, now);
    if (now.shares < shares.length) return;
    made.delete(update);
    onUpdate(update, now.sum / total);
  };
}
