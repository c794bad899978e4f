import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, FormatError, NotFoundError, ShapeError, UnsupportedError } from "../base/errors.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { encodeSafetensors, openSafetensors, readRaw, type TensorData } from "../weights/safetensors.ts";
import { feedForwardShapes, randomAdapter, relativeError } from "./adapter.suite.ts";
import type { Adapter } from "./adapter.ts";
import {
  encodeAdapter,
  loadAdapter,
  loadAdapterHeader,
  type Provenance,
  saveAdapter,
} from "./adapter-file.ts";
import { adapterDtypes } from "./size.ts";

const provenance: Provenance = {
  baseModel: { name: "tiny", fingerprint: "f".repeat(64) },
  createdBy: "parametric-rag 0.1.0",
  passageId: "p1",
  recipe: { name: "packed", learningRate: 3e-4 },
  losses: [2.5, 1.25],
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adapter-file-"));
  path = join(folder, "a.safetensors");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Loads and returns the error. */
async function failure(): Promise<unknown> {
  return await loadAdapter(path).then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Writes a file that differs from a good one in its header or tensors, with the checksum made right again. */
async function saveChanged(
  change: (header: Record<string, unknown>, tensors: TensorData[]) => void,
): Promise<void> {
  await saveAdapter(path, randomAdapter(1), { dtype: "f32", provenance });
  const file = await openSafetensors(path);
  const header: Record<string, unknown> = JSON.parse(file.metadata.parametric_rag_adapter ?? "");
  const tensors: TensorData[] = [];
  for (const entry of file.tensors.values()) tensors.push({ ...entry, data: await readRaw(entry) });
  change(header, tensors);
  const { checksum: _, ...rest } = header;
  const bytes = Buffer.concat(tensors.map(({ data }) => Buffer.from(data.buffer)));
  header.checksum = sha256(Buffer.concat([Buffer.from(canonicalJson(rest)), bytes]));
  await writeFile(path, encodeSafetensors(tensors, { parametric_rag_adapter: canonicalJson(header) }));
}

describe("adapter file", () => {
  // Half of f16's last place is 2^-11 of a number; half of an int8 step is 1/254 of its row's largest number.
  const tolerances = { f32: 0, f16: 2 ** -11, int8: 1 / 254 + 1e-6 };
  it.each(adapterDtypes)("gives back what was saved as %s", async (dtype) => {
    const adapter = randomAdapter(1, { rank: 3, alpha: 7.5 });
    const bytes = await saveAdapter(path, adapter, { dtype, provenance });
    const { adapter: loaded, header } = await loadAdapter(path);
    expect(bytes).toBe((await readFile(path)).length);
    expect(header).toMatchObject({ rank: 3, alpha: 7.5, dtype, provenance });
    expect(await loadAdapterHeader(path)).toEqual(header);
    expect(loaded.config).toEqual(adapter.config);
    expect([...loaded.modules.keys()]).toEqual([...adapter.modules.keys()]);
    for (const [name, { down, up, inFeatures, outFeatures }] of adapter.modules) {
      const got = loaded.modules.get(name);
      expect(got).toMatchObject({ inFeatures, outFeatures });
      expect(relativeError(got?.down ?? [], down)).toBeLessThanOrEqual(tolerances[dtype]);
      expect(relativeError(got?.up ?? [], up)).toBeLessThanOrEqual(tolerances[dtype]);
    }
  });

  it("has an int8 scale per row: a small row beside a large one keeps its precision", async () => {
    const adapter = randomAdapter(1);
    const { down, inFeatures } = adapter.modules.get("layers.0.mlp.up_proj")!;
    for (let i = 0; i < inFeatures; i++) down[i]! *= 1e-6;
    await saveAdapter(path, adapter, { dtype: "int8", provenance });
    const got = (await loadAdapter(path)).adapter.modules.get("layers.0.mlp.up_proj")!.down;
    expect(relativeError(got.subarray(0, inFeatures), down.subarray(0, inFeatures))).toBeLessThan(1 / 250);
  });

  it.each(adapterDtypes)("keeps an untrained adapter's zeros as %s", async (dtype) => {
    const adapter = randomAdapter(1);
    for (const { up } of adapter.modules.values()) up.fill(0);
    await saveAdapter(path, adapter, { dtype, provenance });
    for (const { up } of (await loadAdapter(path)).adapter.modules.values())
      expect(up.every((x) => x === 0)).toBe(true);
  });

  it("has the model's order of modules beyond nine layers", async () => {
    const shapes = feedForwardShapes(12);
    await saveAdapter(path, randomAdapter(1, { shapes }), { dtype: "f16", provenance });
    const { adapter } = await loadAdapter(path);
    expect([...adapter.modules.keys()]).toEqual(shapes.map(({ name }) => name));
  });

  it("gives equal bytes for equal input", () => {
    const encode = () => encodeAdapter(randomAdapter(1), { dtype: "int8", provenance });
    expect(encode()).toEqual(encode());
  });

  it("takes f16 and int8 at half and a quarter of the bytes", () => {
    const adapter = randomAdapter(1, { shapes: feedForwardShapes(2, 512, 2048) });
    const [f32, f16, int8] = adapterDtypes.map(
      (dtype) => encodeAdapter(adapter, { dtype, provenance }).length,
    );
    expect(f16! / f32!).toBeCloseTo(1 / 2, 1);
    expect(int8! / f32!).toBeCloseTo(1 / 4, 1);
  });
});

describe("saveAdapter", () => {
  const change = (value: number): Adapter => {
    const adapter = randomAdapter(1);
    adapter.modules.get("layers.1.mlp.gate_proj")!.up[5] = value;
    return adapter;
  };

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses %s, and writes nothing", async (value) => {
    const save = saveAdapter(path, change(value), { dtype: "f32", provenance });
    await expect(save).rejects.toThrow(ConfigError);
    await expect(save).rejects.toThrow("layers.1.mlp.gate_proj up has a number that is not finite");
    await expect(loadAdapter(path)).rejects.toThrow(NotFoundError);
  });

  it("refuses what f16 cannot hold, and says what can", async () => {
    const save = saveAdapter(path, change(70_000), { dtype: "f16", provenance });
    await expect(save).rejects.toThrow(/beyond f16's 65504; store this adapter as f32/);
  });

  it("refuses factors that do not have the rank", async () => {
    const adapter = { ...randomAdapter(1), config: { rank: 3, alpha: 1, targetModules: [] } };
    await expect(saveAdapter(path, adapter, { dtype: "f32", provenance })).rejects.toThrow(ShapeError);
  });
});

describe("loadAdapter", () => {
  it("refuses an adapter of another model, with both fingerprints and what to do", async () => {
    await saveAdapter(path, randomAdapter(1), { dtype: "f16", provenance });
    const load = loadAdapter(path, { fingerprint: "e".repeat(64) });
    await expect(load).rejects.toThrow(ConfigError);
    await expect(load).rejects.toThrow(
      /tiny \(fingerprint f{64}\), not for .* e{64}\); use that model, or encode/,
    );
    await expect(loadAdapter(path, { fingerprint: "f".repeat(64) })).resolves.toBeDefined();
  });

  it("finds a damaged byte anywhere in the file", async () => {
    await saveAdapter(path, randomAdapter(1), { dtype: "int8", provenance });
    const good = await readFile(path);
    for (let at = 0; at < good.length; at += 13) {
      const bad = Buffer.from(good);
      bad[at]! ^= 0x41;
      await writeFile(path, bad);
      expect(await failure(), `byte ${at}`).toSatisfy(
        (error) => error instanceof FormatError || error instanceof UnsupportedError,
      );
    }
  });

  it("finds every truncation, with the path", async () => {
    await saveAdapter(path, randomAdapter(1), { dtype: "f16", provenance });
    const good = await readFile(path);
    for (const length of [0, 1, 7, 8, 100, good.length >> 1, good.length - 1]) {
      await writeFile(path, good.subarray(0, length));
      expect(await failure()).toMatchObject({ code: "format", message: expect.stringContaining(path) });
    }
  });

  it("refuses another program's safetensors file", async () => {
    await writeFile(
      path,
      encodeSafetensors([{ name: "w", dtype: "F32", shape: [1], data: new Float32Array(1) }]),
    );
    expect(await failure()).toMatchObject({
      code: "format",
      message: expect.stringContaining("prag adapters import"),
    });
  });

  it("refuses another format version and says what to do", async () => {
    await saveChanged((header) => (header.formatVersion = 2));
    expect(await failure()).toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("update"),
    });
  });

  const damages: [string, (header: Record<string, unknown>, tensors: TensorData[]) => void, string][] = [
    ["a missing tensor", (_, tensors) => tensors.pop(), "is missing"],
    ["a wrong rank", (header) => (header.rank = 3), "wanted [3, its features]"],
    ["a negative alpha", (header) => (header.alpha = -1), 'field "alpha"'],
    ["another number type", (header) => (header.dtype = "f16"), "is F32, wanted F16"],
    ["no provenance", (header) => delete header.provenance, 'field "provenance"'],
    ["no tensors", (_, tensors) => tensors.splice(0), "has no tensors"],
    [
      "a foreign tensor",
      (_, tensors) => (tensors[0] = { ...tensors[0]!, name: "layers.0.mlp.down_proj.bias" }),
      "is not part of an adapter",
    ],
    [
      "a renamed tensor",
      (_, tensors) => (tensors[0] = { ...tensors[0]!, name: "layers.0.mlp.aaa.down" }),
      "is missing",
    ],
  ];
  it.each(damages)("refuses %s", async (_, damage, message) => {
    await saveChanged(damage);
    expect(await failure()).toMatchObject({
      code: "format",
      path,
      message: expect.stringContaining(message),
    });
  });
});
