import { describe, expect, it } from "vitest";
import { formatBytes, formatDate, formatMs, formatRemaining, plural } from "./format.ts";

describe("numbers in words", () => {
  it("bytes", () => {
    expect([0, 999, 42_900, 999_950, 40e6, 1.5e12].map(formatBytes)).toEqual([
      "0 B",
      "999 B",
      "42.9 kB",
      "1.0 MB",
      "40.0 MB",
      "1.5 TB",
    ]);
  });

  it("durations", () => {
    expect([0.4, 21, 999.6, 3420, 59_960, 130_000, 3_725_000].map(formatMs)).toEqual([
      "0 ms",
      "21 ms",
      "1.0 s",
      "3.4 s",
      "1 min 0 s",
      "2 min 10 s",
      "1 h 2 min",
    ]);
  });

  it("what is left of a task, as roughly as it is known", () => {
    expect([2, 18, 61, 7200].map(formatRemaining)).toEqual([
      "a few seconds left",
      "about 20 s left",
      "about 2 min left",
      "about 2.0 h left",
    ]);
  });

  it("counts and dates", () => {
    expect([plural(1, "passage"), plural(1200, "passage")]).toEqual(["1 passage", "1,200 passages"]);
    expect(formatDate("no date")).toBe("no date");
  });
});
