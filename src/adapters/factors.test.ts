import { describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { feedForwardShapes, randomAdapter } from "./adapter.suite.ts";
import { checkAdapter, checkFits, compareModuleNames, createFactors, shapesOf } from "./factors.ts";

describe("factors", () => {
  it("are zeros of the right sizes in one buffer, without overlap", () => {
    const factors = createFactors(feedForwardShapes(), 3);
    let next = 1;
    for (const { down, up } of factors.values()) {
      down.fill(next++);
      up.fill(next++);
    }
    let wanted = 1;
    for (const { down, up, inFeatures, outFeatures } of factors.values()) {
      expect(down).toEqual(new Float32Array(3 * inFeatures).fill(wanted++));
      expect(up).toEqual(new Float32Array(3 * outFeatures).fill(wanted++));
    }
  });

  it("are checked for rank, alpha and finite numbers", () => {
    const adapter = randomAdapter(1);
    expect(() => checkAdapter(adapter)).not.toThrow();
    expect(() => checkAdapter({ ...adapter, config: { ...adapter.config, alpha: 0 } })).toThrow(ConfigError);
    expect(() => checkAdapter({ ...adapter, config: { ...adapter.config, rank: 1.5 } })).toThrow(ConfigError);
  });

  it("fit the model they were made for", () => {
    expect(() => checkFits(randomAdapter(1), feedForwardShapes())).not.toThrow();
    expect(shapesOf(randomAdapter(1))).toEqual(feedForwardShapes());
  });
});

describe("compareModuleNames", () => {
  it("orders by layer, then attention, gate, up, down, then what it does not know", () => {
    const sorted = [
      "lm_head",
      "layers.2.self_attn.q_proj",
      "layers.2.self_attn.o_proj",
      "layers.2.mlp.gate_proj",
      "layers.2.mlp.up_proj",
      "layers.2.mlp.down_proj",
      "layers.2.mlp.router",
      "layers.10.self_attn.k_proj",
    ];
    expect([...sorted].sort().sort(compareModuleNames)).toEqual(sorted);
    expect([...sorted].reverse().sort(compareModuleNames)).toEqual(sorted);
  });
});
