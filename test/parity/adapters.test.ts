import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { merge } from "../../src/adapters/merge.ts";
import { exportPeft, importPeft } from "../../src/adapters/peft.ts";
import { openSafetensors, readTensor } from "../../src/weights/safetensors.ts";
import { fixtures } from "./helpers.ts";

const folder = (name: string) => join(fixtures, "adapters", name);
const three = await Promise.all(
  ["one", "two", "three"].map(async (name) => (await importPeft(folder(name))).adapter),
);

/** Largest difference of a module's factors, relative to the largest number of the second. */
function relativeError(got: Float32Array, wanted: Float32Array): number {
  expect(got.length).toBe(wanted.length);
  const size = wanted.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  return got.reduce((max, x, i) => Math.max(max, Math.abs(x - wanted[i]!)), 0) / size;
}

describe("adapters made by PEFT", () => {
  it("are read with their config", () => {
    expect(three.map(({ config }) => config)).toEqual(
      [
        [2, 32],
        [2, 32],
        [4, 8],
      ].map(([rank, alpha]) => ({ rank, alpha, targetModules: ["gate_proj", "up_proj", "down_proj"] })),
    );
    const first = [...three[0]!.modules][0]!;
    expect(first[0]).toBe("layers.0.mlp.gate_proj");
    expect(first[1]).toMatchObject({ inFeatures: 64, outFeatures: 160 });
    expect(three[0]!.modules.size).toBe(9);
  });

  it.each([
    ["merged-sum", "sum", 0],
    ["merged-mean", "mean", 1e-6],
  ] as const)("are merged as PEFT's cat does: %s", async (name, weights, tolerance) => {
    const merged = merge(three, { weights });
    const { adapter: wanted } = await importPeft(folder(name));
    expect(merged.config).toEqual(wanted.config);
    expect([...merged.modules.keys()]).toEqual([...wanted.modules.keys()]);
    for (const [module, { down, up }] of wanted.modules) {
      expect(relativeError(merged.modules.get(module)!.down, down)).toBeLessThanOrEqual(tolerance);
      expect(relativeError(merged.modules.get(module)!.up, up)).toBe(0);
    }
  });
});

describe("exportPeft", () => {
  it("writes the merged adapter as PEFT writes it: every tensor, and every field that both have", async () => {
    const out = await mkdtemp(join(tmpdir(), "peft-parity-"));
    try {
      await exportPeft(out, merge(three), { baseModel: "llama-tied" });
      const [ours, theirs] = await Promise.all([out, folder("merged-sum")].map(readFolder));
      expect(ours!.tensors).toEqual(theirs!.tensors);
      expect(theirs!.config).toMatchObject({ ...ours!.config, target_modules: expect.anything() });
    } finally {
      await rm(out, { recursive: true, force: true });
    }
  });
});

async function readFolder(path: string) {
  const { tensors } = await openSafetensors(join(path, "adapter_model.safetensors"));
  const values: Record<string, { shape: readonly number[]; data: Float32Array }> = {};
  for (const entry of tensors.values())
    values[entry.name] = { shape: entry.shape, data: await readTensor(entry) };
  const config: Record<string, unknown> = JSON.parse(
    await readFile(join(path, "adapter_config.json"), "utf8"),
  );
  return { tensors: values, config };
}
