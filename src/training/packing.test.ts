import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { layOut, type PackedRow, pack } from "./packing.ts";
import type { Sequence } from "./sequence.ts";

/** Sequences over three tokens, so that many begin alike, with targets drawn anywhere, also twice at one place. */
function drawSequences(random: Random): Sequence[] {
  return Array.from({ length: 1 + random.int(6) }, () => {
    const ids = Array.from({ length: 1 + random.int(9) }, () => random.int(3));
    const targets = Array.from({ length: random.int(6) }, () => ({
      place: random.int(ids.length),
      token: random.int(3),
      weight: 1 + random.int(4),
    }));
    return { ids, targets };
  });
}

const drawn = Array.from({ length: 50 }, (_, i) => drawSequences(new Random(`packing ${i}`)));

/** The tokens from the first one down to this place. */
function pathTo(row: PackedRow, place: number): number[] {
  const places: number[] = [];
  for (let at = place; at !== -1; at = row.parents[at]!) places.unshift(at);
  return places;
}

const spelled = (row: PackedRow, place: number) =>
  pathTo(row, place)
    .map((at) => row.ids[at])
    .join(" ");
const prefixes = ({ ids }: Sequence) => ids.map((_, i) => ids.slice(0, i + 1).join(" "));
const byKey = (a: string, b: string) => (a < b ? -1 : 1);

describe("pack", () => {
  it("has every distinct prefix exactly once", () => {
    for (const sequences of drawn) {
      const row = pack(sequences);
      const wanted = [...new Set(sequences.flatMap(prefixes))];
      const got = row.ids.map((_, place) => spelled(row, place));
      expect(got.toSorted(byKey)).toEqual(wanted.toSorted(byKey));
    }
  });

  it("keeps each token's place in its own sequence, and parents before children", () => {
    for (const sequences of drawn) {
      const row = pack(sequences);
      row.ids.forEach((_, place) => {
        expect(row.positions[place]).toBe(pathTo(row, place).length - 1);
        expect(row.parents[place]).toBeLessThan(place);
      });
    }
  });

  it("keeps every target with its weight behind the same prefix", () => {
    for (const sequences of drawn) {
      const row = pack(sequences);
      const wanted = sequences.flatMap((sequence) =>
        sequence.targets.map(
          ({ place, token, weight }) => `${prefixes(sequence)[place]} → ${token}: ${weight}`,
        ),
      );
      const got = row.targets.map(
        ({ place, token, weight }) => `${spelled(row, place)} → ${token}: ${weight}`,
      );
      expect(got.sort()).toEqual(wanted.sort());
    }
  });
});

describe("layOut", () => {
  const rows = drawn.slice(0, 8).map(pack);
  const batch = layOut(rows);
  const { tokens: T } = batch;

  it("pads all rows to one length, a multiple of 8 that the longest just fits", () => {
    const longest = Math.max(...rows.map(({ ids }) => ids.length));
    expect(batch.rows).toBe(rows.length);
    expect(T % 8).toBe(0);
    expect(T - longest).toBeGreaterThanOrEqual(0);
    expect(T - longest).toBeLessThan(8);
    expect(batch.ids.length).toBe(rows.length * T);
    expect(batch.mask.length).toBe(rows.length * T * T);
  });

  it("puts ids and positions at the beginning of their row", () => {
    rows.forEach((row, b) => {
      const start = b * T;
      expect(Array.from(batch.ids.subarray(start, start + row.ids.length), Number)).toEqual(row.ids);
      expect(Array.from(batch.positions.subarray(start, start + row.ids.length), Number)).toEqual(
        row.positions,
      );
    });
  });

  it("lets a token see its ancestors and itself, and padding itself alone", () => {
    rows.forEach((row, b) => {
      for (let t = 0; t < T; t++) {
        const visible = t < row.ids.length ? pathTo(row, t) : [t];
        for (let u = 0; u < T; u++) {
          const value = batch.mask[b * T * T + t * T + u]!;
          if (visible.includes(u)) expect(value).toBe(0);
          else expect(value).toBeLessThanOrEqual(-1e9);
        }
      }
    });
  });

  it("lists each place with targets once, and each target with its row and weight", () => {
    const got = Array.from(batch.weights, (weight, i) => {
      const place = Number(batch.picks[2 * i]);
      const [b, t] = [Number(batch.places[2 * place]), Number(batch.places[2 * place + 1])];
      expect(batch.pickRows[i]).toBe(b);
      return { b, place: t, token: Number(batch.picks[2 * i + 1]), weight };
    });
    const wanted = rows.flatMap((row, b) => row.targets.map((target) => ({ b, ...target })));
    expect(got).toEqual(wanted);
    const places = new Set(wanted.map(({ b, place }) => `${b}/${place}`));
    expect(batch.places.length).toBe(2 * places.size);
  });
});
