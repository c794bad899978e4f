import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FormatError, NotFoundError, UnsupportedError } from "../base/errors.ts";
import { bfloat16FromFloat32, float16FromFloat32 } from "../weights/half.ts";
import { encodeSafetensors, openSafetensors, readTensor, type TensorData } from "../weights/safetensors.ts";
import { denseDelta, feedForwardShapes, randomAdapter, relativeError } from "./adapter.suite.ts";
import type { Adapter } from "./adapter.ts";
import { merge } from "./merge.ts";
import { exportPeft, importPeft } from "./peft.ts";

const names = feedForwardShapes().map(({ name }) => name);
const prefix = "base_model.model.model.";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "peft-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function expectSameDelta(got: Adapter, wanted: Adapter): void {
  expect([...got.modules.keys()]).toEqual([...wanted.modules.keys()]);
  for (const name of wanted.modules.keys())
    expect(relativeError(denseDelta(got, name), denseDelta(wanted, name))).toBeLessThan(1e-6);
}

/** A PEFT folder of one module; `config` and `tensors` replace parts of a good one. */
async function writeFolder(
  config: Record<string, unknown> = {},
  tensors: TensorData[] = goodTensors(),
): Promise<void> {
  const good = { peft_type: "LORA", r: 2, lora_alpha: 32, bias: "none", target_modules: ["q_proj"] };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "adapter_config.json"), JSON.stringify({ ...good, ...config }));
  await writeFile(join(folder, "adapter_model.safetensors"), encodeSafetensors(tensors, { format: "pt" }));
}

const [a, b] = [
  [1, 2, 3, 4, 5, 6],
  [10, 20, 30, 40, 50, 60, 70, 80],
];
const qProj = `${prefix}layers.0.self_attn.q_proj`;

function goodTensors(): TensorData[] {
  return [
    { name: `${qProj}.lora_A.weight`, dtype: "F32", shape: [2, 3], data: Float32Array.from(a!) },
    { name: `${qProj}.lora_B.weight`, dtype: "F32", shape: [4, 2], data: Float32Array.from(b!) },
  ];
}

describe("exportPeft", () => {
  it("writes PEFT's tensor names and shapes, A [R, in] and B [out, R], in float32", async () => {
    await exportPeft(folder, randomAdapter(1), { baseModel: "tiny" });
    const { tensors, metadata } = await openSafetensors(join(folder, "adapter_model.safetensors"));
    expect(metadata).toEqual({ format: "pt" });
    const wanted = feedForwardShapes().flatMap(({ name, inFeatures, outFeatures }) => [
      { name: `${prefix}${name}.lora_A.weight`, dtype: "F32", shape: [2, inFeatures] },
      { name: `${prefix}${name}.lora_B.weight`, dtype: "F32", shape: [outFeatures, 2] },
    ]);
    const got = [...tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape }));
    expect(got.toSorted((x, y) => (x.name < y.name ? -1 : 1))).toEqual(
      wanted.toSorted((x, y) => (x.name < y.name ? -1 : 1)),
    );
  });

  it("writes a scaling of 1 and a delta B·A that is the adapter's", async () => {
    const adapter = randomAdapter(1);
    await exportPeft(folder, adapter, { baseModel: "tiny" });
    const config = JSON.parse(await readFile(join(folder, "adapter_config.json"), "utf8"));
    expect(config).toMatchObject({
      peft_type: "LORA",
      task_type: "CAUSAL_LM",
      base_model_name_or_path: "tiny",
      r: 2,
      lora_alpha: 2,
      target_modules: ["gate_proj", "up_proj", "down_proj"],
      use_rslora: false,
    });
    const { tensors } = await openSafetensors(join(folder, "adapter_model.safetensors"));
    const [A, B] = await Promise.all(
      ["A", "B"].map((factor) => readTensor(tensors.get(`${prefix}${names[2]}.lora_${factor}.weight`)!)),
    );
    const delta = denseDelta(adapter, names[2]!); // [in 10, out 6]
    for (let i = 0; i < 10; i++)
      for (let o = 0; o < 6; o++)
        expect(B![o * 2]! * A![i]! + B![o * 2 + 1]! * A![10 + i]!).toBeCloseTo(delta[i * 6 + o]!, 3);
  });

  it("exports what import reads back, single and merged", async () => {
    const merged = merge([randomAdapter(1), randomAdapter(2, { rank: 3, alpha: 5 })], { weights: "mean" });
    for (const adapter of [randomAdapter(1), merged]) {
      await exportPeft(folder, adapter, { baseModel: "org/model" });
      const imported = await importPeft(folder);
      expect(imported.baseModel).toBe("org/model");
      expect(imported.adapter.config.targetModules).toEqual(["gate_proj", "up_proj", "down_proj"]);
      expectSameDelta(imported.adapter, adapter);
    }
  });

  it("gives equal bytes for equal input", async () => {
    await exportPeft(join(folder, "1"), randomAdapter(1), { baseModel: "tiny" });
    await exportPeft(join(folder, "2"), randomAdapter(1), { baseModel: "tiny" });
    for (const file of ["adapter_config.json", "adapter_model.safetensors"])
      expect(await readFile(join(folder, "1", file))).toEqual(await readFile(join(folder, "2", file)));
  });
});

