import { describe, expect, it } from "vitest";
import { AdamW } from "./adamw.ts";

describe("AdamW", () => {
  it("takes the first step by hand: decay, then the sign of the gradient", () => {
    const value = Float32Array.of(1, -2, 0.5);
    const gradient = Float32Array.of(0.3, -4, 0);
    new AdamW({ learningRate: 0.1, weightDecay: 0.01 }).step([{ value, gradient }]);
    // m̂ = g and √v̂ = |g|, so the step is 0.1 · sign(g) after decay by 1 − 0.1 · 0.01.
    const wanted = [1 * 0.999 - 0.1, -2 * 0.999 + 0.1, 0.5 * 0.999];
    wanted.forEach((number, i) => {
      expect(value[i]).toBeCloseTo(number, 6);
    });
  });

  it("takes the second step by hand: bias-corrected means", () => {
    const value = Float32Array.of(0);
    const optimiser = new AdamW({ learningRate: 0.1, weightDecay: 0 });
    optimiser.step([{ value, gradient: Float32Array.of(1) }]);
    optimiser.step([{ value, gradient: Float32Array.of(-0.5) }]);
    const mean = (0.9 * 0.1 * 1 + 0.1 * -0.5) / (1 - 0.9 ** 2);
    const square = (0.999 * 0.001 * 1 + 0.001 * 0.25) / (1 - 0.999 ** 2);
    expect(value[0]).toBeCloseTo(-0.1 - (0.1 * mean) / Math.sqrt(square), 6);
  });

  it("follows the schedule's factor in decay and step alike", () => {
    const value = Float32Array.of(1);
    new AdamW({ learningRate: 0.2, weightDecay: 0.5 }).step([{ value, gradient: Float32Array.of(1) }], 0.5);
    expect(value[0]).toBeCloseTo(1 * (1 - 0.1 * 0.5) - 0.1, 6);
  });

  it("keeps the moments of each parameter apart, number by number", () => {
    const [a, b, both] = [Float32Array.of(1), Float32Array.of(2), Float32Array.of(1, 2)];
    const [apart, together] = [new AdamW({ learningRate: 0.01 }), new AdamW({ learningRate: 0.01 })];
    for (const [x, y] of [
      [1, -3],
      [0.5, 2],
      [0, 1e-9],
    ] as const) {
      apart.step([
        { value: a, gradient: Float32Array.of(x) },
        { value: b, gradient: Float32Array.of(y) },
      ]);
      together.step([{ value: both, gradient: Float32Array.of(x, y) }]);
    }
    expect([...both]).toEqual([a[0], b[0]]);
  });

  it("goes on from the moments of another as if it were that one", () => {
    const gradients = [0.3, -4, 1e-3].map((number) => Float32Array.of(number, -number));
    const undisturbed = Float32Array.of(1, 2);
    const one = new AdamW({ learningRate: 0.05 });
    for (const gradient of gradients) one.step([{ value: undisturbed, gradient }]);

    const resumed = Float32Array.of(1, 2);
    const first = new AdamW({ learningRate: 0.05 });
    first.step([{ value: resumed, gradient: gradients[0]! }]);
    const second = new AdamW({ learningRate: 0.05 });
    second.restore(1, [[resumed, first.momentsOf(resumed)]]);
    for (const gradient of gradients.slice(1)) second.step([{ value: resumed, gradient }]);
    expect([...resumed]).toEqual([...undisturbed]);
  });
});
