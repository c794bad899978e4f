import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Adapter } from "../adapters/adapter.ts";
import { factorName } from "../adapters/lora-linear.ts";
import { Random } from "../base/random.ts";
import { type Model, openModel } from "../models/open-model.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { createLanedTrainer } from "./lanes.ts";
import { hasDiverged } from "./loss.ts";
import { type PackedRow, pack } from "./packing.ts";
import { createSequence } from "./sequence.ts";
import { tinyAdapter, tinyAdapterConfig, tinyModelFolder } from "./tiny-model.suite.ts";
import { openTrainer, type Trainer } from "./trainer.ts";

const random = new Random("trainer");
const drawIds = (length: number) => Array.from({ length }, () => random.int(397));
const drawRow = (length: number): PackedRow => pack([createSequence(drawIds(length))]);
/** Six updates with the same row. */
const repeated = (length: number) => new Array<PackedRow>(6).fill(drawRow(length));

/** Distance of all factors in the 2-norm, relative; 0 means equal bits. */
function distance(got: Adapter, wanted: Adapter): number {
  let [difference, norm] = [0, 0];
  for (const [name, factors] of wanted.modules) {
    for (const factor of ["down", "up"] as const) {
      const numbers = got.modules.get(name)![factor];
      factors[factor].forEach((value, i) => {
        difference += (numbers[i]! - value) ** 2;
        norm += value ** 2;
      });
    }
  }
  return Math.sqrt(difference / norm);
}

// On several threads the kernels of ONNX Runtime cut their work by its size, which may round differently.
describe.each([
  { threads: 1, tolerance: 0 },
  { threads: 2, tolerance: 1e-6 },
])("trainer on $threads threads", ({ threads, tolerance }) => {
  let runtime: Runtime;
  let model: Model;
  let trainer: Trainer;
  let initial: Adapter;
  beforeAll(async () => {
    runtime = await openRuntime({ threads });
    model = await openModel(tinyModelFolder());
    trainer = await openTrainer(runtime, model, { config: tinyAdapterConfig, maxTokens: 256 });
    initial = tinyAdapter(model.config);
  });
  afterAll(() => runtime.dispose());

  it("gives the gradient of the loss: finite differences of single numbers", async () => {
    const row = drawRow(12);
    const adapter = tinyAdapter(model.config, { drawnUp: true });
    const { gradients } = await trainer.gradients([row], [adapter]);
    const step = 5e-3;
    for (const [module, factor, index] of [
      ["layers.0.mlp.gate_proj", "down", 17],
      ["layers.1.mlp.up_proj", "up", 200],
      ["layers.2.mlp.down_proj", "down", 5],
      ["layers.2.mlp.down_proj", "up", 70],
    ] as const) {
      const numbers = adapter.modules.get(module)![factor];
      const before = numbers[index]!;
      const lossAt = async (value: number) => {
        numbers[index] = value;
        return (await trainer.gradients([row], [adapter])).losses[0]!;
      };
      const slope = ((await lossAt(before + step)) - (await lossAt(before - step))) / (2 * step);
      numbers[index] = before;
      const gradient = gradients.get(factorName(module, factor))![index]!;
      expect(Math.abs(gradient - slope)).toBeLessThan(0.02 * Math.abs(slope) + 1e-4);
    }
  });

  it("makes the first update by hand: decay, then AdamW's step of the gradient's sign", async () => {
    const row = drawRow(20);
    const start = tinyAdapter(model.config, { drawnUp: true });
    const { losses, gradients } = await trainer.gradients([row], [start]);
    const [rate, decay, epsilon] = [1e-3, 0.01, 1e-8];
    const [trained] = await trainer.train([{ initial: start, updates: [row] }], {
      learningRate: rate,
      weightDecay: decay,
    });
    expect(trained!.losses).toEqual(losses);
    for (const [module, factors] of start.modules) {
      for (const factor of ["down", "up"] as const) {
        const gradient = gradients.get(factorName(module, factor))!;
        trained!.adapter.modules.get(module)![factor].forEach((value, i) => {
          const g = gradient[i]!;
          const wanted = factors[factor][i]! * (1 - rate * decay) - (rate * g) / (Math.abs(g) + epsilon);
          expect(Math.abs(value - wanted)).toBeLessThan(1e-7 + 1e-6 * Math.abs(wanted));
        });
      }
    }
  });

  it("stops at a loss that is no number in the row that it is in: the others come out as ever", async () => {
    const broken = structuredClone(initial);
    [...broken.modules.values()][0]!.up[0] = Number.NaN;
    const updates = repeated(20);
    const schedule = { learningRate: 3e-3 };
    const [, wanted] = await trainer.train(
      [
        { initial, updates },
        { initial, updates },
      ],
      schedule,
    );
    const told: number[] = [];
    const jobs = [
      { initial: broken, updates },
      { initial, updates },
    ];
    const options = { onUpdate: (_update: number, loss: number) => told.push(loss) };
    const [diverged, other] = await trainer.train(jobs, schedule, options);
    expect(diverged!.losses).toEqual([Number.NaN]);
    expect(hasDiverged(diverged!.losses)).toBe(true);
    expect([distance(other!.adapter, wanted!.adapter), other!.losses]).toEqual([0, wanted!.losses]);
    const [alone] = await trainer.train([{ initial: broken, updates }], schedule, options);
    expect([alone!.losses, told]).toEqual([[Number.NaN], new Array(12).fill(Number.NaN)]);
  });

  it("leaves the initial adapter and the rows as they were", async () => {
    const row = drawRow(10);
    const copy = structuredClone({ row, initial });
    await trainer.train([{ initial, updates: [row, row] }], { learningRate: 1e-2 });
    expect(row).toEqual(copy.row);
    expect(distance(initial, copy.initial)).toBe(0);
  });

  it(`trains a job to the same numbers (${tolerance}) alone and with any batch-mates, at any place`, async () => {
    const job = { initial, updates: repeated(40) };
    const schedule = { learningRate: 3e-3 };
    const [alone] = await trainer.train([job], schedule);
    const other = tinyAdapter(model.config, { drawnUp: true });
    for (const lengths of [[40], [5, 12, 9], [90, 30, 131]]) {
      const mates = lengths.map((length) => ({ initial: other, updates: repeated(length) }));
      const first = await trainer.train([job, ...mates], schedule);
      const last = await trainer.train([...mates, job], schedule);
      for (const { adapter, losses } of [first[0]!, last.at(-1)!]) {
        losses.forEach((loss, i) => {
          expect(Math.abs(loss / alone!.losses[i]! - 1)).toBeLessThanOrEqual(tolerance);
        });
        expect(distance(adapter, alone!.adapter)).toBeLessThanOrEqual(tolerance);
      }
      // The mates are trained too, each by its own row.
      expect(new Set(first.map((one) => one.losses[5])).size).toBe(lengths.length + 1);
    }
  });
});

