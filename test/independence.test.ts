import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Adapter, feedForwardModules } from "../src/adapters/adapter.ts";
import { encodeAdapter } from "../src/adapters/adapter-file.ts";
import { createInitialAdapter, initialSeed } from "../src/adapters/initialise.ts";
import type { AugmentedPassage } from "../src/corpus/corpus.ts";
import { openDecodingSession } from "../src/generation/decoding-session.ts";
import { createLocalGenerator } from "../src/generation/local.ts";
import { openModel } from "../src/models/open-model.ts";
import { openRuntime, type Runtime } from "../src/runtime/runtime.ts";
import { openBaseDistributions } from "../src/training/base-distribution.ts";
import { type EncodeParts, encodeGroups } from "../src/training/encode.ts";
import { defaultRecipe, layerRecipe, type PartialRecipe } from "../src/training/recipe.ts";
import { targetModulesOf } from "../src/training/target-modules.ts";
import { openTrainer } from "../src/training/trainer.ts";
import { openTokenizer } from "../src/weights/tokenizer.ts";
import { fixtures } from "./parity/helpers.ts";

const folder = join(fixtures, "qwen2-tied");
const targetModules = [...feedForwardModules];

/** Passages of very different lengths, so that the one in question is padded differently in each batch. */
const passages = [1, 3, 6, 2, 5, 1, 8].map((sentences, i): AugmentedPassage => {
  const title = `Bridge ${i}`;
  const text = Array.from({ length: sentences }, (_, s) => `Stone ${s} of ${title} is ${10 * s + i}.`).join(
    " ",
  );
  return {
    passage: { id: `p${i}`, documentId: `d${i}`, title, text, position: 0 },
    rewrites: [],
    pairs: [
      { question: `How old is ${title}?`, answer: `${7 * i + 3} years` },
      { question: `Who built ${title}?`, answer: `Mason ${i}` },
    ],
    augmenter: "authored",
  };
});
const [one, a, b, c, d, e, f] = passages as [AugmentedPassage, ...AugmentedPassage[]];
/** The first passage alone, then in three different batches. */
const companies = [[one], [one, a!, b!, c!], [d!, one, e!], [f!, b!, a!, one]];

function bytesOf(adapter: Adapter): Buffer {
  const provenance = { baseModel: { name: "tiny", fingerprint: "fingerprint" }, createdBy: "test" };
  return Buffer.from(encodeAdapter(adapter, { dtype: "f32", provenance }));
}

describe("an adapter depends on its passage alone", () => {
  let runtime: Runtime;
  let parts: EncodeParts;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 2 });
    const [model, tokenizer] = [await openModel(folder), await openTokenizer(folder)];
    const config = { rank: 2, alpha: 32, targetModules };
    const shapes = targetModulesOf(model.config, config).map(({ name, size }) => ({
      name,
      inFeatures: size.in,
      outFeatures: size.out,
    }));
    const session = await openDecodingSession(runtime, model, { targetModules, positions: 512 });
    parts = {
      tokenizer,
      supports: () => true,
      trainer: await openTrainer(runtime, model, { config, maxTokens: 1024 }),
      initial: createInitialAdapter(shapes, config, initialSeed("fingerprint", config, 1)),
      negatives: {
        tokenizer,
        generator: createLocalGenerator({ model: "tiny", session, tokenizer, contextLength: 512 }),
        distributions: await openBaseDistributions(runtime, model, { maxTokens: 1024 }),
      },
      clock: () => 0,
    };
  });
  afterAll(() => runtime.dispose());

  it.each<[string, PartialRecipe]>([
    ["without negatives", { negatives: { count: 0, weight: 1 } }],
    ["with negatives", { negatives: { count: 1, weight: 1 } }],
    ["with passages in the sequences", { pattern: "product" }],
  ])("%s", async (_, settings) => {
    const base: PartialRecipe = { pattern: "pairs", learningRate: 3e-3, updates: 2 };
    const recipe = layerRecipe(defaultRecipe, [base, settings]);
    const own: Adapter[] = [];
    const others: Adapter[] = [];
    for await (const batch of encodeGroups(companies, recipe, parts)) {
      for (const { augmented, adapter } of batch) (augmented === one ? own : others).push(adapter);
    }
    const [alone, ...accompanied] = own.map(bytesOf);
    expect(accompanied).toHaveLength(3);
    for (const bytes of accompanied) expect(bytes.equals(alone!)).toBe(true);
    for (const other of others) expect(bytesOf(other).equals(alone!)).toBe(false);
    expect(bytesOf(parts.initial).equals(alone!)).toBe(false);
  });
});
