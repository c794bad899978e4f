import { describe, expect, it } from "vitest";
import { nextStep } from "./guide.tsx";
import { moveCell, numberTitles } from "./heat-map.tsx";
import { describeJob } from "./job-card.tsx";
import { curvePath } from "./loss-curve.tsx";

describe("the loss curve", () => {
  it("goes from the left to its share of the width, 0 at the bottom", () => {
    expect(curvePath([2, 1, 0], { top: 2, steps: 5 })).toBe("M4.0 4.0L82.0 48.0L160.0 92.0");
    expect(curvePath([1], { top: 1, steps: 1 })).toBe("M4.0 4.0");
    expect(curvePath([0], { top: 0, steps: 1 })).toBe("M4.0 92.0");
  });
});

describe("the similarity map", () => {
  it("is walked with arrow keys, and never left", () => {
    expect(moveCell([0, 0], "ArrowUp", 3)).toEqual([0, 0]);
    expect(moveCell([0, 0], "ArrowDown", 3)).toEqual([1, 0]);
    expect(moveCell([2, 2], "ArrowRight", 3)).toEqual([2, 2]);
    expect(moveCell([1, 1], "Home", 3)).toEqual([1, 0]);
    expect(moveCell([1, 1], "Tab", 3)).toBeUndefined();
  });

  it("numbers passages of one title", () => {
    expect(numberTitles(["a", "b", "a", "a"])).toEqual(["a", "b", "a (2)", "a (3)"]);
  });
});

describe("a job in words", () => {
  it("tells the task, or how it ended", () => {
    const progress = { task: "encode", done: 1, total: 9, note: null, etaMs: null };
    expect(describeJob({ state: "running", progress })).toBe("Training: 1 of 9");
    expect(describeJob({ state: "running", progress: { ...progress, task: "new", note: "x" } })).toBe(
      "new: x",
    );
    expect(describeJob({ state: "waiting", progress })).toMatch(/turn/);
  });
});

describe("the first steps", () => {
  it("follow what the collection has", () => {
    expect(nextStep({ passages: 0, encoded: 0 })).toBe("add");
    expect(nextStep({ passages: 3, encoded: 0 })).toBe("encode");
    expect(nextStep({ passages: 3, encoded: 1 })).toBe("ask");
  });
});
