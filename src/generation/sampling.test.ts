import { describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import type { Sampling } from "./generator.ts";
import { chooseToken, statisticsOf } from "./sampling.ts";

const none: ReadonlySet<number> = new Set();
const log = (...probabilities: number[]) => Float32Array.from(probabilities, Math.log);

function draws(
  logits: Float32Array,
  sampling: Sampling,
  {
    count = 400,
    seed = "draws",
    seen = none,
  }: { count?: number; seed?: string; seen?: ReadonlySet<number> } = {},
): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => chooseToken(logits, { sampling, seen, random }));
}
const drawnSet = (...parameters: Parameters<typeof draws>) =>
  [...new Set(draws(...parameters))].sort((a, b) => a - b);

describe("logits that are no numbers", () => {
  it.each([0, 1])("are an error at temperature %s", (temperature) => {
    const choose = (...logits: number[]) =>
      chooseToken(new Float32Array(logits), {
        sampling: { temperature },
        seen: new Set(),
        random: new Random(1),
      });
    expect(() => choose(Number.NaN, Number.NaN)).toThrow(ConfigError);
    expect(() => choose(0, Number.POSITIVE_INFINITY)).toThrow(ConfigError);
    expect(choose(Number.NEGATIVE_INFINITY, 1)).toBe(1);
  });
});

describe("greedy", () => {
  it("takes the best, the lower id of equal ones, and draws nothing", () => {
    const random = new Random(1);
    const choose = (logits: Float32Array, sampling?: Sampling) =>
      chooseToken(logits, { sampling, seen: none, random });
    expect(choose(Float32Array.of(1, 3, 2))).toBe(1);
    expect(choose(Float32Array.of(1, 3, 0, 3))).toBe(1);
    expect(choose(new Float32Array(5))).toBe(0);
    expect(choose(Float32Array.of(1, 3, 2), { temperature: 0, topK: 1, topP: 0.1 })).toBe(1);
    expect(random.next()).toBe(new Random(1).next());
  });
});

describe("log-probability and entropy", () => {
  it("are those of the model, in nats", () => {
    const p = [0.5, 0.125, 0.25, 0.125];
    const logits = log(...p).map((value) => value + 7);
    const entropy = -p.reduce((sum, x) => sum + x * Math.log(x), 0);
    for (const [id, probability] of p.entries()) {
      const told = statisticsOf(logits, id);
      expect(told.logProbability).toBeCloseTo(Math.log(probability), 6);
      expect(told.entropy).toBeCloseTo(entropy, 6);
    }
  });

  it("are ln V for equal logits, 0 for a certain token, and finite for extreme logits", () => {
    expect(statisticsOf(new Float32Array(1000), 3).entropy).toBeCloseTo(Math.log(1000), 9);
    const extreme = Float32Array.of(0, 1e30, -1e30);
    expect(statisticsOf(extreme, 1)).toEqual({ logProbability: 0, entropy: 0 });
    const masked = statisticsOf(Float32Array.of(0, Number.NEGATIVE_INFINITY, 0), 2);
    expect(masked.entropy).toBeCloseTo(Math.log(2), 9);
    expect(masked.logProbability).toBeCloseTo(-Math.log(2), 9);
  });
});

