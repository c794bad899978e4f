import { describe, expect, it } from "vitest";
import { sha256 } from "../base/hash.ts";
import { type Embedder, type TextKind, toUnit } from "./embedder.ts";

const texts = ["The river rises.", "A bridge of glass", "The river rises.", "한 문장", "x"];

/** The laws of every embedder; `open` makes one. */
export function describeEmbedder(name: string, open: () => Promise<Embedder>): void {
  const withEmbedder = async <T>(task: (embedder: Embedder) => Promise<T>): Promise<T> => {
    const embedder = await open();
    try {
      return await task(embedder);
    } finally {
      await embedder.dispose();
    }
  };
  const embed = (some: readonly string[], kind: TextKind = "passage") =>
    withEmbedder((embedder) => embedder.embed(some, { kind }));

  describe(`${name} keeps the laws of an embedder`, () => {
    it("gives one vector of length 1 per text, all of one size", async () => {
      const vectors = await embed(texts);
      expect(vectors).toHaveLength(texts.length);
      for (const vector of vectors) {
        expect(vector).toHaveLength(vectors[0]!.length);
        expect(vector.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
      }
      expect(await embed([])).toEqual([]);
    });

    it("keeps the order, and gives a text the same vector beside any others", async () => {
      const vectors = await embed(texts);
      expect(vectors[2]).toEqual(vectors[0]);
      expect(vectors[1]).not.toEqual(vectors[0]);
      for (const [i, text] of texts.entries()) expect((await embed([text]))[0]).toEqual(vectors[i]);
      expect(await embed([...texts].reverse())).toEqual([...vectors].reverse());
    });

    it("has one identity for one setting", async () => {
      const identities = [
        await withEmbedder(async (one) => one.identity),
        await withEmbedder(async (one) => one.identity),
      ];
      expect(identities[0]).toBe(identities[1]);
      expect(identities[0]).not.toBe("");
    });

    it("ends when the signal says so", async () => {
      const reason = new Error("enough");
      const stopped = withEmbedder((embedder) =>
        embedder.embed(texts, { kind: "query", signal: AbortSignal.abort(reason) }),
      );
      await expect(stopped).rejects.toThrow("enough");
    });
  });
}

/** The words of a text in some dimensions each: near where words are shared. For tests of what needs an embedder. */
export function wordVector(text: string, dimensions = 64): Float32Array {
  const vector = new Float32Array(dimensions).fill(0.01);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])
    for (let i = 0; i < 3; i++)
      vector[Number.parseInt(sha256(`${word}/${i}`).slice(0, 8), 16) % dimensions]! += 1;
  return toUnit(vector)!;
}

/** An embedder by words, which counts the texts that it was given. */
export function wordEmbedder({ identity = "words", dimensions = 64 } = {}): Embedder & { count: number } {
  const embedder = {
    identity,
    count: 0,
    async embed(some: readonly string[], { signal }: { signal?: AbortSignal | undefined }) {
      signal?.throwIfAborted();
      embedder.count += some.length;
      return some.map((text) => wordVector(text, dimensions));
    },
    dispose: async () => {},
  };
  return embedder;
}
