import { createHash } from "node:crypto";

/**
 * Seeded pseudo-random numbers (xoshiro128**, seeded by SHA-256 of the seed), so that every run repeats.
 * https://prng.di.unimi.it/
 */
export class Random {
  readonly #state = new Uint32Array(4);
  readonly #seed: string;

  constructor(seed: number | string) {
    this.#seed = String(seed);
    const digest = createHash("sha256").update(this.#seed).digest();
    for (let i = 0; i < 4; i++) this.#state[i] = digest.readUInt32LE(4 * i);
  }

  /** An independent stream that depends on this one's seed and the name only, not on what was drawn so far. */
  fork(name: string): Random {
    return new Random(`${this.#seed}/${name}`);
  }

  /** 32 uniform bits. */
  bits(): number {
    const s = this.#state;
    const x = Math.imul(s[1]!, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** Uniform in [0, 1), 53 bits. */
  next(): number {
    return ((this.bits() >>> 5) * 67108864 + (this.bits() >>> 6)) / 9007199254740992;
  }

  /** Uniform integer in [0, limit). */
  int(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** Standard normal (Box–Muller, one of the pair). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }

  /** `count` items without replacement, in random order; all of them if there are fewer. */
  sample<T>(items: readonly T[], count: number): T[] {
    return this.shuffle(items).slice(0, count);
  }
}