describe("training", () => {
  let runtime: Runtime;
  let trainer: Trainer;
  let initial: Adapter;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    const model = await openModel(tinyModelFolder());
    trainer = await openTrainer(runtime, model, { config: tinyAdapterConfig, maxTokens: 256 });
    initial = tinyAdapter(model.config);
  });
  afterAll(() => runtime.dispose());

  it("lowers the loss of what it is trained on", async () => {
    const updates = new Array<PackedRow>(15).fill(drawRow(16));
    const [trained] = await trainer.train([{ initial, updates }], { learningRate: 3e-3 });
    expect(trained!.losses).toHaveLength(15);
    expect(trained!.losses.at(-1)).toBeLessThan(0.7 * trained!.losses[0]!);
  });

  it("sees each update's own row", async () => {
    const [a, b] = [drawRow(9), drawRow(14)];
    const losses = async (row: PackedRow) => (await trainer.gradients([row], [initial])).losses[0];
    const still = { learningRate: 1e-12, weightDecay: 0 };
    const [trained] = await trainer.train([{ initial, updates: [a, b, b, a] }], still);
    const wanted = [await losses(a), await losses(b), await losses(b), await losses(a)];
    trained!.losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(wanted[i]!, 5);
    });
    expect(wanted[0]).not.toBeCloseTo(wanted[1]!, 2);
  });

  it("decays linearly: each update by its share, the last one above zero", async () => {
    const row = drawRow(8);
    const updates = new Array<PackedRow>(4).fill(row);
    const upOf = (adapter: Adapter) => adapter.modules.get("layers.0.mlp.up_proj")!.down[0]!;
    const schedule = { learningRate: 0.1, weightDecay: 1, decay: "linear" } as const;
    // With up = 0 the first gradient of down is 0; a job without targets keeps it so, and decay alone is seen.
    const silent = pack([{ ids: [1, 2, 3], targets: [{ place: 0, token: 1, weight: 0 }] }]);
    const [trained] = await trainer.train([{ initial, updates: updates.map(() => silent) }], schedule);
    const kept = [1, 0.75, 0.5, 0.25].reduce((product, factor) => product * (1 - 0.1 * factor), 1);
    expect(upOf(trained!.adapter) / upOf(initial)).toBeCloseTo(kept, 5);
  });

  it("tells each update, and stops between updates when the signal says so", async () => {
    const seen: number[] = [];
    const stop = new AbortController();
    const onUpdate = (update: number) => {
      seen.push(update);
      if (update === 2) stop.abort();
    };
    const job = { initial, updates: repeated(8) };
    const options = { signal: stop.signal, onUpdate };
    await expect(trainer.train([job], { learningRate: 1e-3 }, options)).rejects.toThrow(/abort/i);
    expect(seen).toEqual([1, 2]);
    // The trainer is still good.
    expect((await trainer.train([job], { learningRate: 1e-3 }))[0]!.losses).toHaveLength(6);
  });

  it("gives the same bits in lanes of one thread as in one batch", async () => {
    const model = await openModel(tinyModelFolder());
    const runtimes: Runtime[] = [];
    const openLane = async () => {
      runtimes.push(await openRuntime({ threads: 1 }));
      return openTrainer(runtimes.at(-1)!, model, { config: tinyAdapterConfig, maxTokens: 256 });
    };
    try {
      const laned = createLanedTrainer({ alone: trainer, openLane, lanes: 2 });
      const jobs = [40, 12, 25, 33, 8].map((length) => ({ initial, updates: repeated(length) }));
      const wanted = await trainer.train(jobs, { learningRate: 3e-3 });
      const got = await laned.train(jobs, { learningRate: 3e-3 });
      expect(runtimes).toHaveLength(2);
      for (const [i, { adapter, losses }] of got.entries()) {
        expect(losses).toEqual(wanted[i]!.losses);
        expect(distance(adapter, wanted[i]!.adapter)).toBe(0);
      }
    } finally {
      for (const one of runtimes) await one.dispose();
    }
  });

  it("refuses jobs that differ in their number of updates", async () => {
    const row = drawRow(8);
    const jobs = [
      { initial, updates: [row] },
      { initial, updates: [row, row] },
    ];
    await expect(trainer.train(jobs, { learningRate: 1e-3 })).rejects.toThrow("internal:");
  });
});
