import { describe, expect, it } from "vitest";
import { ConfigError, ShapeError } from "../base/errors.ts";
import { denseDelta, feedForwardShapes, randomAdapter, relativeError } from "./adapter.suite.ts";
import { type Adapter, scalingOf } from "./adapter.ts";
import { bake, type MergeOptions, merge } from "./merge.ts";

const names = feedForwardShapes().map(({ name }) => name);
const three = [randomAdapter(1), randomAdapter(2), randomAdapter(3)];

/** Σ w · ΔW by the definition. */
function weightedSum(adapters: readonly Adapter[], weights: readonly number[], name: string): Float64Array {
  const deltas = adapters.map((adapter) => denseDelta(adapter, name));
  return deltas[0]!.map((_, i) => deltas.reduce((sum, delta, j) => sum + weights[j]! * delta[i]!, 0));
}

function expectDelta(merged: Adapter, adapters: readonly Adapter[], weights: readonly number[]): void {
  for (const name of names)
    expect(relativeError(denseDelta(merged, name), weightedSum(adapters, weights, name))).toBeLessThan(1e-6);
}

describe("merge", () => {
  const cases: [string, MergeOptions, number[]][] = [
    ["sum is the default", {}, [1, 1, 1]],
    ["sum", { weights: "sum" }, [1, 1, 1]],
    ["mean", { weights: "mean" }, [1 / 3, 1 / 3, 1 / 3]],
    ["score keeps k as the sum of weights", { weights: "score", scores: [1, 2, 5] }, [3 / 8, 6 / 8, 15 / 8]],
    ["equal scores give the sum", { weights: "score", scores: [7, 7, 7] }, [1, 1, 1]],
    ["scale multiplies", { weights: "mean", scale: 0.5 }, [1 / 6, 1 / 6, 1 / 6]],
    ["scale 0 gives nothing", { scale: 0 }, [0, 0, 0]],
  ];
  it.each(cases)("%s: ΔW is the weighted sum of the deltas", (_, options, weights) => {
    expectDelta(merge(three, options), three, weights);
  });

  it("bakes weights and scaling in: alpha is the rank", () => {
    const { config } = merge(three, { weights: "mean" });
    expect(config).toEqual({ rank: 6, alpha: 6, targetModules: ["gate_proj", "up_proj", "down_proj"] });
    expect(scalingOf(config)).toBe(1);
  });

  it("merges adapters of different ranks and alphas", () => {
    const mixed = [
      randomAdapter(1, { rank: 1, alpha: 3 }),
      randomAdapter(2, { rank: 4, alpha: 1 }),
      three[2]!,
    ];
    const merged = merge(mixed);
    expect(merged.config.rank).toBe(7);
    expectDelta(merged, mixed, [1, 1, 1]);
  });

  it("does not depend on the order but for rounding", () => {
    const forward = merge(three);
    const backward = merge([...three].reverse());
    for (const name of names)
      expect(relativeError(denseDelta(backward, name), denseDelta(forward, name))).toBeLessThan(1e-12);
  });

  it("of one adapter is the identity in ΔW", () => {
    for (const name of names)
      expect(denseDelta(merge([three[0]!]), name)).toEqual(denseDelta(three[0]!, name)); // scaling 16 is exact
  });

  it("of merged adapters is the merge of all", () => {
    const nested = merge([merge(three.slice(0, 2)), three[2]!]);
    for (const name of names) expect(denseDelta(nested, name)).toEqual(denseDelta(merge(three), name));
  });

  it("lets a module that an adapter lacks add nothing", () => {
    const without = { ...three[1]!, modules: new Map([...three[1]!.modules].slice(1)) };
    const merged = merge([three[0]!, without]);
    expect(denseDelta(merged, names[0]!)).toEqual(denseDelta(three[0]!, names[0]!));
    expect(merged.modules.get(names[0]!)?.down).toHaveLength(4 * 6);
    expect(
      relativeError(denseDelta(merged, names[1]!), weightedSum([three[0]!, without], [1, 1], names[1]!)),
    ).toBeLessThan(1e-12);
  });

  it("keeps what it merges unchanged and shares no memory with it", () => {
    const adapter = randomAdapter(9);
    const before = randomAdapter(9);
    merge([adapter, adapter]).modules.get(names[0]!)!.down.fill(7);
    expect(adapter).toEqual(before);
  });

  it("keeps all factors in one buffer", () => {
    const buffers = [...merge(three).modules.values()].flatMap(({ down, up }) => [down.buffer, up.buffer]);
    expect(new Set(buffers).size).toBe(1);
  });

  it("refuses adapters of different sizes, with the module and both shapes", () => {
    const other = randomAdapter(1, { shapes: feedForwardShapes(2, 6, 12) });
    expect(() => merge([three[0]!, other])).toThrow(ShapeError);
    expect(() => merge([three[0]!, other])).toThrow("layers.0.mlp.gate_proj");
    expect(() => merge([three[0]!, other])).toThrow("[6, 10] · [6, 12]");
  });

  const wrong: [string, readonly Adapter[], MergeOptions, RegExp][] = [
    ["no adapters", [], {}, /at least one/],
    ["no scores", three, { weights: "score" }, /one score per adapter \(3\), got none/],
    ["too few scores", three, { weights: "score", scores: [1] }, /got 1/],
    ["negative scores", three, { weights: "score", scores: [1, 2, -1] }, /not negative/],
    ["scores of 0", three, { weights: "score", scores: [0, 0, 0] }, /not all 0/],
    ["scores that are no numbers", three, { weights: "score", scores: [1, Number.NaN, 1] }, /NaN/],
    ["a scale that is no number", three, { scale: Number.NaN }, /scale/],
  ];
  it.each(wrong)("refuses %s", (_, adapters, options, message) => {
    expect(() => merge(adapters, options)).toThrow(ConfigError);
    expect(() => merge(adapters, options)).toThrow(message);
  });
});

describe("bake", () => {
  it("keeps ΔW and has scaling 1", () => {
    const baked = bake(three[0]!);
    expect(scalingOf(baked.config)).toBe(1);
    expectDelta(baked, [three[0]!], [1]);
  });

  it("returns an adapter that has scaling 1 as it is", () => {
    const baked = bake(three[0]!);
    expect(bake(baked)).toBe(baked);
  });
});
