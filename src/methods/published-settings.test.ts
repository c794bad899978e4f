import { describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { draginOptions } from "./dragin.ts";
import { flareTokenOptions } from "./flare-token.ts";
import { expandPublished, publishedSettings } from "./published-settings.ts";

describe("published settings", () => {
  it("are of three models on four datasets, and each can be used", () => {
    expect(publishedSettings).toHaveLength(12);
    for (const { model, dataset, dragin, flareToken } of publishedSettings) {
      const preset = `${model}/${dataset}`;
      expect(draginOptions.parse(expandPublished("dragin", { preset }))).toMatchObject(dragin);
      expect(flareTokenOptions.parse(expandPublished("flareToken", { preset }))).toMatchObject(flareToken);
    }
    expect(
      publishedSettings.find(({ model, dataset }) => model === "vicuna-13b-v1.5" && dataset === "iirc"),
    ).toEqual({
      model: "vicuna-13b-v1.5",
      dataset: "iirc",
      dragin: { threshold: 1.3, keepWords: 35 },
      flareToken: { threshold: 0.4 },
      maxTokens: 128,
      shots: 8,
    });
  });

  it("numbers beside a preset win; an unknown one is refused; without one nothing changes", () => {
    const preset = "llama2-7b-chat/strategyqa";
    expect(expandPublished("dragin", { preset, threshold: 2 })).toEqual({ threshold: 2, keepWords: 35 });
    expect(expandPublished("dragin", { limit: 2 })).toEqual({ limit: 2 });
    expect(() => expandPublished("dragin", { preset: "llama3" })).toThrow(ConfigError);
    expect(() => expandPublished("dragin", { preset: 3 })).toThrow(/vicuna-13b-v1.5\/iirc/);
  });
});
