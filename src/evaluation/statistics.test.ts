import { describe, expect, it } from "vitest";
import { InputError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { bootstrapMeans, pairedBootstrap, pairedTTest } from "./statistics.ts";
import { mean, percentile } from "./summary.ts";

const normals = (count: number, seed: string) => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.normal());
};

describe("bootstrapMeans", () => {
  it("has the mean of the scores and the standard error of their mean", () => {
    const scores = normals(100, "scores");
    const means = bootstrapMeans(scores, 4000, new Random(1));
    const spread = (values: number[]) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
    expect(means).toHaveLength(4000);
    expect(mean(means)).toBeCloseTo(mean(scores), 2);
    expect(spread(means) / (spread(scores) / 10)).toBeCloseTo(1, 1);
  });

  it("repeats with a seed and stays within the scores", () => {
    const scores = [0, 0.25, 1];
    expect(bootstrapMeans(scores, 50, new Random(3))).toEqual(bootstrapMeans(scores, 50, new Random(3)));
    for (const value of bootstrapMeans(scores, 50, new Random(4))) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    }
    expect(bootstrapMeans([0.5, 0.5], 3, new Random(5))).toEqual([0.5, 0.5, 0.5]);
  });
});

describe("pairedBootstrap", () => {
  it("covers the true difference about as often as it says", () => {
    let covered = 0;
    for (let trial = 0; trial < 100; trial++) {
      const [a, b] = [normals(40, `a${trial}`).map((x) => x + 0.3), normals(40, `b${trial}`)];
      const { interval } = pairedBootstrap(a, b, { random: new Random(trial), rounds: 400 });
      if (interval.low <= 0.3 && 0.3 <= interval.high) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(87);
    expect(covered).toBeLessThanOrEqual(99);
  });

  it("turns with the sides", () => {
    const [a, b] = [normals(30, "a"), normals(30, "b")];
    const forward = pairedBootstrap(a, b, { random: new Random(1), rounds: 999 });
    const backward = pairedBootstrap(b, a, { random: new Random(1), rounds: 999 });
    expect(forward.difference).toBe(-backward.difference);
    expect(forward.p).toBe(backward.p);
    expect(forward.interval.low).toBeCloseTo(-backward.interval.high, 1);
  });

  it("sees no difference in equal scores, and a sure one in shifted scores", () => {
    const a = normals(30, "a");
    const options = { random: new Random(1), rounds: 999 };
    expect(pairedBootstrap(a, a, options)).toEqual({ difference: 0, interval: { low: 0, high: 0 }, p: 1 });
    const shifted = pairedBootstrap(
      a.map((x) => x + 1),
      a,
      options,
    );
    expect(shifted.interval.low).toBeCloseTo(1, 12);
    expect(shifted.p).toBe(2 / 1000);
  });

  it("refuses scores that are no pairs", () => {
    const options = { random: new Random(1) };
    expect(() => pairedBootstrap([1], [1, 2], options)).toThrow(InputError);
    expect(() => pairedBootstrap([], [], options)).toThrow(/1 at least; got 0 and 0/);
  });
});

describe("pairedTTest", () => {
  // Student's sleep data (Cushny and Peebles 1905): hours of extra sleep of ten patients with two drugs.
  const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
  const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];

  it("gives the published result on Student's own data", () => {
    const result = pairedTTest(first, second);
    expect(result.difference).toBeCloseTo(-1.58, 12);
    expect(result.t).toBeCloseTo(-4.0621, 4);
    expect(result.degreesOfFreedom).toBe(9);
    expect(result.p).toBeCloseTo(0.002833, 6);
  });

  it("is sure of a constant difference and unsure of none", () => {
    expect(pairedTTest([1, 2, 3], [1, 2, 3])).toMatchObject({ t: 0, p: 1 });
    expect(pairedTTest([2, 3, 4], [1, 2, 3])).toMatchObject({ t: Number.POSITIVE_INFINITY, p: 0 });
  });

  it("rejects true equality at its level", () => {
    const rejected = Array.from({ length: 400 }, (_, i) =>
      pairedTTest(normals(15, `x${i}`), normals(15, `y${i}`)),
    ).filter(({ p }) => p < 0.05).length;
    expect(rejected).toBeGreaterThanOrEqual(8);
    expect(rejected).toBeLessThanOrEqual(34);
  });

  it("needs two pairs", () => {
    expect(() => pairedTTest([1], [2])).toThrow(InputError);
  });
});

describe("percentile", () => {
  it("takes the nearest rank", () => {
    expect(percentile([3, 1, 2], 0.5)).toBe(2);
    expect(percentile([1, 2, 3, 4], 0.5)).toBe(2);
    expect(percentile([1, 2, 3, 4], 1)).toBe(4);
    expect(percentile([1, 2, 3, 4], 0)).toBe(1);
  });
});
