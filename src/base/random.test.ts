import { describe, expect, it } from "vitest";
import { Random } from "./random.ts";

const draw = (random: Random, count: number) => Array.from({ length: count }, () => random.bits());

describe("Random", () => {
  it("is the generator it says: xoshiro128** from the first 16 bytes of the seed's SHA-256", () => {
    // Written out once more, over big integers and straight from the definition.
    const mask = 0xffffffffn;
    const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
    // SHA-256("7") begins 7902699be42c8a8e46fbbb4501726517.
    let state = [0x9b690279n, 0x8e8a2ce4n, 0x45bbfb46n, 0x17657201n];
    const next = () => {
      const [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!];
      const result = (rotate((b * 5n) & mask, 7n) * 9n) & mask;
      const [c2, d2] = [c ^ a, d ^ b];
      state = [a ^ d2, b ^ c2, c2 ^ ((b << 9n) & mask), rotate(d2, 11n)];
      return Number(result);
    };
    expect(draw(new Random(7), 1000)).toEqual(Array.from({ length: 1000 }, next));
  });

  it("gives the same numbers for the same seed, ever", () => {
    expect(draw(new Random("prag"), 4)).toEqual([3328690742, 3269417338, 3561124856, 3421779305]);
    expect(new Random("prag").next()).toBe(0.7750212085337976);
    expect(draw(new Random(1), 3)).toEqual(draw(new Random("1"), 3));
    expect(draw(new Random(1), 3)).not.toEqual(draw(new Random(2), 3));
  });

  it("forks by name alone", () => {
    const used = new Random("seed");
    draw(used, 10);
    expect(draw(used.fork("a"), 5)).toEqual(draw(new Random("seed").fork("a"), 5));
    expect(draw(used.fork("a"), 5)).not.toEqual(draw(used.fork("b"), 5));
  });

  it("is uniform: 100 bins of 200,000 draws by chi-square, for next and int", () => {
    for (const drawBin of [(r: Random) => Math.floor(r.next() * 100), (r: Random) => r.int(100)]) {
      const random = new Random("uniform");
      const counts = new Array<number>(100).fill(0);
      for (let i = 0; i < 200_000; i++) counts[drawBin(random)]!++;
      const chiSquare = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
      // 99 degrees of freedom: the middle 99.8 % lie between 60 and 149.
      expect(chiSquare).toBeGreaterThan(60);
      expect(chiSquare).toBeLessThan(149);
    }
  });

  it("stays below the limit and in [0, 1)", () => {
    const random = new Random("limits");
    for (let i = 0; i < 10_000; i++) {
      const x = random.next();
      expect(x >= 0 && x < 1).toBe(true);
      expect(random.int(3)).toBeLessThan(3);
    }
    expect(random.int(1)).toBe(0);
  });

  it("has the moments of the standard normal", () => {
    const random = new Random("normal");
    const sample = Array.from({ length: 100_000 }, () => random.normal());
    const moment = (power: number) => sample.reduce((sum, x) => sum + x ** power, 0) / sample.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.015);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.025);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.2);
  });

  it("shuffles fairly, leaves its argument alone, and samples without replacement", () => {
    const random = new Random("shuffle");
    const items = ["a", "b", "c"];
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle(items).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(items).toEqual(["a", "b", "c"]);
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
    const sample = random.sample([...Array(50).keys()], 20);
    expect(new Set(sample).size).toBe(20);
    expect(random.sample(items, 9).toSorted()).toEqual(items);
  });
});
