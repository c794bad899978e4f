import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Adapter } from "../adapters/adapter.ts";
import { hashAdapter } from "../adapters/initialise.ts";
import { InputError } from "../base/errors.ts";
import type { AugmentedPassage } from "../corpus/corpus.ts";
import type { Generation, Generator } from "../generation/generator.ts";
import { openModel } from "../models/open-model.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { openTokenizer, type Tokenizer } from "../weights/tokenizer.ts";
import {
  countTrainingTokens,
  type EncodedPassage,
  type EncodeParts,
  encodeGroups,
  groupPassages,
} from "./encode.ts";
import { createSequences } from "./examples.ts";
import type { NegativeParts } from "./negatives.ts";
import { pack } from "./packing.ts";
import { defaultRecipe, layerRecipe, referenceRecipe } from "./recipe.ts";
import type { Sequence } from "./sequence.ts";
import { bridge, otherBridges, tinyAdapter, tinyAdapterConfig, tinyModelFolder } from "./tiny-model.suite.ts";
import { openTrainer, type Trainer, type TrainingJob } from "./trainer.ts";

const passages = [bridge, ...otherBridges(6)];
const packed = layerRecipe(defaultRecipe, [{ updates: 3, learningRate: 3e-3 }]);
const reference = layerRecipe(referenceRecipe, [{ epochs: 2 }]);

/** A trainer that trains nothing but remembers what it was asked. */
function recordingTrainer(): { trainer: Trainer; calls: TrainingJob[][] } {
  const calls: TrainingJob[][] = [];
  const trainer: Trainer = {
    config: tinyAdapterConfig,
    async train(jobs) {
      calls.push([...jobs]);
      return jobs.map(({ initial, updates }) => ({ adapter: initial, losses: updates.map(() => 1) }));
    },
    gradients: () => Promise.reject(new Error("not used")),
    dispose: async () => {},
  };
  return { trainer, calls };
}

/** A base model that answers everything with tokens 7 7, and is certain of them. */
function fakeNegatives(tokenizer: Tokenizer): NegativeParts {
  const token = { id: 7, text: "x", logProbability: 0, entropy: 0 };
  const answer: Generation = {
    text: "xx",
    tokens: [token, token],
    promptTokens: 1,
    finishReason: "length",
  };
  const generator: Generator = {
    model: "fake",
    contextLength: 1000,
    countPromptTokens: async () => 1,
    generate: () => {
      throw new Error("not used");
    },
    generateBatch: async (requests) => requests.map(() => answer),
    score: () => Promise.reject(new Error("not used")),
    attention: () => Promise.reject(new Error("not used")),
  };
  const score: NegativeParts["distributions"]["score"] = async (sequences) =>
    sequences.map(({ ids, from }) => ids.slice(from).map(() => [{ token: 7, probability: 1 }]));
  return { tokenizer, generator, distributions: { score, dispose: async () => {} } };
}

