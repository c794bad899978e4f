import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256OfFile } from "../base/hash.ts";
import { openModel } from "../models/open-model.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { openTokenizer, type Tokenizer } from "../weights/tokenizer.ts";
import { referenceRecipe } from "./recipe.ts";
import { tinyAdapter, tinyAdapterConfig, tinyModelFolder } from "./tiny-model.suite.ts";
import { openTrainer, type Trainer } from "./trainer.ts";
import { createWarmUpState, type WarmUpState, warmUp, warmUpSchedule, warmUpSequences } from "./warm-up.ts";
import { loadWarmUpState, saveWarmUpState } from "./warm-up-checkpoint.ts";
import { chooseWarmUpPairs } from "./warm-up-data.ts";

const pairs = ["Quern", "Tarn", "Dray", "Morvale", "Eastmere"].map((answer, i) => ({
  question: `Where does bridge ${i} stand?`,
  answer,
}));
const schedule = { ...warmUpSchedule, learningRate: 1e-2, epochs: 3, batch: 2 };

describe("warm-up", () => {
  let runtime: Runtime;
  let trainer: Trainer;
  let tokenizer: Tokenizer;
  let sequences: number[][];
  let fresh: () => WarmUpState;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    const model = await openModel(tinyModelFolder());
    tokenizer = await openTokenizer(tinyModelFolder());
    trainer = await openTrainer(runtime, model, { config: tinyAdapterConfig, maxTokens: 512 });
    sequences = warmUpSequences(pairs, referenceRecipe, { tokenizer });
    fresh = () => createWarmUpState(tinyAdapter(model.config));
  });
  afterAll(() => runtime.dispose());

  it("asks as inference does, without a passage, and ends the answer", () => {
    const text = tokenizer.detokenize(sequences[0]!, { skipSpecialTokens: true });
    expect(text).toContain("Question: Where does bridge 0 stand?");
    expect(text).toContain("The answer is Quern.");
    expect(text).not.toContain("Passage");
    expect(sequences.map((ids) => ids.at(-1))).toEqual(pairs.map(() => tokenizer.endOfTurnId));
  });

  it("lowers the loss, and makes three updates a pass of five pairs by two", async () => {
    const state = fresh();
    await warmUp(trainer, state, { sequences, schedule });
    expect(state.losses).toHaveLength(9);
    expect(state.losses[8]!).toBeLessThan(state.losses[2]! - 0.05); // the same pair, two passes later
  });

  it.each(["constant", "linear"] as const)(
    "goes on from a checkpoint to the same bytes (%s rate)",
    async (decay) => {
      const folder = await mkdtemp(join(tmpdir(), "prag-warm-up-"));
      const how = { sequences, schedule: { ...schedule, decay } };
      try {
        const undisturbed = fresh();
        await warmUp(trainer, undisturbed, how);
        const killed = fresh();
        const stop = new Error("killed");
        const onUpdate = async (state: WarmUpState) => {
          if (state.updates === 2) await saveWarmUpState(join(folder, "state"), "key", state);
          if (state.updates === 4) throw stop; // the updates after the checkpoint are lost
        };
        await expect(warmUp(trainer, killed, { ...how, onUpdate })).rejects.toBe(stop);
        const resumed = await loadWarmUpState(join(folder, "state"), "key", fresh().adapter);
        expect(resumed?.updates).toBe(2);
        await warmUp(trainer, resumed!, how);
        expect(resumed!.losses).toEqual(undisturbed.losses);
        const bytesOf = async (state: WarmUpState) => {
          await saveWarmUpState(join(folder, "end"), "key", state);
          return sha256OfFile(join(folder, "end"));
        };
        expect(await bytesOf(resumed!)).toBe(await bytesOf(undisturbed));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  );

  it("ends at the first loss that is no number, before anything is written of it", async () => {
    const state = fresh();
    const broken = { ...trainer, gradients: async () => ({ losses: [Number.NaN], gradients: new Map() }) };
    const saved: number[] = [];
    const onUpdate = async ({ updates }: WarmUpState) => void saved.push(updates);
    await expect(warmUp(broken, state, { sequences, schedule, onUpdate })).rejects.toThrow(
      /loss of update 1 is NaN; choose a smaller learning rate/,
    );
    expect([saved, state.losses]).toEqual([[], []]);
  });

  it("refuses a checkpoint of other data", async () => {
    const folder = await mkdtemp(join(tmpdir(), "prag-warm-up-"));
    const path = join(folder, "state");
    try {
      expect(await loadWarmUpState(path, "key", fresh().adapter)).toBeUndefined();
      await saveWarmUpState(path, "key", { ...fresh(), updates: 1 });
      await expect(loadWarmUpState(path, "other", fresh().adapter)).rejects.toThrow(/other data/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe("warm-up data", () => {
  const rows = Array.from({ length: 20 }, (_, i) => ({ question: `q${i}`, answers: [`a${i}`, "other"] }));
  const choice = { skip: 0, seed: 42, chainOfThought: false };

  it("leaves the first rows out, shuffles by the seed, takes the first spelling", () => {
    const { pairs: chosen, dropped } = chooseWarmUpPairs(rows, { ...choice, skip: 5, count: 10 });
    expect(dropped).toBe(0);
    expect(chosen).toHaveLength(10);
    expect(chosen.every(({ question }) => Number(question.slice(1)) >= 5)).toBe(true);
    expect(chosen.map(({ question }) => question)).not.toEqual(rows.slice(5, 15).map((row) => row.question));
    expect(chosen.every(({ question, answer }) => answer === `a${question.slice(1)}`)).toBe(true);
    expect(chooseWarmUpPairs(rows, { ...choice, skip: 5, count: 10 }).pairs).toEqual(chosen);
  });

  it("keeps a chain of thought only where it leads to the exact answer", () => {
    const reasoned = [
      {
        question: "q",
        answers: ["Paris"],
        reasoning: "It is in France. So the answer is Paris.\n\nQuestions",
      },
      { question: "q", answers: ["Paris"], reasoning: "So the answer is Rome." },
      { question: "q", answers: ["Paris"], reasoning: "It is Paris." },
      { question: "q", answers: ["Paris"] },
    ];
    const { pairs: kept, dropped } = chooseWarmUpPairs(reasoned, { ...choice, chainOfThought: true });
    expect(dropped).toBe(3);
    expect(kept).toEqual([
      { question: "q", answer: "Paris", fullAnswer: "It is in France. So the answer is Paris." },
    ]);
    const concluded = { ...choice, chainOfThought: true, addsConclusion: true };
    const bare = { question: "q", answers: ["Paris"], reasoning: "So the answer is Paris." };
    expect(chooseWarmUpPairs([...reasoned, bare], concluded)).toEqual({
      pairs: [{ question: "q", answer: "Paris", fullAnswer: "It is in France." }],
      dropped: 4, // one that only concludes has nothing to teach
    });
    expect(() => chooseWarmUpPairs(rows, { ...choice, chainOfThought: true })).toThrow(/reasoning/);
    expect(() => chooseWarmUpPairs(rows, { ...choice, skip: 20 })).toThrow(/none of 0 rows/);
  });
});
