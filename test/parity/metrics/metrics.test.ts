import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readJson } from "../../../src/base/files.ts";
import { extractAnswer, normaliseAnswer } from "../../../src/text/normalise.ts";
import { rougeL } from "../../../src/text/rouge.ts";
import { scoreAnswer } from "../../../src/text/scores.ts";

const scores = z.object({ em: z.number(), f1: z.number(), precision: z.number(), recall: z.number() });
const schema = z.object({
  normalise: z.array(z.object({ text: z.string(), expected: z.string() })),
  extract: z.array(z.object({ text: z.string(), chainOfThought: z.boolean(), expected: z.string() })),
  score: z.array(z.object({ prediction: z.string(), truths: z.array(z.string()), expected: scores })),
});
const golden = await readJson(join(import.meta.dirname, "golden.json"), schema);
const rouge = await readJson(
  join(import.meta.dirname, "rouge.json"),
  z.object({ cases: z.array(z.object({ prediction: z.string(), truth: z.string(), f: z.number() })) }),
);

describe("metrics equal Python's", () => {
  it(`normalises ${golden.normalise.length} texts alike`, () => {
    expect(golden.normalise.length).toBeGreaterThan(150);
    for (const { text, expected } of golden.normalise)
      expect({ text, normalised: normaliseAnswer(text) }).toEqual({ text, normalised: expected });
  });

  it(`extracts ${golden.extract.length} answers alike`, () => {
    for (const { text, chainOfThought, expected } of golden.extract)
      expect({ text, answer: extractAnswer(text, { chainOfThought }) }).toEqual({ text, answer: expected });
  });

  it(`scores ${golden.score.length} predictions alike`, () => {
    expect(golden.score.length).toBeGreaterThan(200);
    for (const { prediction, truths, expected } of golden.score)
      expect({ prediction, truths, ...scoreAnswer(prediction, truths) }).toEqual({
        prediction,
        truths,
        ...expected,
      });
  });

  it(`gives ROUGE-L of ${rouge.cases.length} summaries alike`, () => {
    expect(rouge.cases.length).toBe(80);
    for (const { prediction, truth, f } of rouge.cases)
      expect({ prediction, truth, f: rougeL(prediction, truth) }).toEqual({ prediction, truth, f });
  });
});
