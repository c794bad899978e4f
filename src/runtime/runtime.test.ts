import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CapacityError, ConfigError, FormatError, NotFoundError, UnsupportedError } from "../base/errors.ts";
import { toOnnx } from "../graph/onnx.ts";
import { add, matmul, mul, scale, sum } from "../graph/ops.ts";
import { input, scalar } from "../graph/tensor.ts";
import { type HostTensor, openRuntime, type Runtime } from "./runtime.ts";

const vector = (...values: number[]): HostTensor => ({
  dtype: "float32",
  dims: [values.length],
  data: Float32Array.from(values),
});
const x = input("x", "float32", ["N"]);
const doubled = toOnnx({ y: scale(x, 2) });
const twoOutputs = toOnnx({ next: add(x, scalar(1)), square: mul(x, x) });

/** Takes some tens of milliseconds or more: six products of square matrices. */
function slowModel() {
  const m = input("m", "float32", ["N", "N"]);
  let product = m;
  for (let i = 0; i < 6; i++) product = scale(matmul(product, m), 1e-3);
  return toOnnx({ total: sum(product, [0, 1]) });
}

describe("a runtime", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
  });
  afterAll(() => runtime.dispose());

  it("runs a graph for every size of its free dimensions", async () => {
    const session = await runtime.openSession(doubled);
    expect((await session.run({ x: vector(1, 2, 3) })).values).toEqual({ y: vector(2, 4, 6) });
    expect((await session.run({ x: vector(-1) })).values).toEqual({ y: vector(-2) });
    await session.dispose();
  });

  it("opens a graph of a file, and tells what it takes and gives", async () => {
    const folder = await mkdtemp(join(tmpdir(), "runtime-"));
    try {
      const path = join(folder, "model.onnx");
      await expect(runtime.openFileSession(path)).rejects.toThrow(NotFoundError);
      await writeFile(path, "no graph");
      await expect(runtime.openFileSession(path)).rejects.toThrow(FormatError);
      await writeFile(path, twoOutputs.bytes);
      const session = await runtime.openFileSession(path);
      expect([session.inputs, session.outputs]).toEqual([["x"], ["next", "square"]]);
      expect((await session.run({ x: vector(3) })).values).toEqual({ next: vector(4), square: vector(9) });
      await session.dispose();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("fetches, keeps and reads back as told", async () => {
    const session = await runtime.openSession(twoOutputs);
    const fed = await runtime.createTensor(vector(1, 2));
    const { values, kept } = await session.run({ x: fed }, { keep: ["next"] });
    expect(values).toEqual({ square: vector(1, 4) });
    expect(await runtime.readTensor(kept.next!)).toEqual(vector(2, 3));
    const again = await session.run({ x: kept.next! }, { fetch: ["square"] });
    expect(again.values).toEqual({ square: vector(4, 9) });
    await kept.next!.free();
    await expect(runtime.readTensor(kept.next!)).rejects.toThrow(/closed or never existed/);
    await expect(session.run({ x: kept.next! })).rejects.toThrow(/closed or never existed/);
    await fed.free();
    await session.dispose();
  });

  it("adds lines of an output to a resident tensor, or to a part of it, behind those that are there", async () => {
    // One block of lines of two numbers for each of two rows.
    const x = input("x", "float32", [2, 1, "T", 2]);
    const session = await runtime.openSession(toOnnx({ y: add(x, x) }));
    const lines = (dims: number[], ...numbers: number[]): HostTensor => ({
      dtype: "float32",
      dims,
      data: Float32Array.from(numbers),
    });
    const fed = lines([2, 1, 2, 2], 1, 2, 3, 4, 5, 6, 7, 8);
    const cache = await runtime.createTensor(lines([2, 1, 3, 2], ...new Array(12).fill(0)));
    const append = { to: { y: cache }, starts: [1, 0], counts: [2, 1] };
    expect(await session.run({ x: fed }, { append })).toEqual({ values: {}, kept: {} });
    const once = [0, 0, 2, 4, 6, 8, 10, 12, 0, 0, 0, 0];
    expect(await runtime.readTensor(cache)).toEqual(lines([2, 1, 3, 2], ...once));
    const [buffer] = await runtime.allocate([[20]]);
    const view = { handle: buffer!.handle, offset: 4, dims: [2, 1, 3, 2] };
    await session.run({ x: fed }, { append: { ...append, to: { y: view } } });
    const { data } = await runtime.readTensor(buffer!);
    expect([...data]).toEqual([0, 0, 0, 0, ...once, 0, 0, 0, 0]);
    for (const counts of [
      [3, 0],
      [2, 4],
    ])
      await expect(
        session.run({ x: fed }, { append: { to: { y: cache }, starts: [2, 0], counts } }),
      ).rejects.toThrow("internal:");
    await cache.free();
    await buffer!.free();
    await session.dispose();
  });

  it("takes a view of a larger buffer, and leaves the caller's numbers alone", async () => {
    const session = await runtime.openSession(doubled);
    const all = Float32Array.from({ length: 1000 }, (_, i) => i);
    const view: HostTensor = { dtype: "float32", dims: [3], data: all.subarray(10, 13) };
    expect((await session.run({ x: view })).values.y).toEqual(vector(20, 22, 24));
    const resident = await runtime.createTensor(view);
    expect(await runtime.readTensor(resident)).toEqual(vector(10, 11, 12));
    await resident.free();
    expect(all[11]).toBe(11);
    await session.dispose();
  });

  it("runs nothing when the signal was given before, and goes on afterwards", async () => {
    const x = input("x", "float32", [1, 1, 1, "N"]);
    const session = await runtime.openSession(toOnnx({ next: add(x, x) }));
    const counter = await runtime.createTensor({
      dtype: "float32",
      dims: [1, 1, 1, 1],
      data: Float32Array.of(1),
    });
    const options = { append: { to: { next: counter }, starts: [0], counts: [1] } };
    const value = async () => (await runtime.readTensor(counter)).data[0];
    await expect(session.run({ x: counter }, { ...options, signal: AbortSignal.abort() })).rejects.toThrow(
      /abort/i,
    );
    expect(await value()).toBe(1);
    await session.run({ x: counter }, { ...options, signal: new AbortController().signal });
    expect(await value()).toBe(2);
    await counter.free();
    await session.dispose();
  });

  it("gives ONNX Runtime's errors as errors, and goes on afterwards", async () => {
    const session = await runtime.openSession(doubled);
    const wrong: Record<string, HostTensor>[] = [
      {},
      { other: vector(1) },
      { x: { dtype: "float32", dims: [1, 1], data: Float32Array.of(1) } },
      { x: { dtype: "float32", dims: [2], data: Float32Array.of(1) } },
      { x: { dtype: "int64", dims: [1], data: BigInt64Array.of(1n) } },
    ];
    for (const feeds of wrong) await expect(session.run(feeds)).rejects.toThrow(Error);
    await expect(session.run({ x: vector(1) }, { fetch: ["unknown"] })).rejects.toThrow(Error);
    expect((await session.run({ x: vector(4) })).values.y).toEqual(vector(8));
    await session.dispose();
    await expect(session.run({ x: vector(4) })).rejects.toThrow(/closed or never existed/);
    const broken = { ...doubled, bytes: Uint8Array.of(1, 2, 3) };
    await expect(runtime.openSession(broken)).rejects.toThrow(Error);
  });

  it("says when memory does not suffice, and goes on afterwards", async () => {
    const size = 1_000_000; // the product would take 4 TB
    const column = (dims: number[]): HostTensor => ({ dtype: "float32", dims, data: new Float32Array(size) });
    const product = toOnnx({
      y: matmul(input("a", "float32", ["N", 1]), input("b", "float32", [1, "M"])),
    });
    const outer = await runtime.openSession(product);
    const run = outer.run({ a: column([size, 1]), b: column([1, size]) });
    await expect(run).rejects.toThrow(CapacityError);
    await expect(run).rejects.toThrow(/not enough memory/);
    await outer.dispose();
  });

  it("leaves the event loop free while a graph runs", async () => {
    const session = await runtime.openSession(slowModel());
    const size = 700;
    const square: HostTensor = { dtype: "float32", dims: [size, size], data: new Float32Array(size * size) };
    let [turns, running] = [0, true];
    const turn = () => {
      turns++;
      if (running) setImmediate(turn);
    };
    const run = session.run({ m: square });
    setImmediate(turn);
    await run;
    running = false;
    expect(turns).toBeGreaterThan(20);
    await session.dispose();
  });
});

describe("opening and ending", () => {
  it.each([0, -1, 1.5, Number.NaN, 1025])("refuses %d threads", async (threads) => {
    await expect(openRuntime({ threads })).rejects.toThrow(ConfigError);
  });

  it("finishes what is under way, then refuses everything; twice is once", async () => {
    const runtime = await openRuntime({ threads: 1 });
    const session = await runtime.openSession(doubled);
    const run = session.run({ x: vector(21) });
    await Promise.all([runtime.dispose(), runtime.dispose()]);
    await runtime.dispose();
    expect((await run).values.y).toEqual(vector(42));
    await expect(session.run({ x: vector(1) })).rejects.toThrow(/disposed/);
    await expect(runtime.createTensor(vector(1))).rejects.toThrow(/disposed/);
  });

  it("keeps two runtimes apart", async () => {
    const [first, second] = await Promise.all([openRuntime({ threads: 1 }), openRuntime({ threads: 1 })]);
    const sessions = await Promise.all([first, second].map((runtime) => runtime.openSession(doubled)));
    const tensor = await first.createTensor(vector(1));
    await expect(second.readTensor(tensor)).rejects.toThrow(/never existed/);
    const runs = await Promise.all(sessions.map((session, i) => session.run({ x: vector(i + 1) })));
    expect(runs.map(({ values }) => values.y)).toEqual([vector(2), vector(4)]);
    await first.dispose();
    expect((await sessions[1]!.run({ x: vector(5) })).values.y).toEqual(vector(10));
    await second.dispose();
  });

  it.each([
    ["cuda", /NVIDIA/],
    ["webgpu", /Vulkan/],
  ] as const)("says what device %s lacks here; the process goes on", async (device, missing) => {
    const runtime = await openRuntime({ device, threads: 1 });
    const failure = await runtime.openSession(doubled).then(
      () => undefined,
      (error: unknown) => error,
    );
    await runtime.dispose();
    if (failure === undefined) console.warn(`this machine has ${device}: its absence is not tested`);
    else {
      expect(failure).toBeInstanceOf(UnsupportedError);
      expect(String(failure)).toMatch(missing);
      expect(String(failure)).toMatch(/--device cpu/);
    }
    const cpu = await openRuntime({ threads: 1 });
    const session = await cpu.openSession(doubled);
    expect((await session.run({ x: vector(2) })).values.y).toEqual(vector(4));
    await cpu.dispose();
  });

  it.each([
    ["a program that forgets to dispose ends by itself", ""],
    ["a program that disposes ends by itself", "await runtime.dispose();"],
  ])("%s", (_, end) => {
    const built = pathToFileURL(resolve(import.meta.dirname, "../../dist/runtime/runtime.js")).href;
    const program = `
      import { openRuntime } from ${JSON.stringify(built)};
      const runtime = await openRuntime({ threads: 1 });
      const tensor = await runtime.createTensor({ dtype: "float32", dims: [1], data: Float32Array.of(7) });
      console.log((await runtime.readTensor(tensor)).data[0]);
      ${end}`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 30_000,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "7\n", stderr: "" });
  });
});
