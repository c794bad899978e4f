import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import {
  bfloat16Bits,
  bfloat16FromFloat32,
  bfloat16Value,
  float16Bits,
  float16FromFloat32,
  float16Value,
  float32FromBfloat16,
  float32FromFloat16,
  float32FromInt8,
  int8FromFloat32,
} from "./half.ts";

const all = Uint16Array.from({ length: 0x10000 }, (_, i) => i);

/** The value of a half by the definition of the format, without bit tricks. */
function float16ByDefinition(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0
    ? sign * (fraction / 1024) * 2 ** -14
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Nearest finite-or-infinite half by bisection over the ordered non-negative halves, ties to the even bits. */
function nearestByDefinition(value: number, decode: (bits: number) => number, infinity: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const x = Math.abs(value);
  let low = 0;
  let high = infinity;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (decode(middle) <= x) low = middle;
    else high = middle;
  }
  // Infinity takes the place of the next number of the same spacing.
  const top = high === infinity ? 2 * decode(infinity - 1) - decode(infinity - 2) : decode(high);
  const below = x - decode(low);
  const above = top - x;
  if (below === above) return sign | (low % 2 === 0 ? low : high);
  return sign | (below < above ? low : high);
}

describe("binary16", () => {
  it("has the value of its definition for all 65536 bit patterns", () => {
    const table = float32FromFloat16(all);
    for (const bits of all) {
      const wanted = float16ByDefinition(bits);
      if (!Object.is(float16Value(bits), wanted)) expect([bits, float16Value(bits)]).toEqual([bits, wanted]);
      if (!Object.is(table[bits], wanted)) expect([bits, table[bits]]).toEqual([bits, wanted]);
    }
  });

  it("returns to the same bits from float32 for all 65536 patterns, NaN to a NaN of the same sign", () => {
    const back = float16FromFloat32(float32FromFloat16(all));
    for (const bits of all) {
      const isNotANumber = (bits & 0x7fff) > 0x7c00;
      if (isNotANumber) expect((back[bits]! & 0x7fff) > 0x7c00).toBe(true);
      else if (back[bits] !== bits) expect([bits, back[bits]]).toEqual([bits, bits]);
    }
  });

  it("rounds to nearest, ties to even, at every boundary between neighbours", () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const middle = (float16Value(bits) + float16Value(bits + 1)) / 2; // exact in float32
      const even = bits % 2 === 0 ? bits : bits + 1;
      const ulp = 2 ** -23 * middle;
      const got = [middle, middle - ulp, middle + ulp, -middle].map((x) => float16Bits(Math.fround(x)));
      const wanted = [even, bits, bits + 1, even | 0x8000];
      if (got.join() !== wanted.join()) expect([bits, ...got]).toEqual([bits, ...wanted]);
    }
  });

  it("agrees with the definition on random numbers of every size", () => {
    const random = new Random("halves");
    for (let i = 0; i < 20_000; i++) {
      const value = Math.fround(random.normal() * 2 ** (random.int(48) - 30));
      expect(float16Bits(value)).toBe(nearestByDefinition(value, float16ByDefinition, 0x7c00));
    }
  });

  it("overflows to infinity where rounding does", () => {
    expect(float16Bits(65519.99609375)).toBe(0x7bff);
    expect(float16Bits(65520)).toBe(0x7c00);
    expect(float16Bits(-1e30)).toBe(0xfc00);
    expect(float16Bits(Number.POSITIVE_INFINITY)).toBe(0x7c00);
    expect(float16Bits(2 ** -25)).toBe(0);
    expect(float16Bits(Math.fround(2 ** -25 * (1 + 2 ** -20)))).toBe(1);
    expect(float16Bits(-0)).toBe(0x8000);
  });
});

describe("bfloat16", () => {
  it("is the upper half of a float32, for all 65536 patterns, and returns to them", () => {
    const values = float32FromBfloat16(all);
    const back = bfloat16FromFloat32(values);
    const view = new DataView(new ArrayBuffer(4));
    for (const bits of all) {
      view.setUint16(0, bits);
      view.setUint16(2, 0);
      const wanted = view.getFloat32(0);
      if (!Object.is(values[bits], wanted) || !Object.is(bfloat16Value(bits), wanted)) {
        expect([bits, values[bits], bfloat16Value(bits)]).toEqual([bits, wanted, wanted]);
      }
      if (Number.isNaN(wanted)) expect((back[bits]! & 0x7fff) > 0x7f80).toBe(true);
      else if (back[bits] !== bits) expect([bits, back[bits]]).toEqual([bits, bits]);
    }
  });

  it("rounds to nearest, ties to even", () => {
    const random = new Random("bfloats");
    for (let i = 0; i < 20_000; i++) {
      const value = Math.fround(random.normal() * 2 ** (random.int(60) - 30));
      expect(bfloat16Bits(value)).toBe(nearestByDefinition(value, bfloat16Value, 0x7f80));
    }
    expect(bfloat16Bits(1 + 2 ** -8)).toBe(0x3f80);
    expect(bfloat16Bits(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(bfloat16Bits(3.4028234663852886e38)).toBe(0x7f80);
  });
});

describe("int8", () => {
  it("rounds ties to even, limits to ±127, and errs by half a unit at most", () => {
    const values = Float32Array.of(0, 0.5, 1.5, -0.5, -1.5, 126.6, 200, -200);
    expect([...int8FromFloat32(values, 1)]).toEqual([0, 0, 2, 0, -2, 127, 127, -127]);
    const random = new Random("bytes");
    const sample = Float32Array.from({ length: 1000 }, () => random.normal());
    const scale = Math.max(...sample.map(Math.abs)) / 127;
    const back = float32FromInt8(int8FromFloat32(sample, scale), scale);
    for (const [i, value] of sample.entries()) {
      expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(scale * 0.50001);
    }
  });
});