describe("importPeft", () => {
  it("reads A as down and B transposed as up, with the folder's rank and alpha", async () => {
    await writeFolder();
    const { adapter, baseModel } = await importPeft(folder);
    expect(baseModel).toBeUndefined();
    expect(adapter.config).toEqual({ rank: 2, alpha: 32, targetModules: ["q_proj"] });
    expect(adapter.modules.get("layers.0.self_attn.q_proj")).toEqual({
      down: Float32Array.from(a!),
      up: Float32Array.from([10, 30, 50, 70, 20, 40, 60, 80]),
      inFeatures: 3,
      outFeatures: 4,
    });
  });

  it.each([
    ["F16", float16FromFloat32],
    ["BF16", bfloat16FromFloat32],
  ] as const)("reads %s", async (dtype, convert) => {
    const [A, B] = goodTensors();
    await writeFolder({}, [
      { ...A!, dtype, data: convert(Float32Array.from(a!)) },
      { ...B!, dtype, data: convert(Float32Array.from(b!)) },
    ]);
    expect((await importPeft(folder)).adapter.modules.get("layers.0.self_attn.q_proj")?.down).toEqual(
      Float32Array.from(a!),
    );
  });

  it("reads rank-stabilized scaling, lora_alpha / √r", async () => {
    await writeFolder({ use_rslora: true });
    const { alpha, rank } = (await importPeft(folder)).adapter.config;
    expect(alpha / rank).toBeCloseTo(32 / Math.SQRT2, 12);
  });

  it.each([
    ["an adapter name before .weight", `${qProj}.lora_A.default.weight`, `${qProj}.lora_B.default.weight`],
    [
      "a decoder without its head",
      "base_model.model.layers.0.self_attn.q_proj.lora_A.weight",
      "base_model.model.layers.0.self_attn.q_proj.lora_B.weight",
    ],
  ])("reads names with %s", async (_, nameA, nameB) => {
    const [A, B] = goodTensors();
    await writeFolder({}, [
      { ...A!, name: nameA },
      { ...B!, name: nameB },
    ]);
    expect([...(await importPeft(folder)).adapter.modules.keys()]).toEqual(["layers.0.self_attn.q_proj"]);
  });

  it("does not mind fields that the tensors answer, empty ones, and unknown ones", async () => {
    await writeFolder({
      target_modules: "all-linear",
      layers_to_transform: [0],
      layers_pattern: "layers",
      rank_pattern: {},
      modules_to_save: null,
      lora_dropout: 0.1,
      init_lora_weights: "gaussian",
      invented_later: { x: 1 },
    });
    await expect(importPeft(folder)).resolves.toBeDefined();
  });

  it.each([
    [{ use_dora: true }, "use_dora: true"],
    [{ modules_to_save: ["lm_head"] }, 'modules_to_save: ["lm_head"]'],
    [{ bias: "all" }, 'bias: "all"'],
    [{ lora_bias: true }, "lora_bias: true"],
    [{ rank_pattern: { q_proj: 4 } }, 'rank_pattern: {"q_proj":4}'],
    [{ alpha_pattern: { q_proj: 4 } }, "alpha_pattern"],
    [{ fan_in_fan_out: true }, "fan_in_fan_out"],
    [{ trainable_token_indices: { embed_tokens: [1] } }, "trainable_token_indices"],
    [{ init_lora_weights: "pissa_niter_4" }, "pissa_niter_4"],
    [{ layer_replication: [[0, 2]] }, "layer_replication"],
    [{ peft_type: "IA3" }, "type IA3, wanted LORA"],
  ])("refuses %j by name", async (config, message) => {
    await writeFolder(config);
    await expect(importPeft(folder)).rejects.toThrow(UnsupportedError);
    await expect(importPeft(folder)).rejects.toThrow(message);
  });

  const foreign = ["lora_embedding_A", "lora_magnitude_vector.weight", "lora_A.bias", "weight"];
  it.each(foreign)("refuses a tensor that ends in %s", async (end) => {
    await writeFolder({}, [
      ...goodTensors(),
      { name: `${qProj}.${end}`, dtype: "F32", shape: [1], data: new Float32Array(1) },
    ]);
    await expect(importPeft(folder)).rejects.toThrow(UnsupportedError);
  });

  it("refuses LoRA outside the decoder layers", async () => {
    const tensors = goodTensors().map((tensor) => ({
      ...tensor,
      name: tensor.name.replace(/model\.layers.*q_proj/, "lm_head"),
    }));
    await writeFolder({}, tensors);
    await expect(importPeft(folder)).rejects.toThrow(/lm_head.* is not LoRA on a linear of a decoder layer/);
  });

  const [A, B] = goodTensors();
  const damaged: [string, Record<string, unknown>, TensorData[], string][] = [
    ["a missing B", {}, [A!], "has no lora_B of layers.0.self_attn.q_proj"],
    ["a missing A", {}, [B!], "has no lora_A"],
    ["no tensors", {}, [], "has no tensors"],
    ["another rank than its config", { r: 4 }, [A!, B!], "wanted [4, in] and [out, 4]"],
    ["a factor of one dimension", {}, [{ ...A!, shape: [6] }, B!], "lora_A is [6]"],
    ["a rank of 0", { r: 0 }, [A!, B!], 'field "r"'],
    ["an alpha that is no number", { lora_alpha: "16" }, [A!, B!], 'field "lora_alpha"'],
    [
      "numbers that are not finite",
      {},
      [{ ...A!, data: new Float32Array(6).fill(Number.NaN) }, B!],
      "not finite",
    ],
    [
      "one module twice",
      {},
      [A!, B!, { ...A!, name: A!.name.replace("A.", "A.default.") }],
      "two tensors lora_A",
    ],
  ];
  it.each(damaged)("refuses %s", async (_, config, tensors, message) => {
    await writeFolder(config, tensors);
    await expect(importPeft(folder)).rejects.toThrow(FormatError);
    await expect(importPeft(folder)).rejects.toThrow(message);
  });

  it("refuses a truncated file and a folder that is none", async () => {
    await writeFolder();
    const path = join(folder, "adapter_model.safetensors");
    await writeFile(path, (await readFile(path)).subarray(0, -3));
    await expect(importPeft(folder)).rejects.toThrow(FormatError);
    await writeFile(join(folder, "adapter_config.json"), "{");
    await expect(importPeft(folder)).rejects.toThrow(FormatError);
    await expect(importPeft(join(folder, "nowhere"))).rejects.toThrow(NotFoundError);
  });

  it("says what to do with a pickled adapter", async () => {
    await writeFolder();
    await rm(join(folder, "adapter_model.safetensors"));
    await expect(importPeft(folder)).rejects.toThrow(NotFoundError);
    await writeFile(join(folder, "adapter_model.bin"), "");
    await expect(importPeft(folder)).rejects.toThrow(/safe_serialization/);
  });
});
