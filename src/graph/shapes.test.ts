import { describe, expect, it } from "vitest";
import { ShapeError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { broadcast, broadcastAxes, matmulShape, reshapeVector } from "./shapes.ts";
import type { Dim } from "./tensor.ts";

describe("broadcast", () => {
  it("follows NumPy, with names as sizes that equal only themselves", () => {
    expect(broadcast([2, 3], [3])).toEqual([2, 3]);
    expect(broadcast([], ["B", "T"])).toEqual(["B", "T"]);
    expect(broadcast(["B", 1, 4], ["T", 1])).toEqual(["B", "T", 4]);
    expect(broadcast([0], [1])).toEqual([0]);
  });

  it("refuses what does not fit, and says the shapes", () => {
    for (const [a, b] of [
      [[2], [3]],
      [["B"], ["T"]],
      [["B"], [2]],
      [
        ["B", 2],
        [4, 2],
      ],
    ] as const) {
      expect(() => broadcast(a, b)).toThrow(ShapeError);
      expect(() => broadcast(b, a)).toThrow(`[${b.join(", ")}] · [${a.join(", ")}]`);
    }
  });

  it("does not depend on the order, and is undone by broadcastAxes", () => {
    const random = new Random("shapes");
    for (let trial = 0; trial < 500; trial++) {
      const full: Dim[] = Array.from(
        { length: 1 + random.int(4) },
        () => [2, 3, "B", "T", 1][random.int(5)]!,
      );
      const part = full.slice(random.int(full.length + 1)).map((dim) => (random.int(2) ? 1 : dim));
      expect(broadcast(full, part)).toEqual(full);
      expect(broadcast(part, full)).toEqual(full);
      const { extra, kept } = broadcastAxes(full, part);
      const summed = full.slice(extra).map((dim, i) => (kept.includes(i) ? 1 : dim));
      expect(summed).toEqual(part);
    }
  });
});

describe("matmulShape", () => {
  it("multiplies the last two dimensions and broadcasts the rest", () => {
    expect(matmulShape([2, 3], [3, 4])).toEqual([2, 4]);
    expect(matmulShape(["B", "T", 8], [8, 5])).toEqual(["B", "T", 5]);
    expect(matmulShape(["B", 1, "T", 8], ["B", 4, 8, "S"])).toEqual(["B", 4, "T", "S"]);
  });

  it("transposes as told", () => {
    expect(matmulShape([3, 2], [3, 4], { transA: true })).toEqual([2, 4]);
    expect(matmulShape([2, 3], [4, 3], { transB: true })).toEqual([2, 4]);
    expect(matmulShape([3, 2], [4, 3], { transA: true, transB: true })).toEqual([2, 4]);
  });

  it("refuses vectors and inner dimensions that differ", () => {
    expect(() => matmulShape([3], [3, 4])).toThrow(ShapeError);
    expect(() => matmulShape([2, 3], [4, 3])).toThrow(/inner dimensions 3 and 4/);
    expect(() => matmulShape([2, "T"], ["S", 3])).toThrow(/inner dimensions T and S/);
    expect(() => matmulShape([5, 2, 3], [4, 3, 2])).toThrow(ShapeError);
  });
});

describe("reshapeVector", () => {
  it("copies names at their place with 0, and infers the one that moved with -1", () => {
    expect(reshapeVector(["B", "T", 8], ["B", "T", 2, 4])).toEqual([0, 0, 2, 4]);
    expect(reshapeVector(["B", 2, "T"], ["B", "T", 2])).toEqual([0, -1, 2]);
    expect(reshapeVector([6], [2, 3])).toEqual([2, 3]);
  });

  it("refuses to move two names", () => {
    expect(() => reshapeVector(["B", "T"], ["T", "B"])).toThrow(ShapeError);
  });
});
