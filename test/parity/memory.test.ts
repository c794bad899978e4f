import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { readJson } from "../../src/base/files.ts";
import { toOnnx } from "../../src/graph/onnx.ts";
import { openTinyMemory } from "../../src/memory/memory.suite.ts";
import { type Memory, memoryOf } from "../../src/memory/memory.ts";
import { openMemorySession } from "../../src/memory/memory-session.ts";
import { createMemoryScoringGraph } from "../../src/models/memory-graph.ts";
import { memoryInputs, memoryParameters } from "../../src/models/memory-weights.ts";
import { type Model, openModel } from "../../src/models/open-model.ts";
import { type HostTensor, openRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { layOutWindows } from "../../src/training/memory-batch.ts";
import { openMemoryTrainer } from "../../src/training/memory-trainer.ts";
import { openSafetensors, readTensor, type SafetensorsFile } from "../../src/weights/safetensors.ts";
import { fixtures, floats } from "./helpers.ts";

const factsSchema = z.object({
  window: z.int(),
  ratios: z.array(z.int()),
  lastRatio: z.int(),
  ids: z.array(z.int()),
  loss: z.number(),
});
type Facts = z.infer<typeof factsSchema>;
const tolerance = 1e-4;

/** ‖got − wanted‖ / ‖wanted‖; what is wanted to be zero (the last layer's queries move nothing) must be zero. */
function distance(got: Float32Array, wanted: Float32Array): number {
  expect(got.length).toBe(wanted.length);
  return Math.hypot(...got.map((x, i) => x - wanted[i]!)) / (Math.hypot(...wanted) || Number.MIN_VALUE);
}

function windowsOf({ ids, window }: Facts): number[][] {
  return Array.from({ length: Math.ceil(ids.length / window) }, (_, i) =>
    ids.slice(i * window, (i + 1) * window),
  );
}

describe.each(["llama-tied", "qwen2-tied"])("memory over %s agrees with torch", (name) => {
  const folder = join(fixtures, "memory", name);
  let runtime: Runtime;
  let model: Model;
  let facts: Facts;
  let outputs: SafetensorsFile;
  let weights: Record<string, HostTensor>;
  const expected = async (key: string) => readTensor(outputs.tensors.get(key)!);
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    model = await openModel(join(fixtures, name));
    facts = await readJson(join(folder, "facts.json"), factsSchema);
    outputs = await openSafetensors(join(folder, "outputs.safetensors"));
    const stored = await openSafetensors(join(folder, "memory.safetensors"));
    weights = {};
    for (const { name: key, shape } of memoryParameters(model)) {
      weights[key] = { dtype: "float32", dims: shape, data: await readTensor(stored.tensors.get(key)!) };
    }
    expect(Object.keys(weights).sort()).toEqual([...stored.tensors.keys()].sort());
  });
  afterAll(() => runtime.dispose());

  it("in the differentiable pass: what the windows keep, and the last window's logits", async () => {
    const parameters = memoryParameters(model);
    const graph = createMemoryScoringGraph(model, { memory: memoryInputs(parameters), positions: 128 });
    const kept = Object.fromEntries(
      graph.keys.flatMap((key, i) => [
        [`keys.${i}`, key],
        [`values.${i}`, graph.values[i]!],
      ]),
    );
    const onnx = toOnnx({ logits: graph.logits, ...kept }, { folder: graph.folder });
    const session = await runtime.openSession(onnx);
    const windows = windowsOf(facts);
    const weightsOf = facts.ids.map(() => 1);
    for (const [lastRatio, key] of [
      [0, "logits"],
      [facts.lastRatio, "interleaved"],
    ] as const) {
      const ratios = [...facts.ratios, lastRatio];
      const { feeds } = layOutWindows([{ windows, ratios, weights: weightsOf }]);
      const { values } = await session.run({ ...feeds, ...weights });
      const wanted = await expected(key);
      const V = model.config.vocabularySize;
      // The last token has nothing to predict, so its logits are not among ours.
      const last = floats(values.logits).slice(-(wanted.length - V));
      expect(distance(last, wanted.slice(0, -V))).toBeLessThan(tolerance);
      const T = feeds.ids!.dims[1]!;
      const width = model.config.keyValueHeads * model.config.headSize;
      for (const output of Object.keys(kept)) {
        const all = floats(values[output]);
        const rows = Array.from(floats(feeds.isMemory))
          .flatMap((flag, row) => (flag && row < T * facts.ratios.length ? [row] : []))
          .flatMap((row) => [...all.subarray(row * width, (row + 1) * width)]);
        expect(distance(Float32Array.from(rows), await expected(output)), output).toBeLessThan(tolerance);
      }
    }
    await session.dispose();
  });

  it("in training: the loss and the gradients of every memory weight, through all windows", async () => {
    const trainer = await openMemoryTrainer(runtime, model, { positions: 128 });
    const weight = 1 / (facts.ids.length - 1);
    const text = {
      windows: windowsOf(facts),
      ratios: [...facts.ratios, 0],
      weights: facts.ids.map(() => weight),
    };
    const values = new Map(Object.entries(weights).map(([key, tensor]) => [key, floats(tensor)]));
    const [score] = await trainer.score([text], values);
    const { scores, gradients } = await trainer.gradients([text], values);
    expect(Math.abs(-score! / facts.loss - 1)).toBeLessThan(1e-5);
    expect(scores[0]).toBeCloseTo(score!, 5);
    const wanted = await openSafetensors(join(folder, "gradients.safetensors"));
    for (const [key, entry] of wanted.tensors) {
      expect(distance(gradients.get(key)!, await readTensor(entry)), key).toBeLessThan(tolerance);
    }
    // Beside other texts of another shape, nothing changes.
    const other = { windows: [[5, 6, 7]], ratios: [2], weights: [1, 0, 0] };
    const beside = await trainer.gradients([other, text], values);
    expect(beside.scores[1]).toBeCloseTo(score!, 5);
    for (const [key, gradient] of gradients) {
      expect(distance(beside.gradients.get(key)!, gradient), key).toBeLessThan(tolerance);
    }
    await trainer.dispose();
  });

  it("in generation: window by window, with compression as it goes", async () => {
    const tiny = await openTinyMemory(name);
    const session = await openMemorySession(runtime, { ...tiny, name }, { positions: 256 });
    const { layers, keyValueHeads, headSize } = model.config;
    const width = keyValueHeads * headSize;
    let rows: number[] = [];
    let memory: Memory | undefined;
    let logits: number[] = [];
    for (const [i, ids] of windowsOf(facts).entries()) {
      const ratio = [...facts.ratios, facts.lastRatio][i]!;
      const stream = await session.openStream({
        memory,
        ratio,
        maxTokens: ids.length,
        onWindow: async (more) => {
          rows = [...rows, ...more];
        },
      });
      logits = [];
      for (const id of ids) logits.push(...(await stream.feed([id])));
      const { entries } = stream;
      const header = { ...session.identity, layers, width, window: facts.window, ratio, frame: [] };
      memory = memoryOf(
        { ...header, tokens: (i + 1) * facts.window, entries, openTokens: 0 },
        Float32Array.from(rows),
      );
      await stream.dispose();
    }
    expect(distance(Float32Array.from(logits), await expected("interleaved"))).toBeLessThan(tolerance);
    for (let layer = 0; layer < layers; layer++) {
      for (const [kind, what] of ["keys", "values"].entries()) {
        const wanted = await expected(`${what}.${layer}`);
        const got = wanted.map((_, j) => {
          const [entry, offset] = [Math.floor(j / width), j % width];
          return rows[(entry * layers * 2 + layer * 2 + kind) * width + offset]!;
        });
        expect(distance(got, wanted), `${what}.${layer}`).toBeLessThan(tolerance);
      }
    }
    await session.dispose();
    rmSync(tiny.root, { recursive: true, force: true });
  });
});
