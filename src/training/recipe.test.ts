import { describe, expect, it } from "vitest";
import { defaultRecipe, layerRecipe, partialRecipeSchema, referenceRecipe } from "./recipe.ts";

describe("layerRecipe", () => {
  it("lets later layers win setting by setting, inside negatives too", () => {
    const preset = partialRecipeSchema.parse({ rank: 8, updates: 20, negatives: { count: 4, weight: 2 } });
    const given = partialRecipeSchema.parse({ updates: 7, negatives: { count: 1 } });
    const recipe = layerRecipe(defaultRecipe, [preset, undefined, given]);
    const negatives = { ...defaultRecipe.negatives, count: 1, weight: 2 };
    expect(recipe).toEqual({ ...defaultRecipe, rank: 8, updates: 7, negatives });
  });

  it("takes an undefined setting for none", () => {
    expect(layerRecipe(referenceRecipe, [{ rank: undefined }])).toEqual(referenceRecipe);
  });

  it("leaves recipe reference without negatives, whatever a preset says, so that its hash tells the truth", () => {
    const preset = partialRecipeSchema.parse({ negatives: { count: 4 } });
    expect(layerRecipe(referenceRecipe, [preset])).toEqual(referenceRecipe);
    expect(layerRecipe(defaultRecipe, [preset, { name: "reference" }]).negatives.count).toBe(0);
  });
});

describe("partialRecipeSchema", () => {
  it("fills nothing in, and refuses what is unknown", () => {
    expect(partialRecipeSchema.parse({})).toEqual({});
    expect(partialRecipeSchema.safeParse({ ranks: 2 }).success).toBe(false);
  });
});
