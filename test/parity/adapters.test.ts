import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { merge } from "../../src/adapters/merge.ts";
import { exportPeft, importPeft } from "../../src/adapters/peft.ts";
import { readJson } from "../../src/base/files.ts";
import { openDecodingSession } from "../../src/generation/decoding-session.ts";
import { type Model, openModel } from "../../src/models/open-model.ts";
import { openRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { openSafetensors, readTensor } from "../../src/weights/safetensors.ts";
import { createDrawnAdapter, drawnTargets } from "./drawn-adapter.ts";
import { fixtures, floats, largestDifference, scoreLogits } from "./helpers.ts";

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

const expectation = z.object({
  inputIds: z.array(z.int()),
  positions: z.array(z.int()),
  logitsStd: z.number(),
});

describe("logits with adapters agree with PEFT, within 1e-4 of their standard deviation", () => {
  let runtime: Runtime;
  let model: Model;
  let expected: z.infer<typeof expectation>;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    model = await openModel(join(fixtures, "llama-tied"));
    expected = await readJson(folder("logits.json"), expectation);
  });
  afterAll(() => runtime.dispose());

  const logitsOf = async (file: string, name: string) =>
    await readTensor((await openSafetensors(folder(file))).tensors.get(name)!);

  it.each([
    ["base", undefined],
    ["one", three[0]],
    ["two", three[1]],
    ["three", three[2]],
    ["sum", merge(three)],
    ["mean", merge(three, { weights: "mean" })],
  ] as const)("%s", async (name, adapter) => {
    const { inputIds: ids, positions, logitsStd } = expected;
    const wanted = await logitsOf("logits.safetensors", name);
    const scored = await scoreLogits(runtime, model, { ids, positions, ...(adapter ? { adapter } : {}) });
    expect(largestDifference(floats(scored), wanted) / logitsStd).toBeLessThan(1e-4);
    const width = model.config.vocabularySize;
    for (const [i, logits] of (await decodeLogits(ids, positions, adapter)).entries()) {
      const row = wanted.subarray(i * width, (i + 1) * width);
      expect(largestDifference(logits, row) / logitsStd).toBeLessThan(1e-4);
    }
  });

  /** Logits [V] at each position by the key/value cache: a prompt first, then single tokens. */
  async function decodeLogits(
    ids: readonly number[],
    positions: readonly number[],
    adapter: (typeof three)[number] | undefined,
  ): Promise<Float32Array[]> {
    const session = await openDecodingSession(runtime, model, { targetModules: drawnTargets });
    const batch = await session.openBatch([adapter], ids.length);
    const prompt = positions[0]! + 1;
    const logits = [...(await batch.feed([ids.slice(0, prompt)]))];
    for (const id of ids.slice(prompt)) logits.push(...(await batch.feed([[id]])));
    await batch.dispose();
    await session.dispose();
    return positions.map((position) => logits[position - positions[0]!]!);
  }

  it("our exported folder is the one that was loaded in PEFT, and our logits are PEFT's", async () => {
    const adapter = createDrawnAdapter(model.config);
    const out = await mkdtemp(join(tmpdir(), "peft-parity-"));
    try {
      await exportPeft(out, adapter, { baseModel: "llama-tied" });
      for (const file of ["adapter_config.json", "adapter_model.safetensors"])
        expect(await readFile(join(out, file))).toEqual(await readFile(join(folder("exported"), file)));
    } finally {
      await rm(out, { recursive: true, force: true });
    }
    const { inputIds: ids, positions, logitsStd } = expected;
    const wanted = await logitsOf("exported-logits.safetensors", "logits");
    const ours = floats(await scoreLogits(runtime, model, { ids, positions, adapter }));
    expect(largestDifference(ours, wanted) / logitsStd).toBeLessThan(1e-4);
    const base = await logitsOf("logits.safetensors", "base");
    expect(largestDifference(ours, base) / logitsStd).toBeGreaterThan(0.5);
  });
});