async function collect(batches: AsyncIterable<EncodedPassage[]>): Promise<EncodedPassage[]> {
  const all: EncodedPassage[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

describe("encodeGroups", () => {
  let tokenizer: Tokenizer;
  let initial: Adapter;
  let base: Omit<EncodeParts, "trainer">;
  beforeAll(async () => {
    const model = await openModel(tinyModelFolder());
    tokenizer = await openTokenizer(tinyModelFolder());
    initial = tinyAdapter(model.config);
    base = { tokenizer, initial, supports: () => true, clock: () => 0 };
  });

  it("recipe packed: four passages at a time, each update all sequences as their mean", async () => {
    const { trainer, calls } = recordingTrainer();
    const groups = groupPassages(passages, packed);
    expect(groups.map((group) => group.length)).toEqual([4, 3]);
    const encoded = await collect(encodeGroups(groups, packed, { ...base, trainer }));
    expect(encoded.map(({ augmented }) => augmented)).toEqual(passages);
    expect(calls.map((jobs) => jobs.length)).toEqual([4, 3]);
    const [first] = calls[0]!;
    expect(first!.initial).toBe(initial);
    expect(first!.updates).toHaveLength(3);
    const sequences = createSequences(bridge, packed, { tokenizer, supports: () => true });
    const scaled = sequences.map(
      ({ ids, targets }): Sequence => ({
        ids,
        targets: targets.map((target) => ({ ...target, weight: target.weight * (1 / sequences.length) })),
      }),
    );
    for (const update of first!.updates) expect(update).toEqual(pack(scaled));
  });

  it("recipe reference: one passage at a time, one sequence an update, in order, every epoch", async () => {
    const { trainer, calls } = recordingTrainer();
    const groups = groupPassages(passages, reference);
    expect(groups.map((group) => group.length)).toEqual(passages.map(() => 1));
    await collect(encodeGroups(groups, reference, { ...base, trainer }));
    expect(calls.map((jobs) => jobs.length)).toEqual(passages.map(() => 1));
    const sequences = createSequences(bridge, reference, { tokenizer, supports: () => true });
    expect(sequences).toHaveLength(5);
    expect(calls[0]![0]!.updates.map(({ ids }) => ids)).toEqual(
      [...sequences, ...sequences].map(({ ids }) => ids),
    );
  });

  it("sequencesPerUpdate: the sequences in turn, going on where the update before left off", async () => {
    const { trainer, calls } = recordingTrainer();
    const recipe = layerRecipe(packed, [{ pattern: "pairs", sequencesPerUpdate: 2 }]);
    await collect(encodeGroups([[bridge]], recipe, { ...base, trainer }));
    const [a, b, c] = createSequences(bridge, recipe, { tokenizer, supports: () => true });
    const halved = (sequence: Sequence | undefined): Sequence => ({
      ids: sequence!.ids,
      targets: sequence!.targets.map((target) => ({ ...target, weight: target.weight / 2 })),
    });
    expect(calls[0]![0]!.updates).toEqual([
      pack([halved(a), halved(b)]),
      pack([halved(c), halved(a)]),
      pack([halved(b), halved(c)]),
    ]);
  });

  it("negatives: beside the sequences, all in each update, or `perUpdate` in turn with the same weight", async () => {
    const negatives = fakeNegatives(tokenizer);
    const seenBy = async (perUpdate: number) => {
      const { trainer, calls } = recordingTrainer();
      const settings = { pattern: "pairs", negatives: { count: 4, perUpdate, weight: 3 } } as const;
      const recipe = layerRecipe(packed, [settings]);
      await collect(encodeGroups([[bridge]], recipe, { ...base, trainer, negatives }));
      const { updates } = calls[0]![0]!;
      // The fake distributions are certain of token 7; nothing else asks for it there.
      return updates.map(({ targets }) => targets.filter(({ token }) => token === 7));
    };
    const weightOf = (targets: readonly { weight: number }[]) =>
      targets.reduce((sum, { weight }) => sum + weight, 0);
    for (const perUpdate of [0, 2]) {
      const seen = await seenBy(perUpdate);
      expect(seen).toHaveLength(3);
      for (const targets of seen) expect(weightOf(targets)).toBeCloseTo(3, 9);
    }
    const [first, second, third] = (await seenBy(2)).map((targets) => JSON.stringify(targets));
    expect(first).not.toBe(second);
    expect(third).toBe(first);
  });

  it("splits a group whose padded tokens are too many for one step", async () => {
    const { trainer, calls } = recordingTrainer();
    const text = Array.from({ length: 450 }, (_, i) => `word${i}`).join(" ");
    const long = { ...bridge, passage: { ...bridge.passage, text } };
    const group = [long, bridge, { ...long, passage: { ...long.passage, id: "b3" } }];
    const encoded = await collect(encodeGroups([group], packed, { ...base, trainer }));
    expect(encoded.map(({ augmented }) => augmented)).toEqual(group);
    expect(calls.length).toBeGreaterThan(1);
  });

  it("counts the tokens of all updates, as a dry run does, and shares the time of a group", async () => {
    const { trainer } = recordingTrainer();
    let now = 0;
    const clock = () => (now += 4000);
    const group = [bridge, passages[3]!];
    for (const recipe of [packed, reference]) {
      const groups = recipe === packed ? [group] : group.map((one) => [one]);
      const encoded = await collect(encodeGroups(groups, recipe, { ...base, trainer, clock }));
      for (const { augmented, trainingTokens, seconds } of encoded) {
        expect(trainingTokens).toBe(countTrainingTokens(augmented, recipe, base));
        expect(seconds).toBe(4 / (recipe === packed ? 2 : 1));
      }
    }
  });

  it("tells each update with the number of passages it moved, and its loss; it waits where it is told to", async () => {
    const updates: [number, number, number][] = [];
    let waits = 0;
    const { trainer } = recordingTrainer();
    const telling: Trainer = {
      ...trainer,
      async train(jobs, schedule, options) {
        for (const i of jobs[0]!.updates.keys()) {
          await options?.beforeUpdate?.();
          options?.onUpdate?.(i + 1, 0.5);
        }
        return trainer.train(jobs, schedule, options);
      },
    };
    const onUpdate = (...update: [number, number, number]) => updates.push(update);
    const beforeUpdate = async () => {
      waits++;
    };
    const parts = { ...base, trainer: telling, onUpdate, beforeUpdate };
    await collect(encodeGroups(groupPassages(passages, packed), packed, parts));
    expect(updates).toEqual([4, 3].flatMap((count) => [1, 2, 3].map((i) => [count, i, 0.5])));
    expect(waits).toBe(2 + updates.length); // also before a group is made ready
  });

  it("refuses a passage that nothing can be trained on, and names it", async () => {
    const { trainer } = recordingTrainer();
    const bare: AugmentedPassage = { ...bridge, pairs: [] };
    const encoding = collect(encodeGroups([[bare]], packed, { ...base, trainer }));
    await expect(encoding).rejects.toThrow(InputError);
    await expect(encoding).rejects.toThrow(/The Orlen Bridge.*b1.*augment/);
  });

  it("stops between groups when the signal says so", async () => {
    const { trainer, calls } = recordingTrainer();
    const stop = new AbortController();
    const batches = encodeGroups(groupPassages(passages, packed), packed, {
      ...base,
      trainer,
      signal: stop.signal,
    });
    expect((await batches.next()).done).toBe(false);
    stop.abort();
    await expect(batches.next()).rejects.toThrow(/abort/i);
    expect(calls).toHaveLength(1);
  });
});

describe("encoding with the model", () => {
  let runtime: Runtime;
  let parts: EncodeParts;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 2 });
    const model = await openModel(tinyModelFolder());
    parts = {
      trainer: await openTrainer(runtime, model, { config: tinyAdapterConfig, maxTokens: 512 }),
      tokenizer: await openTokenizer(tinyModelFolder()),
      initial: tinyAdapter(model.config),
      supports: () => true,
      clock: () => 0,
    };
  });
  afterAll(() => runtime.dispose());

  it("an interrupted group, trained again as a whole, comes out the same, bit by bit", async () => {
    const groups = groupPassages(passages, packed);
    const whole = await collect(encodeGroups(groups, packed, parts));
    const stop = new AbortController();
    let updates = 0;
    const interrupted = collect(
      encodeGroups(groups, packed, {
        ...parts,
        signal: stop.signal,
        onUpdate: () => {
          if (++updates === 5) stop.abort(); // within the second group
        },
      }),
    );
    await expect(interrupted).rejects.toThrow(/abort/i);
    const again = await collect(encodeGroups(groups.slice(1), packed, parts));
    expect(again.map(({ adapter }) => hashAdapter(adapter))).toEqual(
      whole.slice(4).map(({ adapter }) => hashAdapter(adapter)),
    );
    expect(new Set(whole.map(({ adapter }) => hashAdapter(adapter))).size).toBe(passages.length);
  });

  it("keeps the loss before each update, and lowers it", async () => {
    for (const recipe of [packed, reference]) {
      const [encoded] = await collect(encodeGroups([[bridge]], recipe, parts));
      expect(encoded!.losses).toHaveLength(recipe === packed ? 3 : 10);
      expect(encoded!.losses.at(-1)).toBeLessThan(encoded!.losses[0]!);
    }
  });
});
