import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CapacityError, ConfigError, FormatError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { toOnnx } from "../graph/onnx.ts";
import { matmulQuantised } from "../graph/ops.ts";
import { constant, input } from "../graph/tensor.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { type Bits, blocksOf, quantiseRows } from "../weights/quantise.ts";
import { encodeSafetensors, openSafetensors, readTensor } from "../weights/safetensors.ts";
import { commonFolder } from "./base-weights.ts";
import { openModel } from "./open-model.ts";
import { openQuantisedWeights } from "./quantised-weights.ts";

const root = mkdtempSync(join(tmpdir(), "prag-quantised-"));
let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ threads: 1 });
});
afterAll(async () => {
  await runtime.dispose();
  rmSync(root, { recursive: true, force: true });
});

let count = 0;
const newFolder = () => {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  return folder;
};
const fixtures = resolve(import.meta.dirname, "../../test/parity/fixtures");
const fixture = (name: string) => openModel(join(fixtures, name));
const random = new Random("quantised weights");
const gaussian = (length: number) => Float32Array.from({ length }, () => random.normal());

/** x [M, K] · weightᵀ, [N, K] → [M, N], exactly and by MatMulNBits; the second's distance in the 2-norm, relative. */
async function matmulError({ M, K, N, bits }: { M: number; K: number; N: number; bits: Bits }) {
  const [x, values] = [gaussian(M * K), gaussian(N * K)];
  const quantisation = { bits, blockSize: 32 };
  const { packed, scales } = quantiseRows(values, K, quantisation)!;
  const blocks = blocksOf(K, quantisation);
  const y = matmulQuantised(input("x", "float32", ["M", K]), {
    packed: constant(packed, [N, blocks, 4 * bits]),
    scales: constant(scales, [N * blocks]),
    ...quantisation,
    outFeatures: N,
  });
  const session = await runtime.openSession(toOnnx({ y }), { prepack: true });
  const { y: got } = (await session.run({ x: { dtype: "float32", dims: [M, K], data: x } })).values;
  await session.dispose();
  let [difference, norm] = [0, 0];
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let exact = 0;
      for (let k = 0; k < K; k++) exact += x[m * K + k]! * values[n * K + k]!;
      difference += (Number(got!.data[m * N + n]) - exact) ** 2;
      norm += exact ** 2;
    }
  }
  return Math.sqrt(difference / norm);
}

describe("a matmul with quantised weights", () => {
  it.each([
    [1, 256, 64],
    [7, 256, 64],
    [1, 40, 33],
    [5, 40, 33],
    [3, 100, 8],
    [16, 7, 64],
  ])("of 8 bits is within 1 % of the exact one: M %i, K %i, N %i", async (M, K, N) => {
    expect(await matmulError({ M, K, N, bits: 8 })).toBeLessThan(0.01);
  });

  it("of 4 bits is within 12 %", async () => {
    expect(await matmulError({ M: 3, K: 256, N: 64, bits: 4 })).toBeLessThan(0.12);
    expect(await matmulError({ M: 3, K: 40, N: 33, bits: 4 })).toBeLessThan(0.12);
  });
});

