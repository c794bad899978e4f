import { describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { openModel } from "../models/open-model.ts";
import { targetModulesOf } from "./target-modules.ts";
import { tinyModelFolder } from "./tiny-model.suite.ts";

describe("targetModulesOf", async () => {
  const { config } = await openModel(tinyModelFolder());
  const namesOf = (...targetModules: string[]) =>
    targetModulesOf(config, { targetModules }).map(({ name }) => name);

  it("gives the modules layer by layer, within one in the order of the config", () => {
    const names = namesOf("up_proj", "q_proj");
    expect(names.slice(0, 3)).toEqual([
      "layers.0.mlp.up_proj",
      "layers.0.self_attn.q_proj",
      "layers.1.mlp.up_proj",
    ]);
    expect(names).toHaveLength(2 * config.layers);
  });

  it.each(["q", "lm_head", "self_attn.q_proj"])(
    "names %s, which no layer has, and what there is",
    (target) => {
      expect(() => namesOf("q_proj", target)).toThrow(ConfigError);
      expect(() => namesOf("q_proj", target)).toThrow(/among q_proj, .*down_proj for this model, got /);
    },
  );
});
