import { describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { completeConfig } from "./config.ts";

describe("completeConfig", () => {
  it("fills in every default", () => {
    const config = completeConfig({});
    expect(config).toMatchObject({
      model: "prag-mini",
      dataFolder: ".prag",
      collection: "default",
      offline: false,
      ingest: { maxWords: 100, overlapWords: 0 },
      merge: {},
      augment: { augmenter: "auto", seed: 42 },
      limit: 3,
    });
    expect(completeConfig(config)).toEqual(config);
  });

  it("keeps what is given, and fills in the rest of its group", () => {
    expect(completeConfig({ ingest: { overlapWords: 9 }, limit: 5 })).toMatchObject({
      ingest: { maxWords: 100, overlapWords: 9 },
      limit: 5,
    });
  });

  it.each<[string, unknown, RegExp]>([
    ["an unknown key", { modle: "x" }, /Unrecognized key.*modle/],
    ["an unknown key of a group", { merge: { weigths: "sum" } }, /"merge".*weigths/],
    ["a wrong value", { limit: 0 }, /"limit".*>=1/],
    ["a wrong value of a group", { ingest: { maxWords: "many" } }, /"ingest.maxWords".*number/],
    ["a choice that is none", { device: "abacus" }, /"device".*"cpu".*"cuda".*"webgpu"/],
    ["a collection that is no name", { collection: "../elsewhere" }, /"collection".*letters, digits/],
    ["a wrong recipe", { recipe: { rank: 0 } }, /"recipe.rank"/],
    ["an unknown number of a recipe", { recipe: { ranks: 2 } }, /"recipe".*ranks/],
    ["no settings at all", 7, /settings/],
  ])("names %s", (_, settings, wanted) => {
    expect(() => completeConfig(settings)).toThrow(ConfigError);
    expect(() => completeConfig(settings)).toThrow(wanted);
  });

  it("takes the seeded start where null is said", () => {
    expect(completeConfig({ initAdapter: "warm" }).initAdapter).toBe("warm");
    expect(completeConfig({ initAdapter: null }).initAdapter).toBeUndefined();
  });

  it("says where the settings stand", () => {
    expect(() => completeConfig({ limit: -1 }, "my.json")).toThrow(/^my\.json: "limit"/);
  });
});
