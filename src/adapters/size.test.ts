import { describe, expect, it } from "vitest";
import { feedForwardShapes } from "./adapter.suite.ts";
import { countBytes, countParameters, feedForwardParameters } from "./size.ts";

const llama1b = { layers: 16, hiddenSize: 2048, feedForwardSize: 8192 };
const shapes = feedForwardShapes(16, 2048, 8192);

describe("size", () => {
  it("counts 3nr(h + l) parameters, beside the paper's 2nr(h + l)", () => {
    expect(feedForwardParameters(llama1b, 2)).toEqual({ parameters: 983_040, paperParameters: 655_360 });
    expect(countParameters(shapes, 2)).toBe(983_040);
  });

  it("counts the bytes of a stored adapter", () => {
    expect(countBytes(shapes, 2, "f32")).toBe(3_932_160);
    expect(countBytes(shapes, 2, "f16")).toBe(1_966_080);
    expect(countBytes(shapes, 2, "int8")).toBe(983_040 + 16 * 3 * 2 * 2 * 4);
  });
});
