import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError, UnsupportedError } from "../base/errors.ts";
import type { GeneratedToken, Generation, GenerationRequest, Generator } from "./generator.ts";

/** A generator under test, and how it is put away. */
export interface GeneratorUnderTest {
  generator: Generator;
  dispose?: () => Promise<void>;
}

const request: GenerationRequest = {
  messages: [{ role: "user", content: "Tell me about the old tower by the sea." }],
  maxTokens: 12,
};
const sampled: GenerationRequest = { ...request, sampling: { temperature: 1, seed: 7 } };
const others: GenerationRequest[] = [
  request,
  { ...request, messages: [{ role: "user", content: "Count." }], maxTokens: 5 },
  { ...sampled, maxTokens: 9 },
];

/** All tokens and the whole of a streamed generation. */
export async function collect(
  stream: AsyncGenerator<GeneratedToken, Generation>,
): Promise<{ tokens: GeneratedToken[]; generation: Generation }> {
  const tokens: GeneratedToken[] = [];
  for (;;) {
    const next = await stream.next();
    if (next.done) return { tokens, generation: next.value };
    tokens.push(next.value);
  }
}

/** The laws that every generator keeps. */
export function describeGenerator(name: string, create: () => Promise<GeneratorUnderTest>): void {
  describe(`${name} as a generator`, () => {
    let test: GeneratorUnderTest;
    let generator: Generator;
    beforeAll(async () => {
      test = await create();
      generator = test.generator;
    });
    afterAll(() => test?.dispose?.());
    const textOf = async (one: GenerationRequest) => (await collect(generator.generate(one))).generation.text;

    it("gives the same tokens to the same request and seed", async () => {
      for (const one of [request, sampled]) {
        const [a, b] = [await collect(generator.generate(one)), await collect(generator.generate(one))];
        expect(a).toEqual(b);
        expect(a.generation.text).not.toBe("");
      }
    });

    it("depends on the seed when it samples", async () => {
      const texts = new Set<string>();
      for (let seed = 0; seed < 8; seed++)
        texts.add(await textOf({ ...request, sampling: { temperature: 2, seed } }));
      expect(texts.size).toBeGreaterThan(1);
    });

    it("yields the tokens that it returns, and they are the text", async () => {
      const { tokens, generation } = await collect(generator.generate(sampled));
      expect(tokens).toEqual(generation.tokens);
      expect(tokens.map(({ text }) => text).join("")).toBe(generation.text);
    });

    it("generates no more than maxTokens, and what a longer generation begins with", async () => {
      const whole = await textOf(request);
      for (const maxTokens of [1, 3, 7]) {
        const { generation } = await collect(generator.generate({ ...request, maxTokens }));
        expect(generation.tokens.length).toBeLessThanOrEqual(maxTokens);
        expect(whole.startsWith(generation.text)).toBe(true);
      }
    });

    it("ends before the first stop string, wherever it stands", async () => {
      const whole = await textOf(request);
      const characters = [...whole];
      for (const [from, length] of [
        [0, 1],
        [Math.floor(characters.length / 2), 1],
        [Math.floor(characters.length / 3), 4],
        [Math.max(0, characters.length - 2), 2],
      ]) {
        const stop = characters.slice(from, from! + length!).join("");
        if (stop === "" || stop.includes("\uFFFD")) continue;
        const { tokens, generation } = await collect(
          generator.generate({ ...request, stop: ["\u0000none", stop] }),
        );
        expect(generation.text).toBe(whole.slice(0, whole.indexOf(stop)));
        expect(generation.finishReason).toBe("stop");
        expect(tokens.map(({ text }) => text).join("")).toBe(generation.text);
      }
    });

    it("gives a batch in its order, each as if it were alone", async () => {
      const batch = await generator.generateBatch(others);
      const alone: string[] = [];
      for (const one of others) alone.push(await textOf(one));
      expect(batch.map(({ text }) => text)).toEqual(alone);
      expect(await generator.generateBatch([])).toEqual([]);
    });

    it("ends when it is aborted, before and in the middle", async () => {
      const signal = AbortSignal.abort();
      await expect(collect(generator.generate(request, { signal }))).rejects.toThrow();
      await expect(generator.generateBatch(others, { signal })).rejects.toThrow();
      const stop = new AbortController();
      const stream = generator.generate({ ...request, maxTokens: 30 }, { signal: stop.signal });
      await stream.next();
      stop.abort();
      await expect(collect(stream)).rejects.toThrow();
    });

    it("can be left in the middle and used again", async () => {
      for await (const _token of generator.generate({ ...request, maxTokens: 30 })) break;
      expect(await textOf(request)).not.toBe("");
    });

    it("looks at a text, or says that it cannot", async () => {
      const text = "The old tower stands by the sea.";
      for (const look of [
        async () => (await generator.attention({ text })).tokens,
        () => generator.score({ text }),
      ]) {
        const seen = await look().catch((error: unknown) => error);
        if (Array.isArray(seen)) expect(seen.map((token) => token.text).join("")).toBe(text);
        else expect(seen).toBeInstanceOf(UnsupportedError);
      }
    });

    it("refuses a prompt that does not fit, where it knows what fits", async () => {
      if (!Number.isFinite(generator.contextLength)) return;
      const content = "word ".repeat(generator.contextLength + 1);
      const tooLong = { ...request, messages: [{ role: "user" as const, content }] };
      await expect(collect(generator.generate(tooLong))).rejects.toThrow(InputError);
    });
  });
}
