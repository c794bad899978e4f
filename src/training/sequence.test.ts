import { describe, expect, it } from "vitest";
import { createSequence } from "./sequence.ts";

describe("createSequence", () => {
  it("targets every token but the first at the place before it, with equal weights that sum to 1", () => {
    expect(createSequence([7, 8, 9]).targets).toEqual([
      { place: 0, token: 8, weight: 0.5 },
      { place: 1, token: 9, weight: 0.5 },
    ]);
  });

  it("counts tokens from `from` on only", () => {
    expect(createSequence([7, 8, 9, 5], { from: 3 })).toEqual({
      ids: [7, 8, 9, 5],
      targets: [{ place: 2, token: 5, weight: 1 }],
    });
  });

  it("spreads `weight` over the targets, and takes from 0 for from 1", () => {
    const { targets } = createSequence([1, 2, 3, 4, 5], { from: 0, weight: 2 });
    expect(targets.map(({ place }) => place)).toEqual([0, 1, 2, 3]);
    expect(targets.map(({ weight }) => weight)).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  it("has no target where nothing is left to predict", () => {
    expect(createSequence([1]).targets).toEqual([]);
    expect(createSequence([1, 2], { from: 2 }).targets).toEqual([]);
  });
});
