import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FormatError } from "../base/errors.ts";
import { defaultRecipe, referenceRecipe } from "../training/recipe.ts";
import { completeConfig } from "./config.ts";
import { withTempFolder } from "./engine.suite.ts";
import { chooseAnswerPreset, chooseAugmentSettings, chooseMerge, chooseRecipe } from "./presets.ts";

const preset = (folder: string, content: unknown) =>
  writeFile(join(folder, "prag-preset.json"), JSON.stringify(content));

describe("chooseRecipe", () => {
  it("without a preset: the paper's numbers, packed, with the settings' own on top", () =>
    withTempFolder(async (folder) => {
      expect(await chooseRecipe(completeConfig({}), folder)).toEqual(defaultRecipe);
      const config = completeConfig({ recipe: { rank: 4, negatives: { count: 2 } } });
      expect(await chooseRecipe(config, folder)).toEqual({
        ...defaultRecipe,
        rank: 4,
        negatives: { ...defaultRecipe.negatives, count: 2 },
      });
    }));

  it("a preset wins over the defaults, the settings over the preset", () =>
    withTempFolder(async (folder) => {
      await preset(folder, { recipe: { rank: 8, updates: 30, negatives: { count: 4, weight: 2 } } });
      const config = completeConfig({ recipe: { updates: 6, negatives: { weight: 1 } } });
      expect(await chooseRecipe(config, folder)).toEqual({
        ...defaultRecipe,
        rank: 8,
        updates: 6,
        negatives: { ...defaultRecipe.negatives, count: 4, weight: 1 },
      });
    }));

  it("compat reference takes the paper's code, whatever the preset, with the settings' own on top", () =>
    withTempFolder(async (folder) => {
      await preset(folder, { recipe: { rank: 8 }, augment: { pairs: 9 } });
      const config = completeConfig({ compat: "reference", recipe: { epochs: 2 } });
      expect(await chooseRecipe(config, folder)).toEqual({ ...referenceRecipe, epochs: 2 });
      expect(referenceRecipe).toMatchObject({ name: "reference", pattern: "reference", rank: 2, alpha: 32 });
      expect(await chooseAugmentSettings(config, folder)).toEqual({ rewrites: 1, pairs: 3, seed: 42 });
    }));

  it("names the file and the field of a wrong preset", () =>
    withTempFolder(async (folder) => {
      await preset(folder, { recipe: { rank: "two" } });
      const choosing = chooseRecipe(completeConfig({}), folder);
      await expect(choosing).rejects.toThrow(FormatError);
      await expect(choosing).rejects.toThrow(/prag-preset\.json.*recipe\.rank/);
    }));
});

describe("chooseAugmentSettings", () => {
  it("takes the settings, then the preset, then the paper's numbers", () =>
    withTempFolder(async (folder) => {
      await preset(folder, { augment: { rewrites: 0, pairs: 6 } });
      const config = completeConfig({ augment: { pairs: 4, seed: 7 } });
      expect(await chooseAugmentSettings(config, folder)).toEqual({ rewrites: 0, pairs: 4, seed: 7 });
    }));
});

describe("chooseAnswerPreset", () => {
  it("takes what the model's folder says of examples and of numbers of methods; compat reference knows no preset", () =>
    withTempFolder(async (folder) => {
      expect(await chooseAnswerPreset(completeConfig({}), folder)).toEqual({});
      const answer = { examples: "short", methodOptions: { flare: { theta: 0.5 } } };
      await preset(folder, { answer });
      expect(await chooseAnswerPreset(completeConfig({}), folder)).toEqual(answer);
      expect(await chooseAnswerPreset(completeConfig({ compat: "reference" }), folder)).toEqual({});
      await preset(folder, { answer: { methodOptions: { flair: {} } } });
      await expect(chooseAnswerPreset(completeConfig({}), folder)).rejects.toThrow(/methodOptions/);
    }));
});

describe("chooseMerge", () => {
  it("takes the settings, then the preset, then the paper's sum; compat reference knows no preset", () =>
    withTempFolder(async (folder) => {
      expect(await chooseMerge(completeConfig({}), folder)).toEqual({ weights: "sum", scale: 1 });
      await preset(folder, { merge: { weights: "score", scale: 0.5 } });
      expect(await chooseMerge(completeConfig({}), folder)).toEqual({ weights: "score", scale: 0.5 });
      const given = completeConfig({ merge: { scale: 2 } });
      expect(await chooseMerge(given, folder)).toEqual({ weights: "score", scale: 2 });
      const reference = completeConfig({ compat: "reference" });
      expect(await chooseMerge(reference, folder)).toEqual({ weights: "sum", scale: 1 });
    }));
});
