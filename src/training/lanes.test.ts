import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../adapters/adapter.ts";
import { createLanedTrainer } from "./lanes.ts";
import { tinyAdapterConfig } from "./tiny-model.suite.ts";
import type { Trainer, TrainingJob } from "./trainer.ts";

const adapters = Array.from(
  { length: 5 },
  (_, i): Adapter => ({ config: { ...tinyAdapterConfig, rank: i + 1 }, modules: new Map() }),
);
const row = { ids: [1] } as unknown as TrainingJob["updates"][number];
const jobs = adapters.map((initial): TrainingJob => ({ initial, updates: [row, row, row] }));
const schedule = { learningRate: 1 };

/** Makes three updates with the losses of its jobs' ranks, a while for each; remembers its jobs. */
function slowTrainer(ms: number, { fails = false } = {}) {
  const seen: Adapter[] = [];
  const made: number[] = [];
  const state = { isDisposed: false };
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
    gradients: async () => ({ losses: [ms], gradients: new Map() }),
    dispose: async () => {
      state.isDisposed = true;
    },
  };
  return { trainer, seen, made, state };
}

/** A laned trainer over these, with the numbers of the lanes that were opened. */
function laned(lanes: readonly ReturnType<typeof slowTrainer>[], alone = slowTrainer(1)) {
  const opened: number[] = [];
  const trainer = createLanedTrainer({
    alone: alone.trainer,
    lanes: lanes.length,
    async openLane(lane) {
      opened.push(lane);
      return lanes[lane]!.trainer;
    },
  });
  return { trainer, opened, alone };
}

describe("a laned trainer", () => {
  it("deals neighbouring jobs out and gives the adapters in the jobs' order; ends all", async () => {
    const lanes = [slowTrainer(6), slowTrainer(1)];
    const { trainer, opened, alone } = laned(lanes);
    const trained = await trainer.train(jobs, schedule);
    expect(trained.map(({ adapter }) => adapter)).toEqual(adapters);
    expect(lanes.map(({ seen }) => seen.length).sort()).toEqual([2, 3]);
    expect(lanes.flatMap(({ seen }) => seen)).toEqual(adapters);
    await trainer.train(jobs, schedule);
    expect(opened).toEqual([0, 1]);
    await trainer.dispose();
    expect([alone, ...lanes].every(({ state }) => state.isDisposed)).toBe(true);
  });

  it("opens as many lanes as there are jobs; one alone gets all processors, as gradients do", async () => {
    const lanes = [slowTrainer(1), slowTrainer(1), slowTrainer(1)];
    const { trainer, opened, alone } = laned(lanes, slowTrainer(2));
    expect(await trainer.train(jobs.slice(0, 1), schedule)).toHaveLength(1);
    expect((await trainer.gradients([], [])).losses).toEqual([2]);
    expect([alone.made.length, opened]).toEqual([3, []]);
    expect(await trainer.train(jobs.slice(0, 2), schedule)).toHaveLength(2);
    expect(opened).toEqual([0, 1]);
  });

  it("tells each update once, in order, when all have made it, with the mean over all jobs", async () => {
    const lanes = [slowTrainer(5), slowTrainer(1)];
    const told: [number, number, number][] = [];
    let waits = 0;
    await laned(lanes).trainer.train(jobs, schedule, {
      beforeUpdate: async () => {
        waits++;
      },
      onUpdate: (update, loss) =>
        told.push([update, loss, Math.min(...lanes.map(({ made }) => made.length))]),
    });
    expect(told).toEqual([1, 2, 3].map((update) => [update, 3, update]));
    expect(waits).toBe(6);
  });

  it("tells a failure when every lane has stopped", async () => {
    const [fine, failing] = [slowTrainer(4), slowTrainer(1, { fails: true })];
    await expect(laned([fine, failing]).trainer.train(jobs, schedule)).rejects.toThrow("this lane fails");
    expect(fine.made).toEqual([]);
  });

  it("stops all lanes when the signal says so", async () => {
    const lanes = [slowTrainer(1), slowTrainer(1)];
    const stop = new AbortController();
    const training = laned(lanes).trainer.train(jobs, schedule, {
      signal: stop.signal,
      onUpdate: () => stop.abort(new Error("enough")),
    });
    await expect(training).rejects.toThrow("enough");
    const made = lanes.map((lane) => lane.made.length);
    await sleep(10);
    expect(lanes.map((lane) => lane.made.length)).toEqual(made);
    expect(Math.max(...made)).toBeLessThan(3);
  });

  it("refuses jobs that differ in their number of updates, also those of different lanes", async () => {
    const uneven = [jobs[0]!, { ...jobs[1]!, updates: [row] }];
    await expect(laned([slowTrainer(1), slowTrainer(1)]).trainer.train(uneven, schedule)).rejects.toThrow(
      "internal:",
    );
  });
});
