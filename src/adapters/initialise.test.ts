import { describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { feedForwardShapes } from "./adapter.suite.ts";
import { createInitialAdapter, hashAdapter, initialSeed } from "./initialise.ts";

const config = { rank: 2, alpha: 32, targetModules: ["gate_proj", "up_proj", "down_proj"] };
const shapes = feedForwardShapes(2, 64, 160);

describe("createInitialAdapter", () => {
  it("draws down uniformly from ±1/√in and leaves up at 0", () => {
    const { modules } = createInitialAdapter(shapes, config, 42);
    expect([...modules.keys()]).toEqual(shapes.map(({ name }) => name));
    for (const { down, up, inFeatures } of modules.values()) {
      const scaled = [...down].map((x) => x * Math.sqrt(inFeatures));
      expect(up.every((x) => x === 0)).toBe(true);
      expect(Math.max(...scaled.map(Math.abs))).toBeLessThanOrEqual(1);
      expect(Math.max(...scaled)).toBeGreaterThan(0.9);
      expect(Math.min(...scaled)).toBeLessThan(-0.9);
      const variance = scaled.reduce((sum, x) => sum + x * x, 0) / scaled.length;
      expect(Math.abs(variance - 1 / 3)).toBeLessThan(0.12); // U(−1, 1) has 1/3
    }
  });

  it("repeats with its seed and differs with another", () => {
    const first = createInitialAdapter(shapes, config, "a");
    expect(createInitialAdapter(shapes, config, "a")).toEqual(first);
    expect(createInitialAdapter(shapes, config, "b")).not.toEqual(first);
  });

  it("gives a module the same numbers whatever else is a target", () => {
    const name = "layers.1.mlp.up_proj";
    const one = createInitialAdapter(shapes, { ...config, targetModules: ["up_proj"] }, 1);
    expect([...one.modules.keys()]).toEqual(["layers.0.mlp.up_proj", name]);
    expect(one.modules.get(name)?.down).toEqual(
      createInitialAdapter(shapes, config, 1).modules.get(name)?.down,
    );
  });

  it("gives different modules different numbers", () => {
    const { modules } = createInitialAdapter(shapes, config, 1);
    expect(modules.get("layers.0.mlp.gate_proj")?.down).not.toEqual(
      modules.get("layers.0.mlp.up_proj")?.down,
    );
  });

  it("names the targets that the model does not have", () => {
    const create = () => createInitialAdapter(shapes, { ...config, targetModules: ["c_fc"] }, 1);
    expect(create).toThrow(ConfigError);
    expect(create).toThrow("among gate_proj, up_proj, down_proj for this model, got c_fc");
    expect(() => createInitialAdapter(shapes, { ...config, targetModules: [] }, 1)).toThrow("got none");
  });
});

describe("initialSeed", () => {
  it("depends on the model, rank, alpha and seed", () => {
    const seeds = [
      initialSeed("m", config, 1),
      initialSeed("n", config, 1),
      initialSeed("m", { ...config, rank: 4 }, 1),
      initialSeed("m", { ...config, alpha: 1 }, 1),
      initialSeed("m", config, 2),
    ];
    expect(new Set(seeds).size).toBe(5);
    expect(initialSeed("m", { ...config, targetModules: ["up_proj"] }, 1)).toBe(seeds[0]);
  });
});

describe("hashAdapter", () => {
  it("changes with any number and with the config", () => {
    const create = () => createInitialAdapter(shapes, config, 1);
    const hash = hashAdapter(create());
    const touched = create();
    touched.modules.get("layers.1.mlp.down_proj")!.up[3] = 1e-30;
    expect(hashAdapter(create())).toBe(hash);
    expect(hashAdapter(touched)).not.toBe(hash);
    expect(hashAdapter({ ...create(), config: { ...config, alpha: 16 } })).not.toBe(hash);
  });
});
