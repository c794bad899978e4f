import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../base/errors.ts";
import { encodeSafetensors, openSafetensors, readTensor, type TensorData } from "../weights/safetensors.ts";
import { openMemoryModel } from "./memory-model.ts";
import { openModel } from "./open-model.ts";

const fixtures = join(import.meta.dirname, "../../test/parity/fixtures");
const root = mkdtempSync(join(tmpdir(), "memory-model-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The settings that the published models add to those of their base. */
const published = {
  beacon_window: 2048,
  beacon_stride: 2048,
  beacon_attn: "full-coverage",
  beacon_attend_prev: true,
  beacon_pos: "interleave",
  beacon_ratio: [2, 4, 8],
  beacon_sink_size: 0,
  beacon_param: ["q", "k", "v"],
};

async function tensorsOf(path: string, dtype: "F32"): Promise<TensorData[]> {
  const { tensors } = await openSafetensors(path);
  return Promise.all(
    [...tensors.values()].map(async (entry) => ({
      name: entry.name,
      shape: entry.shape,
      dtype,
      data: await readTensor(entry),
    })),
  );
}

let counter = 0;
/** A folder as published ones are: base and memory weights together. */
async function publishedFolder(
  base: string,
  { settings = {}, change = (all: TensorData[]) => all } = {},
): Promise<string> {
  const folder = join(root, String(counter++));
  cpSync(join(fixtures, base), folder, { recursive: true });
  const all = [
    ...(await tensorsOf(join(fixtures, base, "model.safetensors"), "F32")),
    ...(await tensorsOf(join(fixtures, "memory", base, "memory.safetensors"), "F32")),
  ];
  rmSync(join(folder, "model.safetensors"));
  writeFileSync(join(folder, "model.safetensors"), encodeSafetensors(change(all)));
  const path = join(folder, "config.json");
  const config: unknown = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify(Object.assign({}, config, published, settings)));
  return folder;
}

describe("a published memory model", () => {
  it.each(["qwen2-tied", "llama-tied"])("opens as base and as memory: %s", async (base) => {
    const folder = await publishedFolder(base);
    const model = await openModel(folder);
    const memory = await openMemoryModel(folder, model);
    expect(memory.window).toBe(2048);
    expect(memory.fingerprint).toBe(model.checkpoint.fingerprint);
    const stored = await openSafetensors(join(fixtures, "memory", base, "memory.safetensors"));
    expect([...memory.tensors.keys()].sort()).toEqual([...stored.tensors.keys()].sort());
    for (const [name, entry] of stored.tensors)
      expect(await readTensor(memory.tensors.get(name)!)).toEqual(await readTensor(entry));
  });

  it("is refused where it is another mechanism, or incomplete", async () => {
    const open = async (options: Parameters<typeof publishedFolder>[1]) => {
      const folder = await publishedFolder("qwen2-tied", options);
      return openMemoryModel(folder, await openModel(folder));
    };
    for (const settings of [
      { beacon_stride: 1024 },
      { beacon_pos: "append" },
      { beacon_attn: "segmentation" },
      { beacon_attend_prev: false },
      { beacon_sink_size: 1 },
    ]) {
      await expect(open({ settings }), JSON.stringify(settings)).rejects.toThrow(UnsupportedError);
    }
    const renamed = (all: TensorData[]) =>
      all.map((one) => ({ ...one, name: one.name.replace("1.self_attn.beacon_q_proj.weight", "x") }));
    await expect(open({ change: renamed })).rejects.toThrow(FormatError);
    const output = (all: TensorData[]) =>
      all.map((one) => ({ ...one, name: one.name.replace("beacon_v_proj.bias", "beacon_o_proj.weight") }));
    await expect(open({ change: output })).rejects.toThrow(/beacon_o_proj/);
    const plain = join(fixtures, "qwen2-tied");
    await expect(openMemoryModel(plain, await openModel(plain))).rejects.toThrow(/beacon_window/);
  });
});
