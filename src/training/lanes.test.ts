import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../adapters/adapter.ts";
import { joinTrainers } from "./lanes.ts";
import { tinyAdapterConfig } from "./tiny-model.suite.ts";
import type { Trainer, TrainingJob } from "./trainer.ts";

const adapters = Array.from({ length: 5 }, (_, i) => ({ config: { rank: i + 1 } }) as unknown as Adapter);
const jobs = adapters.map((initial): TrainingJob => ({ initial, updates: new Array(3).fill({ ids: [1] }) }));

/** Makes three updates with the losses of its jobs' ranks, a while for each; remembers its jobs. */
function slowTrainer(ms: number, { fails = false } = {}) {
  const seen: Adapter[] = [];
  const made: number[] = [];
  let isDisposed = false;
  const trainer: Trainer = {
    config: tinyAdapterConfig,
    async train(own, _schedule, { signal, beforeUpdate, onUpdate } = {}) {
      seen.push(...own.map(({ initial }) => initial));
      for (let update = 1; update <= 3; update++) {
        await beforeUpdate?.();
        await sleep(ms);
        signal?.throwIfAborted();
        if (fails) throw new Error("this lane fails");
        made.push(update);
        onUpdate?.(update, own.reduce((sum, { initial }) => sum + initial.config.rank, 0) / own.length);
      }
      return own.map(({ initial }) => ({ adapter: initial, losses: [initial.config.rank] }));
    },
    gradients: () => Promise.reject(new Error("not used")),
    dispose: async () => {
      isDisposed = true;
    },
  };
  return { trainer, seen, made, isDisposed: () => isDisposed };
}

describe("joined trainers", () => {
  it("deal neighbouring jobs out and give the adapters in the jobs' order", async () => {
    const lanes = [slowTrainer(6), slowTrainer(1)];
    const joined = joinTrainers(lanes.map(({ trainer }) => trainer));
    const trained = await joined.train(jobs, { learningRate: 1 });
    expect(trained.map(({ adapter }) => adapter)).toEqual(adapters);
    expect(lanes.map(({ seen }) => seen.length).sort()).toEqual([2, 3]);
    expect(lanes.flatMap(({ seen }) => seen)).toEqual(adapters);
    await joined.dispose();
    expect(lanes.every((lane) => lane.isDisposed())).toBe(true);
  });

  it("leave lanes alone that would have nothing to do", async () => {
    const lanes = [slowTrainer(1), slowTrainer(1), slowTrainer(1)];
    const joined = joinTrainers(lanes.map(({ trainer }) => trainer));
    expect(await joined.train(jobs.slice(0, 1), { learningRate: 1 })).toHaveLength(1);
    expect(lanes.map(({ made }) => made.length)).toEqual([3, 0, 0]);
  });

  it("tell each update once, in order, when all have made it, with the mean over all jobs", async () => {
    const lanes = [slowTrainer(5), slowTrainer(1)];
    const told: [number, number, number][] = [];
    let waits = 0;
    await joinTrainers(lanes.map(({ trainer }) => trainer)).train(
      jobs,
      { learningRate: 1 },
      {
        beforeUpdate: async () => {
          waits++;
        },
        onUpdate: (update, loss) =>
          told.push([update, loss, Math.min(...lanes.map(({ made }) => made.length))]),
      },
    );
    expect(told).toEqual([1, 2, 3].map((update) => [update, 3, update]));
    expect(waits).toBe(6);
  });

  it("end together: a failure is told when every lane has stopped, and so is an abort", async () => {
    const [fine, failing] = [slowTrainer(4), slowTrainer(1, { fails: true })];
    const joined = joinTrainers([fine.trainer, failing.trainer]);
    await expect(joined.train(jobs, { learningRate: 1 })).rejects.toThrow("this lane fails");
    expect(fine.made).toEqual([]);
    const others = [slowTrainer(1), slowTrainer(1)];
    const stop = new AbortController();
    const training = joinTrainers(others.map(({ trainer }) => trainer)).train(
      jobs,
      { learningRate: 1 },
      { signal: stop.signal, onUpdate: () => stop.abort(new Error("enough")) },
    );
    await expect(training).rejects.toThrow("enough");
    const made = others.map((lane) => lane.made.length);
    await sleep(10);
    expect(others.map((lane) => lane.made.length)).toEqual(made);
    expect(Math.max(...made)).toBeLessThan(3);
  });
});
