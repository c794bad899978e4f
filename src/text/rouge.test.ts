import { describe, expect, it } from "vitest";
import { rougeL } from "./rouge.ts";

describe("rougeL", () => {
  it("is 1 for equal texts, 0 for texts without a common word or without words", () => {
    expect(rougeL("the river flows", "the river flows")).toBeCloseTo(1, 7);
    expect(rougeL("stone", "river")).toBe(0);
    expect(rougeL("", "river")).toBe(0);
    expect(rougeL("river", "...")).toBe(0);
  });

  it("asks for the order of words", () => {
    expect(rougeL("a b c d", "d c b a")).toBeCloseTo(0.25, 7);
  });
});
