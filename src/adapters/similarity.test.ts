import { describe, expect, it } from "vitest";
import { denseDelta, feedForwardShapes, randomAdapter } from "./adapter.suite.ts";
import type { Adapter } from "./adapter.ts";
import { merge } from "./merge.ts";
import { cosineSimilarity as cosineOfNormed, deltaInnerProduct, deltaNorm, withNorm } from "./similarity.ts";

const cosineSimilarity = (x: Adapter, y: Adapter) => cosineOfNormed(withNorm(x), withNorm(y));
const [a, b] = [randomAdapter(1), randomAdapter(2, { rank: 3, alpha: 5 })];

function denseInnerProduct(x: Adapter, y: Adapter): number {
  return feedForwardShapes().reduce((sum, { name }) => {
    const other = denseDelta(y, name);
    return sum + denseDelta(x, name).reduce((inner, value, i) => inner + value * other[i]!, 0);
  }, 0);
}

describe("similarity", () => {
  it("is that of the dense deltas", () => {
    expect(deltaInnerProduct(a, b) / denseInnerProduct(a, b)).toBeCloseTo(1, 10);
    const cosine = denseInnerProduct(a, b) / Math.sqrt(denseInnerProduct(a, a) * denseInnerProduct(b, b));
    expect(cosineSimilarity(a, b)).toBeCloseTo(cosine, 10);
    expect(deltaNorm(b) ** 2 / denseInnerProduct(b, b)).toBeCloseTo(1, 10);
  });

  it("is 1 with itself, −1 with its opposite, symmetric, and blind to scale", () => {
    expect(cosineSimilarity(a, a)).toBeCloseTo(1, 12);
    expect(cosineSimilarity(a, merge([a], { scale: -1 }))).toBeCloseTo(-1, 6);
    expect(cosineSimilarity(a, b)).toBeCloseTo(cosineSimilarity(b, a), 12);
    expect(cosineSimilarity(a, merge([b], { scale: 7 }))).toBeCloseTo(cosineSimilarity(a, b), 6);
  });

  it("is 0 with a delta of 0 and with adapters of other modules", () => {
    expect(cosineSimilarity(a, merge([b], { scale: 0 }))).toBe(0);
    const modules = [...a.modules];
    const [first, second] = [modules.slice(0, 3), modules.slice(3)].map((m) => ({
      ...a,
      modules: new Map(m),
    }));
    expect(cosineSimilarity(first!, second!)).toBe(0);
  });
});
