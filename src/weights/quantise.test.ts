import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { type Bits, blocksOf, type Quantisation, type QuantisedRows, quantiseRows } from "./quantise.ts";

const gaussian = (count: number, seed: string) => {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

/** What MatMulNBits makes of packed rows: (q − half) · scale. */
function dequantise(
  { packed, scales }: QuantisedRows,
  inFeatures: number,
  { bits, blockSize }: Quantisation,
): Float32Array {
  const blocks = blocksOf(inFeatures, { bits, blockSize });
  return Float32Array.from({ length: (scales.length / blocks) * inFeatures }, (_, i) => {
    const [row, column] = [Math.floor(i / inFeatures), i % inFeatures];
    const at = row * blocks * blockSize + column;
    const q = bits === 8 ? packed[at]! : (packed[at >> 1]! >> (4 * (at & 1))) & 15;
    return (q - 2 ** (bits - 1)) * scales[Math.floor(at / blockSize)]! + 0; // no -0
  });
}

describe.each<Bits>([8, 4])("quantiseRows to %i bits", (bits) => {
  const quantisation = { bits, blockSize: 32 };

  it.each([32, 64, 40, 33, 7, 1])(
    "keeps every number of a row of %i within its block's step",
    (inFeatures) => {
      const values = gaussian(5 * inFeatures, `rows of ${inFeatures}`);
      const quantised = quantiseRows(values, inFeatures, quantisation)!;
      const blocks = Math.ceil(inFeatures / 32);
      expect(quantised.scales).toHaveLength(5 * blocks);
      expect(quantised.packed).toHaveLength(5 * blocks * 32 * (bits / 8));
      const back = dequantise(quantised, inFeatures, quantisation);
      values.forEach((value, i) => {
        const block = Math.floor(i / inFeatures) * blocks + Math.floor((i % inFeatures) / 32);
        const step = Math.abs(quantised.scales[block]!);
        // Half a step, or a whole one for a number as large as the largest but of the other sign.
        expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(step * 1.0001);
        if (Math.abs(value) < step * (2 ** (bits - 1) - 1))
          expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(step * 0.5001);
      });
    },
  );

  it("is exact where the numbers are multiples of the step, and for zeros", () => {
    const half = 2 ** (bits - 1);
    const steps = Float32Array.from({ length: 32 }, (_, i) => ((i * 7) % (2 * half)) - half);
    steps[5] = -half;
    const values = Float32Array.of(...steps.map((step) => step * 0.125), ...new Float32Array(32));
    const quantised = quantiseRows(values, 64, quantisation)!;
    expect(quantised.scales[0]).toBe(0.125);
    expect(quantised.scales[1]).toBeCloseTo(0, 99);
    expect(dequantise(quantised, 64, quantisation)).toEqual(values);
  });

  it("fills up a last block with zeros", () => {
    const { packed } = quantiseRows(Float32Array.of(1, 2, 3), 3, quantisation)!;
    const zero = bits === 8 ? 128 : 0x88;
    expect([...packed.subarray(bits === 8 ? 3 : 2)].every((byte) => byte === zero)).toBe(true);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("refuses %d", (value) => {
    const values = gaussian(64, "one is not finite");
    values[40] = value;
    expect(quantiseRows(values, 64, quantisation)).toBeUndefined();
  });
});
