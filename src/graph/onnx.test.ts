import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HostTensor, openRuntime, type Runtime } from "../runtime/runtime.ts";
import { type OnnxModel, toOnnx } from "./onnx.ts";
import { add, cast, exp, matmul, mul, rmsNorm, scale, topK } from "./ops.ts";
import { bytesOf, numbersOf, textsOf } from "./protobuf-reader.suite.ts";
import { input, scalar, type Tensor, weight } from "./tensor.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "prag-onnx-")));
let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ threads: 1 });
});
afterAll(async () => {
  await runtime.dispose();
  rmSync(root, { recursive: true, force: true });
});

/** The graph of a model file: ONNX's field numbers are 7 for the graph, 1 nodes, 5 initializers, 11 inputs, 12 outputs. */
function read({ bytes }: Pick<OnnxModel, "bytes">) {
  const graph = bytesOf(bytes, 7)[0]!;
  const nameOf = (field: number) => (message: Uint8Array) => textsOf(message, field)[0]!;
  return {
    nodes: bytesOf(graph, 1).map((node) => ({
      op: nameOf(4)(node),
      inputs: textsOf(node, 1),
      outputs: textsOf(node, 2),
    })),
    initializers: bytesOf(graph, 5).map(nameOf(8)),
    inputs: bytesOf(graph, 11).map(nameOf(1)),
    outputs: bytesOf(graph, 12).map(nameOf(1)),
  };
}

async function run(model: OnnxModel, feeds: Record<string, HostTensor>) {
  const session = await runtime.openSession(model);
  try {
    return (await session.run(feeds)).values;
  } finally {
    await session.dispose();
  }
}

const vector = (...values: number[]): HostTensor => ({
  dtype: "float32",
  dims: [values.length],
  data: Float32Array.from(values),
});
const x = input("x", "float32", ["N"]);

describe("toOnnx", () => {
  it("states IR 10, opset 21 and com.microsoft 1", () => {
    const { bytes } = toOnnx({ y: exp(x) });
    expect(numbersOf(bytes, 1)).toEqual([10]);
    expect(bytesOf(bytes, 8).map((opset) => [textsOf(opset, 1)[0], numbersOf(opset, 2)[0]])).toEqual([
      ["", 21],
      ["com.microsoft", 1],
    ]);
  });

  it("leaves out nodes, inputs and weights that no output needs", () => {
    const unused = input("unused", "float32", ["N"]);
    const far = weight("far", {
      dtype: "float32",
      shape: [1],
      range: { file: "/nowhere", offset: 0, byteLength: 4 },
    });
    const e = exp(x);
    mul(add(e, unused), far);
    const model = toOnnx({ y: scale(e, 2) });
    expect(model.inputs).toEqual(["x"]);
    const graph = read(model);
    expect(graph.nodes.map(({ op }) => op)).toEqual(["Exp", "Mul"]);
    expect(graph).toMatchObject({ inputs: ["x"], outputs: ["y"] });
    expect(graph.initializers).toHaveLength(1);
  });

  it("writes a shared tensor once, producers first", () => {
    const e = exp(x);
    const graph = read(toOnnx({ y: mul(add(e, e), e) }));
    expect(graph.nodes.map(({ op }) => op)).toEqual(["Exp", "Add", "Mul"]);
    expect(graph.nodes[2]!.outputs).toEqual(["y"]);
  });

  it("gives one tensor two output names, and passes an input on", async () => {
    const y = scale(x, 3);
    const model = toOnnx({ first: y, second: y, same: x, after: scale(y, 2) });
    expect(await run(model, { x: vector(1, 2) })).toEqual({
      first: vector(3, 6),
      second: vector(3, 6),
      same: vector(1, 2),
      after: vector(6, 12),
    });
  });

  it("computes a second output of a node only where it is used", async () => {
    const table = input("x", "float32", ["M", 4]);
    const normOutputs = (outputs: Record<string, Tensor>) =>
      read(toOnnx(outputs)).nodes.find(({ op }) => op.startsWith("Simplified"))!.outputs;
    const y = rmsNorm(table, input("s", "float32", [4]), 1e-6);
    expect(normOutputs({ y })).toEqual(["y"]);
    if (y.origin.kind !== "node") throw new Error("not a node");
    const inverse = y.origin.node.outputs[1]!;
    expect(normOutputs({ y, inverse })).toEqual(["y", "inverse"]);
    const { indices } = topK(table, 2);
    const data = Float32Array.of(1, 4, 2, 3);
    const { best } = await run(toOnnx({ best: indices }), { x: { dtype: "float32", dims: [1, 4], data } });
    expect(best!.data).toEqual(BigInt64Array.of(1n, 3n));
  });

  it("refuses two things of one name", () => {
    expect(() => toOnnx({ x: exp(x) })).toThrow(/x is named twice/);
    expect(() => toOnnx({ y: add(x, input("x", "float32", ["N"])) })).toThrow(/two tensors are named x/);
    const w = weight("w", {
      dtype: "float32",
      shape: [1],
      range: { file: "/a/w", offset: 0, byteLength: 4 },
    });
    expect(() => toOnnx({ w: mul(x, w) }, { folder: "/a" })).toThrow(/w is named twice/);
  });
});

