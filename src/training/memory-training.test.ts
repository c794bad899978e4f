import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { openTinyMemory } from "../memory/memory.suite.ts";
import { openMemoryModel } from "../models/memory-model.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { openTokenizer } from "../weights/tokenizer.ts";
import { positionsOf, type WindowedText } from "./memory-batch.ts";
import { type ClueExample, createTuningTexts, type SaidClues, tokenizeExample } from "./memory-clues.ts";
import { weighByGain } from "./memory-gain.ts";
import { choosePairs, createPreferenceTexts, meanReward } from "./memory-preference.ts";
import { continuationOf, createStretches, cutWindows } from "./memory-pretraining.ts";
import { type MemoryTrainer, type MemoryValues, openMemoryTrainer } from "./memory-trainer.ts";
import { type MemoryTraining, trainMemory } from "./memory-training.ts";
import { initialMemoryValues, memoryValuesOf, saveMemoryModel } from "./memory-values.ts";

const random = new Random("memory training");
const base = Array.from({ length: 16 }, () => 20 + random.int(300));
/** A text that says the same again and again: the memory of its beginning tells how it goes on. */
const text = Int32Array.from({ length: 96 }, (_, i) => base[i % base.length]!);
const schedule = { updates: 6, learningRate: 3e-3, warmup: 1, maxNorm: 1 };