describe("sampling", () => {
  it("draws each token as often as its probability says (chi-square, 99.9 %)", () => {
    const p = [0.4, 0.3, 0.2, 0.07, 0.03];
    const [count, degrees999] = [20_000, 18.47];
    const drawn = draws(log(...p), { temperature: 1 }, { count });
    const statistic = p.reduce((sum, x, id) => {
      const observed = drawn.filter((other) => other === id).length;
      return sum + (observed - x * count) ** 2 / (x * count);
    }, 0);
    expect(statistic).toBeLessThan(degrees999);
    expect(statistic).toBeGreaterThan(0);
  });

  it("sharpens and flattens with the temperature: probabilities to the power 1/T", () => {
    const share = (temperature: number) =>
      draws(log(0.8, 0.2), { temperature }, { count: 20_000 }).filter((id) => id === 0).length / 20_000;
    expect(share(2)).toBeCloseTo(2 / 3, 1); // √0.8 : √0.2 = 2 : 1
    expect(share(0.5)).toBeCloseTo(16 / 17, 1);
    expect(share(1e-6)).toBe(1);
    expect(share(1e6)).toBeCloseTo(0.5, 1);
  });

  it("with topK draws among the k best only, equal ones by id", () => {
    const logits = Float32Array.of(0, 2, 1, 2, 1, 3);
    expect(drawnSet(logits, { temperature: 5, topK: 1 })).toEqual([5]);
    expect(drawnSet(logits, { temperature: 5, topK: 2 })).toEqual([1, 5]);
    expect(drawnSet(logits, { temperature: 5, topK: 4 })).toEqual([1, 2, 3, 5]);
    expect(drawnSet(logits, { temperature: 5, topK: 100 })).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("with topP draws from the smallest set that reaches it", () => {
    const logits = log(0.1, 0.45, 0.3, 0.15);
    expect(drawnSet(logits, { temperature: 1, topP: 0.0001 })).toEqual([1]);
    expect(drawnSet(logits, { temperature: 1, topP: 0.44 })).toEqual([1]);
    expect(drawnSet(logits, { temperature: 1, topP: 0.46 })).toEqual([1, 2]);
    expect(drawnSet(logits, { temperature: 1, topP: 0.74 })).toEqual([1, 2]);
    expect(drawnSet(logits, { temperature: 1, topP: 0.89 })).toEqual([1, 2, 3]);
    expect(drawnSet(logits, { temperature: 1, topP: 0.91 })).toEqual([0, 1, 2, 3]);
    // After top-k the rest is renormalised: 0.45 / 0.75 = 0.6 alone reaches 0.59.
    expect(drawnSet(logits, { temperature: 1, topK: 2, topP: 0.59 })).toEqual([1]);
    expect(drawnSet(logits, { temperature: 1, topK: 2, topP: 0.61 })).toEqual([1, 2]);
  });

  it("never draws outside the set that a plain definition gives, for many kinds of logits", () => {
    const random = new Random("kinds of logits");
    for (let trial = 0; trial < 60; trial++) {
      const spread = [0.1, 1, 5, 30][trial % 4]!;
      // Rounded, so that there are equal ones.
      const logits = Float32Array.from({ length: 50 }, () => Math.round(4 * spread * random.normal()) / 4);
      const sampling = {
        temperature: 0.3 + 2 * random.next(),
        topK: random.int(30),
        topP: random.next() || 1,
      };
      const allowed = new Set(allowedIds(logits, sampling));
      expect(drawnSet(logits, sampling, { count: 50 }).filter((id) => !allowed.has(id))).toEqual([]);
    }
  });

  it("repeats with the seed, and differs without", () => {
    const logits = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i));
    const drawn = (seed: string) => draws(logits, { temperature: 1 }, { count: 30, seed });
    expect(drawn("a")).toEqual(drawn("a"));
    expect(drawn("a")).not.toEqual(drawn("b"));
  });
});

describe("repetition penalty", () => {
  it("divides positive and multiplies negative logits of tokens seen, once each", () => {
    const choose = (logits: Float32Array, seen: number[], repetitionPenalty: number) =>
      chooseToken(logits, { sampling: { repetitionPenalty }, seen: new Set(seen), random: new Random(1) });
    expect(choose(Float32Array.of(4, 3), [0], 1)).toBe(0);
    expect(choose(Float32Array.of(4, 3), [0], 1.3)).toBe(0); // 4 / 1.3 > 3
    expect(choose(Float32Array.of(4, 3), [0], 1.4)).toBe(1); // 4 / 1.4 < 3
    expect(choose(Float32Array.of(-1, -1.5), [0], 1.4)).toBe(0);
    expect(choose(Float32Array.of(-1, -1.5), [0], 1.6)).toBe(1);
    expect(choose(Float32Array.of(4, 3), [0, 1], 2)).toBe(0);
  });

  it("leaves the logits as they are", () => {
    const logits = Float32Array.of(4, 3);
    chooseToken(logits, {
      sampling: { repetitionPenalty: 2, temperature: 1 },
      seen: new Set([0]),
      random: new Random(1),
    });
    expect(logits).toEqual(Float32Array.of(4, 3));
  });
});

/** Top-k, then the smallest set of the renormalised rest that reaches topP, by the definition. */
function allowedIds(logits: Float32Array, { temperature = 1, topK = 0, topP = 1 }: Sampling): number[] {
  const order = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
  const kept = order.slice(0, topK || order.length);
  const weights = kept.map((id) => Math.exp((logits[id]! - logits[kept[0]!]!) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  let mass = 0;
  const end = weights.findIndex((weight) => (mass += weight) >= topP * total * (1 - 1e-12));
  return kept.slice(0, end < 0 ? kept.length : end + 1);
}
