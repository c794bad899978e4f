import { describe, expect, it } from "vitest";
import { emptyAccount } from "./augmenter.ts";
import { usableShare } from "./choose-augmenter.ts";

const account = (made: number, usable: number) => ({ ...emptyAccount(), pairs: { made, usable } });

describe("usableShare", () => {
  it("is the mean over passages: what one has too many of does not make up for what another lacks", () => {
    expect(usableShare([account(6, 6), account(0, 0)], 3)).toBe(0.5);
    expect(usableShare([account(3, 3), account(3, 3)], 3)).toBe(1);
    expect(usableShare([account(6, 6)], 3)).toBe(1);
  });

  it("counts what was made and is not usable, and what is lacking", () => {
    expect(usableShare([account(6, 3)], 3)).toBe(0.5);
    expect(usableShare([account(2, 1)], 4)).toBe(0.25);
    expect(usableShare([account(10, 6)], 3)).toBeCloseTo(3 / 7);
    expect(usableShare([], 3)).toBe(0);
  });
});