describe("training of memory weights", () => {
  let runtime: Runtime;
  let tiny: Awaited<ReturnType<typeof openTinyMemory>>;
  let trainer: MemoryTrainer;
  let counter = 0;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    tiny = await openTinyMemory("qwen2-tied");
    trainer = await openMemoryTrainer(runtime, tiny.model, { positions: 256 });
  });
  afterAll(async () => {
    await runtime.dispose();
    rmSync(tiny.root, { recursive: true, force: true });
  });
  const stretches = () => createStretches([text], { window: 24, windows: 2, ratios: [4], batch: 2, seed: 1 });
  const training = (values: MemoryValues, more: Partial<MemoryTraining> = {}): MemoryTraining => {
    const state = { path: join(tiny.root, `state-${counter++}`), identity: "one", everyMs: 15_000 };
    const textsOf = async (update: number) => ({ texts: stretches().textsOf(update) });
    return { trainer, values, schedule, textsOf, state, clock: () => 0, ...more };
  };

  it("begins with the base's own projections and lowers the loss", async () => {
    const values = await initialMemoryValues(tiny.model, 3);
    const losses: number[] = [];
    await trainMemory(training(values, { onUpdate: ({ loss }) => void losses.push(loss) }));
    expect(losses).toHaveLength(6);
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
  });

  it("goes on after an end with the same weights as without one, and refuses another training's state", async () => {
    const whole = await initialMemoryValues(tiny.model, 3);
    await trainMemory(training(whole));
    const parts = await initialMemoryValues(tiny.model, 3);
    const ended = new AbortController();
    const first = training(parts, {
      signal: ended.signal,
      onUpdate: ({ update }) => (update === 5 ? ended.abort() : undefined),
    });
    await expect(trainMemory(first)).rejects.toThrow(/abort/i);
    const again = training(await initialMemoryValues(tiny.model, 3), { state: first.state });
    const updates: number[] = [];
    await trainMemory({ ...again, onUpdate: ({ update }) => void updates.push(update) });
    expect(updates).toEqual([6]); // nothing is made twice after an abort
    for (const [name, value] of whole) expect(again.values.get(name), name).toEqual(value);
    const other = { ...first.state, identity: "two" };
    await expect(trainMemory({ ...again, state: other })).rejects.toThrow(ConfigError);
  });

  it("writes its state in time, so that a kill costs seconds of work", async () => {
    let now = 0;
    const killed = training(await initialMemoryValues(tiny.model, 3), { clock: () => now });
    const onUpdate = ({ update }: { update: number }) => {
      now += 6000; // the third update is the first after 15 seconds
      if (update === 5) throw new Error("killed");
    };
    await expect(trainMemory({ ...killed, onUpdate })).rejects.toThrow("killed");
    const updates: number[] = [];
    await trainMemory({
      ...killed,
      values: await initialMemoryValues(tiny.model, 3),
      onUpdate: ({ update }) => void updates.push(update),
    });
    expect(updates).toEqual([4, 5, 6]);
  });

  it("goes on the same after updates without any weight, which move nothing", async () => {
    const drawn = stretches();
    const textsOf = async (update: number) => ({
      texts: drawn.textsOf(update).map((text) => ({
        ...text,
        weights: update === 1 ? text.weights.map(() => 0) : text.weights,
      })),
    });
    const whole = training(await initialMemoryValues(tiny.model, 3), { textsOf });
    await trainMemory(whole);
    const ended = new AbortController();
    const first = training(await initialMemoryValues(tiny.model, 3), {
      textsOf,
      signal: ended.signal,
      onUpdate: ({ update }) => (update === 4 ? ended.abort() : undefined),
    });
    await expect(trainMemory(first)).rejects.toThrow(/abort/i);
    const again = training(await initialMemoryValues(tiny.model, 3), { textsOf, state: first.state });
    await trainMemory(again);
    for (const [name, value] of whole.values) expect(again.values.get(name), name).toEqual(value);
  });

  it("ends when its time is over, counts the time of all calls, and goes on with more", async () => {
    let now = 0;
    const clock = () => (now += 50); // read twice an update
    const first = training(await initialMemoryValues(tiny.model, 3), { clock, budgetMs: 150 });
    expect(await trainMemory(first)).toBe(3);
    expect(await trainMemory(first)).toBe(3);
    expect(await trainMemory({ ...first, budgetMs: 200 })).toBe(4);
    expect(await trainMemory({ ...first, budgetMs: undefined })).toBe(6);
    const short = training(await initialMemoryValues(tiny.model, 3), { clock, budgetMs: 50 });
    const once = training(await initialMemoryValues(tiny.model, 3), {
      schedule: { ...schedule, updates: 1 },
    });
    expect(await trainMemory(short)).toBe(1);
    await trainMemory(once);
    expect(short.values).toEqual(once.values);
  });

  it("writes weights that open as a memory model over the base", async () => {
    const values = await initialMemoryValues(tiny.model, 3);
    const folder = join(tiny.root, "written");
    const base_model = { name: "tiny", fingerprint: tiny.model.checkpoint.fingerprint };
    const form = { parameters: trainer.parameters, values };
    await saveMemoryModel(folder, form, { beacon_window: 48, base_model });
    const opened = await openMemoryModel(folder, tiny.model);
    expect(opened.window).toBe(48);
    expect(await memoryValuesOf(opened)).toEqual(values);
    await saveMemoryModel(folder, form, { beacon_window: 48, base_model: { name: "x", fingerprint: "0" } });
    await expect(openMemoryModel(folder, tiny.model)).rejects.toThrow(/base model x/);
    await saveMemoryModel(folder, form, { beacon_window: 48, beacon_sink_size: 4 });
    await expect(openMemoryModel(folder, tiny.model)).rejects.toThrow(/beacon_sink_size/);
  });

  it("draws stretches by the update alone, and refuses texts that are too short", () => {
    expect(stretches().textsOf(3)).toEqual(stretches().textsOf(3));
    const { windows, ratios, weights } = stretches().textsOf(0)[0]!;
    expect([windows.length, windows.flat().length, weights.length]).toEqual([2, 48, 48]);
    expect([0, 4]).toContain(ratios[1]);
    const short = { window: 24, windows: 5, ratios: [4], batch: 1, seed: 1 };
    expect(() => createStretches([text], short)).toThrow(/none of the 1 texts/);
    expect(() => createStretches([text], { ...short, windows: 1, ratios: [5] })).toThrow(ConfigError);
  });

  it("counts the same tokens of a continuation whatever is known of its beginning", () => {
    const ids = [...text];
    for (const known of ["nothing", "everything", { ratio: 4 }] as const) {
      const { windows, weights } = continuationOf(ids, 24, known);
      const counted = windows.flat().filter((_, i) => weights[i] !== 0);
      expect(counted).toEqual(ids.slice(-23));
    }
  });

  it("prefers what was rewarded: tuning on clues, then pairs, move their likelihood as they should", async () => {
    const tokenizer = await openTokenizer(tiny.baseFolder);
    const example: ClueExample = {
      title: "Orlen",
      text: "The bridge was built in 1871. It has nine arches. It stands in Quern by the river.",
      question: "When was it built?",
      clues: ["The bridge was built in 1871."],
      answers: ["1871"],
    };
    const values = await memoryValuesOf(tiny.memoryModel);
    const tuning = { window: 24, ratios: [4], batch: 2, positions: 400, seed: 1 };
    const texts = createTuningTexts(tokenizer, [example], tuning);
    const before = await trainer.score(texts.textsOf(0), values);
    await trainMemory(training(values, { textsOf: async () => ({ texts: texts.textsOf(0) }) }));
    const after = await trainer.score(texts.textsOf(0), values);
    expect(sum(after)).toBeGreaterThan(sum(before));

    const samples = [
      { clues: "It has nine arches.", isEnded: true, reward: 0 },
      { clues: "It was built in 1871.", isEnded: true, reward: 1 },
      { clues: "It stands in", isEnded: false, reward: 0.5 },
    ];
    const lengthOf = (said: SaidClues) =>
      tokenizeExample(tokenizer, example, { task: "clues", said }).target.length;
    const cut = samples[2]!;
    expect(lengthOf({ ...cut, isEnded: true }) - lengthOf(cut)).toBe(1); // what was cut off has no end
    const sampled = [{ example: 0, samples }];
    expect(meanReward(sampled)).toBe(0.5);
    const pairs = choosePairs([example], sampled);
    expect(pairs).toEqual([{ example, better: samples[1], worse: samples[0] }]);
    expect(choosePairs([example], [{ example: 0, samples: [samples[0]!, samples[0]!] }])).toEqual([]);
    const reference = new Map([...values].map(([name, value]) => [name, value.slice()]));
    const parts = { trainer, tokenizer, reference };
    const choice = { window: 24, ratios: [4], batch: 1, positions: 256, beta: 0.1, seed: 1 };
    const preference = createPreferenceTexts(parts, pairs, choice);
    const { texts: first, loss } = await preference.textsOf(0, values);
    const [better, worse] = first;
    expect(loss).toBeCloseTo(Math.log(2), 6); // −log σ(0)
    expect(Math.max(...better!.weights)).toBeCloseTo(0.05, 5); // β σ(0)
    expect(Math.min(...worse!.weights)).toBeCloseTo(-0.05, 5);
    await trainMemory(
      training(values, { textsOf: preference.textsOf, schedule: { ...schedule, learningRate: 3e-4 } }),
    );
    const later = await preference.textsOf(0, values);
    expect(Math.max(...later.texts[0]!.weights)).toBeLessThan(0.05); // the margin has grown
    expect(later.loss).toBeLessThan(loss!);
  });

  it("imitates the tokens before memory tokens: gradients as finite differences tell, a loss that falls", async () => {
    const values = await memoryValuesOf(tiny.memoryModel);
    const texts = stretches().textsOf(0);
    const { scores, gradients } = await trainer.imitationGradients(texts, values);
    expect([...gradients.keys()]).toEqual(trainer.parameters.map(({ name }) => name));
    // A small step against the gradient gains what its length tells, but for denominators, which count as constants.
    const steepness = Math.hypot(...[...gradients.values()].flatMap((one) => [...one]));
    const lossAfter = async (length: number) => {
      const moved = new Map(
        [...values].map(([name, value]) => [
          name,
          value.map((x, i) => x - (length * gradients.get(name)![i]!) / steepness),
        ]),
      );
      return -(await trainer.imitationGradients(texts, moved)).scores[0]!;
    };
    const fall = ((await lossAfter(-3e-3)) - (await lossAfter(3e-3))) / 6e-3;
    expect(Math.abs(fall / steepness - 1)).toBeLessThan(0.1);
    const unused = `layers.${tiny.model.config.layers - 1}.self_attn.beacon_q`; // asks, but is not asked
    for (const [name, gradient] of gradients)
      expect(
        gradient.some((value) => value !== 0),
        name,
      ).toBe(!name.includes(unused));
    const before = -scores[0]!;
    await trainMemory(
      training(values, {
        trainer: { ...trainer, gradients: trainer.imitationGradients },
        schedule: { ...schedule, updates: 20 },
      }),
    );
    const after = -(await trainer.imitationGradients(texts, values)).scores[0]!;
    expect(after).toBeLessThan(0.8 * before);
  });

  it("weighs tokens by what the text before their window tells", async () => {
    const values = await memoryValuesOf(tiny.memoryModel);
    const other = text.map((_, i) => 20 + ((i * 37) % 300));
    const cut = (ids: Int32Array): WindowedText => ({
      windows: cutWindows(ids.subarray(0, 72), 24),
      ratios: [4, 4, 0],
      weights: new Array<number>(72).fill(1),
    });
    const texts = [cut(text), cut(other)];
    const weighed = await weighByGain(texts, { trainer, values });
    expect(sum(weighed.flatMap(({ weights }) => [...weights]))).toBeCloseTo(1, 6);
    const plain = (ids: ArrayLike<number>) => ({
      windows: [Array.from(ids)],
      ratios: [0],
      weights: Array.from(ids, () => 1),
    });
    const [all] = await trainer.logProbabilities([plain(text.subarray(0, 72))], values);
    const [alone] = await trainer.logProbabilities([plain(text.subarray(48, 72))], values);
    expect(alone![0]).toBeNaN(); // nothing precedes it
    const gain = (t: number) => Math.min(5, Math.max(0, all![t]! - alone![t - 48]!));
    const { weights } = weighed[0]!;
    expect(weights.slice(0, 24)).toEqual(new Array(24).fill(0));
    expect([weights[24], weights[48]]).toEqual([0, 0]);
    const places = Array.from({ length: 23 }, (_, i) => 49 + i);
    const [a, b] = places.sort((x, y) => gain(y) - gain(x)) as [number, number];
    expect(gain(b)).toBeGreaterThan(0);
    expect(weights[b]! / weights[a]!).toBeCloseTo(gain(b) / gain(a), 4);
    expect(await weighByGain(texts, { trainer, values: await initialMemoryValues(tiny.model, 3) })).toEqual(
      weighed,
    );
  });
});

describe("clue examples", () => {
  it("are taken at a ratio with which they fit into the positions, or left out and counted", async () => {
    const tokenizer = await openTokenizer(join(import.meta.dirname, "../../test/parity/fixtures/llama-tied"));
    const example = (sentences: number): ClueExample => ({
      title: "Orlen",
      text: "The bridge has nine arches. ".repeat(sentences),
      question: "How many arches?",
      clues: ["The bridge has nine arches."],
      answers: ["nine"],
    });
    const [short, long, longest] = [example(2), example(60), example(4000)];
    const tokensOf = (one: ClueExample) => tokenizeExample(tokenizer, one, { task: "clues" }).prompt.length;
    const positions = Math.ceil(tokensOf(long) / 3); // ratio 2 needs more than half
    const choice = { window: 24, ratios: [2, 8], batch: 1, positions, seed: 1 };
    const { count, left, textsOf } = createTuningTexts(tokenizer, [short, long, longest], choice);
    expect([count, left]).toEqual([2, 1]);
    for (let update = 0; update < 12; update++) {
      const [text] = textsOf(update);
      expect(positionsOf(text!)).toBeLessThanOrEqual(positions);
      expect(sum(text!.weights)).toBeCloseTo(1, 6);
    }
  });
});

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