describe("openQuantisedWeights", () => {
  const only = (folder: string) => join(folder, readdirSync(folder)[0]!, "model.safetensors");

  it("makes the file once, with progress, and leaves nothing beside it", async () => {
    const [model, cacheFolder] = [await fixture("llama-tied"), newFolder()];
    const reports: number[] = [];
    await openQuantisedWeights(model, {
      cacheFolder,
      progress: ({ done, total }) => reports.push(done / total),
    });
    expect(reports.at(-1)).toBe(1);
    expect(reports.toSorted((a, b) => a - b)).toEqual(reports);
    expect(readdirSync(join(only(cacheFolder), ".."))).toEqual(["model.safetensors"]);
    const { mtimeMs, size } = statSync(only(cacheFolder));
    expect(size).toBeLessThan(0.45 * statSync([...model.checkpoint.tensors.values()][0]!.file).size);
    const progress = () => {
      throw new Error("made twice");
    };
    await openQuantisedWeights(model, { cacheFolder, progress });
    expect(statSync(only(cacheFolder)).mtimeMs).toBe(mtimeMs);
  });

  it("makes a truncated file and what a killed process left again, to the same bytes", async () => {
    const [model, cacheFolder] = [await fixture("qwen2-untied"), newFolder()];
    await openQuantisedWeights(model, { cacheFolder });
    const path = only(cacheFolder);
    const bytes = readFileSync(path);
    truncateSync(path, bytes.length - 1);
    writeFileSync(`${path}.part`, "x".repeat(2 * bytes.length));
    await openQuantisedWeights(model, { cacheFolder });
    expect(Buffer.compare(readFileSync(path), bytes)).toBe(0);
    expect(readdirSync(join(path, ".."))).toEqual(["model.safetensors"]);
  });

  it("gives the same bytes after kills at any moment", async () => {
    const [undisturbed, cacheFolder] = [newFolder(), newFolder()];
    await openQuantisedWeights(await fixture("llama-tied"), { cacheFolder: undisturbed });
    const built = (path: string) =>
      JSON.stringify(pathToFileURL(resolve(import.meta.dirname, "../../dist", path)).href);
    for (const report of [1, 7, 20, 44]) {
      const program = `
        import { openModel } from ${built("models/open-model.js")};
        import { openQuantisedWeights } from ${built("models/quantised-weights.js")};
        let reports = 0;
        await openQuantisedWeights(await openModel(${JSON.stringify(join(fixtures, "llama-tied"))}), {
          cacheFolder: ${JSON.stringify(cacheFolder)},
          progress: () => ++reports === ${report} && process.kill(process.pid, "SIGKILL"),
        });`;
      const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", program]);
      expect(signal).toBe("SIGKILL");
      expect(existsSync(only(cacheFolder))).toBe(false);
    }
    await openQuantisedWeights(await fixture("llama-tied"), { cacheFolder });
    expect(Buffer.compare(readFileSync(only(cacheFolder)), readFileSync(only(undisturbed)))).toBe(0);
    expect(readdirSync(join(only(cacheFolder), ".."))).toEqual(["model.safetensors"]);
  });

  it("keeps 8 and 4 bits, and other models, apart", async () => {
    const cacheFolder = newFolder();
    await openQuantisedWeights(await fixture("llama-tied"), { cacheFolder });
    await openQuantisedWeights(await fixture("llama-tied"), { cacheFolder, bits: 4 });
    await openQuantisedWeights(await fixture("llama-bf16"), { cacheFolder });
    expect(readdirSync(cacheFolder)).toHaveLength(3);
  });

  it("quantises the head of a tied model and every linear, and nothing else", async () => {
    const [model, cacheFolder] = [await fixture("llama-tied"), newFolder()];
    await openQuantisedWeights(model, { cacheFolder });
    const { tensors } = await openSafetensors(only(cacheFolder));
    expect(tensors.size).toBe(2 * (7 * model.config.layers + 1));
    expect(tensors.get("lm_head.packed")!.shape).toEqual([model.config.vocabularySize, 2, 32]);
    const scales = await readTensor(tensors.get("layers.0.mlp.down_proj.scales")!);
    expect(scales.every((scale) => Number.isFinite(scale) && scale !== 0)).toBe(true);
  });

  it("finds weights and cache below one folder wherever they lie, links resolved", async () => {
    const model = await fixture("llama-tied");
    const link = join(newFolder(), "link");
    symlinkSync(newFolder(), link);
    const { folder, linear } = await openQuantisedWeights(model, { cacheFolder: link });
    expect(model.checkpoint.folder.startsWith(folder)).toBe(true);
    expect(root.startsWith(folder)).toBe(true);
    const y = linear("layers.0.mlp.gate_proj", input("x", "float32", ["M", 64]));
    const session = await runtime.openSession(toOnnx({ y }, { folder }), { prepack: true });
    const x = { dtype: "float32", dims: [1, 64], data: gaussian(64) } as const;
    const { y: got } = (await session.run({ x })).values;
    await session.dispose();
    const table = await readTensor(model.checkpoint.tensors.get("model.layers.0.mlp.gate_proj.weight")!);
    const wanted = Float32Array.from({ length: 160 }, (_, n) =>
      x.data.reduce((sum, value, k) => sum + value * table[n * 64 + k]!, 0),
    );
    const size = Math.hypot(...wanted);
    expect(Math.hypot(...wanted.map((value, n) => value - Number(got!.data[n])))).toBeLessThan(0.02 * size);
  });

  it("says that the disk is full, and leaves nothing behind", async ({ skip }) => {
    if (!existsSync("/dev/full")) skip("this system has no /dev/full");
    const [model, cacheFolder] = [await fixture("llama-tied"), newFolder()];
    await openQuantisedWeights(model, { cacheFolder });
    const path = only(cacheFolder);
    rmSync(path);
    symlinkSync("/dev/full", `${path}.part`);
    await expect(openQuantisedWeights(model, { cacheFolder })).rejects.toThrow(CapacityError);
    expect(readdirSync(join(path, ".."))).toEqual([]);
  });

  it("refuses weights that are not finite, and names the tensor", async () => {
    const model = await fixture("llama-tied");
    const name = "model.layers.1.mlp.up_proj.weight";
    const entry = model.checkpoint.tensors.get(name)!;
    const data = await readTensor(entry);
    data[77] = Number.NaN;
    const path = join(newFolder(), "broken.safetensors");
    writeFileSync(path, encodeSafetensors([{ name, dtype: "F32", shape: entry.shape, data }]));
    const { tensors } = await openSafetensors(path);
    const checkpoint = { ...model.checkpoint, tensors: new Map([...model.checkpoint.tensors, ...tensors]) };
    const opening = openQuantisedWeights({ ...model, checkpoint }, { cacheFolder: newFolder() });
    await expect(opening).rejects.toThrow(FormatError);
    await expect(opening).rejects.toThrow(/up_proj.*not finite/);
  });
});

describe("commonFolder", () => {
  it("is the deepest folder above all files", () => {
    expect(commonFolder(["/a/b/c/x", "/a/b/d/y", "/a/b/z"])).toBe("/a/b");
    expect(commonFolder(["/a/b/x"])).toBe("/a/b");
    expect(commonFolder(["/a/bc/x", "/a/bd/x"])).toBe("/a");
    expect(commonFolder(["/a/x", "/b/x"])).toBe("/");
    expect(commonFolder(["/x", "/b/x"])).toBe("/");
  });

  it("refuses files that have none", () => {
    expect(() => commonFolder(["C:/a/x", "D:/a/x"])).toThrow(ConfigError);
  });
});
