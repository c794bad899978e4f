import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { InputError } from "../../src/base/errors.ts";
import { readJson } from "../../src/base/files.ts";
import { openScorer, type Scorer } from "../../src/generation/scorer.ts";
import { openModel } from "../../src/models/open-model.ts";
import { openRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { openSafetensors, readTensor } from "../../src/weights/safetensors.ts";
import { openTokenizer } from "../../src/weights/tokenizer.ts";
import { fixtures, largestDifference } from "./helpers.ts";

const expectation = z.object({
  inputIds: z.array(z.int()),
  logProbabilities: z.array(z.number()),
  entropies: z.array(z.number()),
});
const positions = 128;

describe.each(["llama-tied", "llama3-rope", "qwen2-tied"])(
  "looking at a text agrees with transformers: %s",
  (name) => {
    let runtime: Runtime;
    let scorer: Scorer;
    let wanted: z.infer<typeof expectation>;
    beforeAll(async () => {
      runtime = await openRuntime({ threads: 1 });
      const model = await openModel(join(fixtures, name));
      const tokenizer = await openTokenizer(join(fixtures, name));
      scorer = await openScorer(runtime, model, { tokenizer, positions });
      wanted = await readJson(join(fixtures, name, "attention.json"), expectation);
    });
    afterAll(async () => {
      await scorer.dispose();
      await runtime.dispose();
    });

    it("attention of the last layer, by head, within 1e-5", async () => {
      const file = await openSafetensors(join(fixtures, name, "attention.safetensors"));
      const { heads, offset, tokens, weights } = await scorer.attention({ text: wanted.inputIds });
      expect({ heads, offset, tokens: tokens.length }).toEqual({ heads: 4, offset: 0, tokens: 24 });
      expect(largestDifference(weights, await readTensor(file.tensors.get("attention")!))).toBeLessThan(1e-5);
    });

    it("log-probabilities and entropies within 1e-4; the first token has none", async () => {
      const tokens = await scorer.score({ text: wanted.inputIds });
      expect(tokens[0]).toMatchObject({ logProbability: Number.NaN, entropy: Number.NaN });
      for (const [i, { id, logProbability, entropy }] of tokens.slice(1).entries()) {
        expect(id).toBe(wanted.inputIds[i + 1]);
        expect(Math.abs(logProbability - wanted.logProbabilities[i]!)).toBeLessThan(1e-4);
        expect(Math.abs(entropy - wanted.entropies[i]!)).toBeLessThan(1e-4);
      }
    });

    it("the same tokens behind a conversation see it: rows are theirs, keys are all", async () => {
      const messages = [{ role: "user" as const, content: "Hi" }];
      const text = wanted.inputIds.slice(0, 4);
      const { heads, offset, tokens, weights } = await scorer.attention({ text, messages, prefix: "Well" });
      expect(offset).toBeGreaterThan(4);
      const S = offset + tokens.length;
      expect(weights).toHaveLength(heads * tokens.length * S);
      for (let row = 0; row < heads * tokens.length; row++) {
        const own = weights.subarray(row * S, (row + 1) * S);
        expect(own.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
        const t = offset + (row % tokens.length);
        for (let later = t + 1; later < S; later++) expect(own[later]).toBe(0);
      }
      const scored = await scorer.score({ text, messages });
      expect(scored.every(({ logProbability, entropy }) => logProbability < 0 && entropy > 0)).toBe(true);
    });

    it("the pieces of a text are the text; a BOS stands before it where the model has one", async () => {
      const text = "The Orlen Bridge was built in 1807.";
      const alone = await scorer.attention({ text });
      expect(alone.tokens.map((token) => token.text).join("")).toBe(text);
      expect(alone.offset).toBe(0);
      const begun = await scorer.attention({ text, startToken: true });
      expect(begun.offset).toBe(name.startsWith("llama") ? 1 : 0);
      expect(await scorer.attention({ text: "" })).toMatchObject({ tokens: [], weights: { length: 0 } });
      expect(await scorer.score({ text: "" })).toEqual([]);
    });

    it("a text that does not fit is an InputError", async () => {
      const text = "word ".repeat(positions + 1);
      await expect(scorer.attention({ text })).rejects.toThrow(InputError);
      await expect(scorer.score({ text })).rejects.toThrow(/takes 128/);
    });
  },
);
