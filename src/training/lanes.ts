import { commonLength, type Trainer, type TrainingJob } from "./trainer.ts";

interface LaneParts {
  /** Trains what is alone in its batch, with all processors; `gradients` are its own too. */
  alone: Trainer;
  /** Opens the trainer of the lane with this number, with processors of its own; opened when first needed. */
  openLane(lane: number): Promise<Trainer>;
  lanes: number;
}

/**
 * A trainer that deals the rows of a batch out to lanes, trainers that work side by side. Small matrices gain little from a
 * second thread, so rows side by side take less time than threads that share every row.
 */
export function createLanedTrainer({ alone, openLane, lanes }: LaneParts): Trainer {
  const opened: Trainer[] = [];
  return {
    config: alone.config,
    async train(jobs, schedule, options = {}) {
      if (jobs.length < 2) return alone.train(jobs, schedule, options);
      commonLength(jobs);
      const shares = deal(jobs, lanes);
      while (opened.length < shares.length) opened.push(await openLane(opened.length));
      const { beforeUpdate, onUpdate } = options;
      const tell = onUpdate && meanOf(shares, onUpdate);
      const failed = new AbortController();
      const signal = AbortSignal.any(options.signal ? [options.signal, failed.signal] : [failed.signal]);
      const trained = shares.map((share, lane) =>
        opened[lane]!.train(share, schedule, {
          signal,
          beforeUpdate,
          onUpdate: tell && ((update, loss) => tell(update, loss * share.length)),
        }),
      );
      // The first failure ends the other lanes too; it is told when they have ended.
      for (const one of trained) one.catch((error: unknown) => failed.abort(error));
      await Promise.allSettled(trained);
      return (await Promise.all(trained)).flat();
    },
    gradients: (rows, adapters) => alone.gradients(rows, adapters),
    async dispose() {
      await Promise.all([alone, ...opened].map((trainer) => trainer.dispose()));
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
  const total = shares.flat().length;
  return (update, sum) => {
    const before = made.get(update) ?? { shares: 0, sum: 0 };
    const now = { shares: before.shares + 1, sum: before.sum + sum };
    made.set(update, now);
    if (now.shares < shares.length) return;
    made.delete(update);
    onUpdate(update, now.sum / total);
  };
}
