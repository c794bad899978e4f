import { describe, expect, it } from "vitest";
import { decodeLength, encodeLength } from "./bm25-score.ts";

describe("the length byte", () => {
  it("keeps lengths up to 40 exactly", () => {
    for (let length = 0; length <= 40; length++) expect(decodeLength(encodeLength(length))).toBe(length);
  });

  it("rounds longer ones down, by less than an eighth", () => {
    for (let length = 41; length < 2 ** 31; length = Math.ceil(length * 1.07)) {
      const kept = decodeLength(encodeLength(length));
      expect(kept).toBeLessThanOrEqual(length);
      expect(kept).toBeGreaterThan(length * 0.875);
    }
  });

  it("uses every byte, in ascending order", () => {
    const lengths = Array.from({ length: 256 }, (_, byte) => decodeLength(byte));
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
    expect(lengths.map(encodeLength)).toEqual([...lengths.keys()]);
  });
});
