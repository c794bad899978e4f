import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { openDecodingSession } from "../generation/decoding-session.ts";
import { type Model, openModel } from "../models/open-model.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { type BaseDistributions, openBaseDistributions, type ScoredSequence } from "./base-distribution.ts";
import { tinyModelFolder } from "./tiny-model.suite.ts";

describe("base distributions", () => {
  let runtime: Runtime;
  let model: Model;
  let distributions: BaseDistributions;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    model = await openModel(tinyModelFolder());
    distributions = await openBaseDistributions(runtime, model, { maxTokens: 128 });
  });
  afterAll(() => runtime.dispose());

  const random = new Random("base distribution");
  /** More than one run's worth, of different lengths. */
  const sequences: ScoredSequence[] = Array.from({ length: 21 }, (_, i) => ({
    ids: Array.from({ length: 5 + ((7 * i) % 30) }, () => random.int(397)),
    from: 4,
  }));

  it("has one for each place from `from` to the end, in the order given", async () => {
    const scored = await distributions.score(sequences);
    expect(scored.map((places) => places.length)).toEqual(sequences.map(({ ids }) => ids.length - 4));
  });

  it("sums to 1, likeliest first, each token of so small a vocabulary once", async () => {
    const size = model.config.vocabularySize;
    for (const kept of (await distributions.score(sequences)).flat()) {
      expect(kept).toHaveLength(size);
      expect(kept.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
      const probabilities = kept.map(({ probability }) => probability);
      expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
      expect(new Set(kept.map(({ token }) => token)).size).toBe(size);
    }
  });

  it("is what the model generates with", async () => {
    const session = await openDecodingSession(runtime, model, { targetModules: [] });
    for (const { ids, from } of sequences.slice(0, 3)) {
      const [scored] = await distributions.score([{ ids, from }]);
      const batch = await session.openBatch([undefined], 64);
      const [logits] = await batch.feed([ids]);
      await batch.dispose();
      const top = [...logits!.entries()].sort((a, b) => b[1] - a[1]);
      const total = top.reduce((sum, [, logit]) => sum + Math.exp(logit - top[0]![1]), 0);
      const last = scored!.at(-1)!;
      expect(last[0]!.token).toBe(top[0]![0]);
      for (const { token, probability } of last) {
        const wanted = Math.exp(logits![token]! - top[0]![1]) / total;
        expect(Math.abs(probability - wanted)).toBeLessThan(1e-4);
      }
    }
    await session.dispose();
  });

  it("does not depend on what else is scored", async () => {
    const together = await distributions.score(sequences);
    for (const i of [0, 4, 20]) {
      const [alone] = await distributions.score([sequences[i]!]);
      expect(together[i]!.map((kept) => kept[0]!.token)).toEqual(alone!.map((kept) => kept[0]!.token));
      together[i]!.forEach((kept, place) => {
        expect(Math.abs(kept[0]!.probability - alone![place]![0]!.probability)).toBeLessThan(1e-6);
      });
    }
  });

  it("stops between runs when the signal says so", async () => {
    await expect(distributions.score(sequences, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });
});