describe("weights in files", () => {
  const wanted = Float32Array.of(1.5, -2, 0.25);
  const three = input("x", "float32", [3]);
  /** Numbers behind some bytes that make them unaligned. */
  function writeWeight(path: string, begin: number): Tensor {
    const bytes = Buffer.concat([Buffer.alloc(begin, 1), Buffer.from(wanted.buffer), Buffer.alloc(3, 2)]);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, bytes);
    return weight(`weight at ${begin}`, {
      dtype: "float32",
      shape: [3],
      range: { file: path, offset: begin, byteLength: 12 },
    });
  }

  it("are named relative to the folder, and read from any offset of several files", async () => {
    const folder = join(root, "several");
    const weights = [
      writeWeight(join(folder, "top.bin"), 0),
      writeWeight(join(folder, "deep/er/file.bin"), 7),
      writeWeight(join(folder, "deep/er file/ü.bin"), 4097),
    ];
    const model = toOnnx({ y: weights.reduce((sum, w) => add(sum, w), three) }, { folder });
    const graph = bytesOf(model.bytes, 7)[0]!;
    const entries = bytesOf(graph, 5).map((initializer) =>
      Object.fromEntries(
        bytesOf(initializer, 13).map((entry) => [textsOf(entry, 1)[0], textsOf(entry, 2)[0]]),
      ),
    );
    expect(entries).toEqual([
      { location: "top.bin", offset: "0", length: "12" },
      { location: "deep/er/file.bin", offset: "7", length: "12" },
      { location: "deep/er file/ü.bin", offset: "4097", length: "12" },
    ]);
    expect((await run(model, { x: vector(1, 1, 1) })).y).toEqual(vector(5.5, -5, 1.75));
  });

  it("may lie anywhere below the root folder", async () => {
    const w = writeWeight(join(root, "anywhere/w.bin"), 5);
    expect(
      (await run(toOnnx({ y: add(three, w) }, { folder: "/" }), { x: vector(0, 0, 0) })).y!.data,
    ).toEqual(wanted);
  });

  it("need their real path: ONNX Runtime refuses a link that leaves the folder", async () => {
    const real = join(root, "blobs/w.bin");
    const w = writeWeight(real, 3);
    const folder = join(root, "snapshot");
    mkdirSync(folder);
    symlinkSync(real, join(folder, "w.bin"));
    const linked = weight("linked", {
      dtype: "float32",
      shape: [3],
      range: { file: join(folder, "w.bin"), offset: 3, byteLength: 12 },
    });
    await expect(
      run(toOnnx({ y: add(three, linked) }, { folder }), { x: vector(0, 0, 0) }),
    ).rejects.toThrow();
    const model = toOnnx({ y: add(three, w) }, { folder: join(real, "..") });
    expect((await run(model, { x: vector(0, 0, 0) })).y!.data).toEqual(wanted);
  });

  it("must lie below the folder, and there must be one", () => {
    const w = writeWeight(join(root, "outside/w.bin"), 0);
    expect(() => toOnnx({ y: add(three, w) })).toThrow(/needs a folder/);
    expect(() => toOnnx({ y: add(three, w) }, { folder: join(root, "inside") })).toThrow(/not below/);
  });

  it("of 16 bits are cast, and multiplied as they are", async () => {
    const path = join(root, "bf16.bin");
    writeFileSync(path, Buffer.from(Uint16Array.of(0x3f80, 0x4000, 0xc040, 0x3f00).buffer)); // 1, 2, -3, 0.5
    const w = weight("w", {
      dtype: "bfloat16",
      shape: [2, 2],
      range: { file: path, offset: 0, byteLength: 8 },
    });
    const row = input("row", "float32", ["M", 2]);
    const model = toOnnx({ y: matmul(row, cast(w, "float32"), { transB: true }) }, { folder: root });
    const { y } = await run(model, {
      row: { dtype: "float32", dims: [1, 2], data: Float32Array.of(10, 100) },
    });
    expect(y!.data).toEqual(Float32Array.of(210, 20));
  });

  it("must have as many bytes as their shape says", () => {
    const range = { file: "/w", offset: 0, byteLength: 11 };
    expect(() => weight("w", { dtype: "float32", shape: [3], range })).toThrow(/needs 12 bytes/);
    expect(scalar(1).shape).toEqual([]);
  });
});
