// The thread that owns ONNX Runtime: sessions and resident tensors live here and are named by number.
import { parentPort } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import type {
  Append,
  Calls,
  Handle,
  HostTensor,
  Machine,
  Range,
  Request,
  Response,
  SessionOptions,
  View,
} from "./protocol.ts";

const port = parentPort;
if (!port) throw new Error("internal: the runtime worker was started without a port");

// Errors reach the caller as errors; on stderr they would stand a second time.
ort.env.logLevel = "fatal";
const fatalOnly = 4;

const sessions = new Map<number, ort.InferenceSession>();
const tensors = new Map<number, ort.Tensor>();
let counter = 1;

function register<T>(map: Map<number, T>, value: T): number {
  map.set(counter, value);
  return counter++;
}

function find<T>(map: Map<number, T>, key: number, what: string): T {
  const value = map.get(key);
  if (value === undefined) throw new Error(`internal: ${what} ${key} was closed or never existed`);
  return value;
}

function toOrt(tensor: HostTensor): ort.Tensor {
  switch (tensor.dtype) {
    case "float32":
      return new ort.Tensor("float32", tensor.data, tensor.dims);
    case "float16":
      return new ort.Tensor("float16", tensor.data, tensor.dims);
    case "int64":
      return new ort.Tensor("int64", tensor.data, tensor.dims);
    case "int32":
      return new ort.Tensor("int32", tensor.data, tensor.dims);
    case "uint8":
      return new ort.Tensor("uint8", tensor.data, tensor.dims);
    case "bool":
      return new ort.Tensor("bool", tensor.data, tensor.dims);
  }
}

/** Copies out of native memory: its buffers cannot be transferred. */
function toHost(tensor: ort.Tensor): HostTensor {
  const { data, dims, type } = tensor;
  if (type === "float32" && data instanceof Float32Array) return { dtype: type, dims, data: data.slice() };
  if (type === "int64" && data instanceof BigInt64Array) return { dtype: type, dims, data: data.slice() };
  if (type === "int32" && data instanceof Int32Array) return { dtype: type, dims, data: data.slice() };
  if ((type === "uint8" || type === "bool") && data instanceof Uint8Array)
    return { dtype: type, dims, data: data.slice() };
  if (type === "float16" && data instanceof Uint16Array) return { dtype: type, dims, data: data.slice() };
  throw new Error(`internal: cannot bring back a tensor of type ${type}`);
}

function sessionOptions(
  { folder, prepack = false, fold = true }: SessionOptions,
  { device, threads, spin }: Machine,
): ort.InferenceSession.SessionOptions {
  // Every value under `extra` must be a string; nested keys become dotted names.
  const session: Record<string, string> = {};
  if (!prepack) session.disable_prepacking = "1";
  if (!spin) session["intra_op.allow_spinning"] = "0";
  if (folder !== undefined) session.model_external_initializers_file_folder_path = folder;
  const optimization: Record<string, string> = fold
    ? {}
    : { disable_specified_optimizers: "ConstantFolding;CommonSubexpressionElimination" };
  return {
    executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: prepack ? "all" : "basic",
    enableMemPattern: false,
    enableCpuMemArena: true,
    logSeverityLevel: fatalOnly,
    extra: { session, optimization },
  };
}

const handlers: { [C in keyof Calls]: (message: Calls[C]["message"]) => Promise<Calls[C]["answer"]> } = {
  async open({ model, machine, options }) {
    const session = await ort.InferenceSession.create(model, sessionOptions(options, machine));
    return register(sessions, session);
  },
  async openFile({ path, machine }) {
    const session = await ort.InferenceSession.create(path, sessionOptions({ prepack: true }, machine));
    return {
      session: register(sessions, session),
      inputs: session.inputNames,
      outputs: session.outputNames,
    };
  },
  async close({ session }) {
    await find(sessions, session, "session").release();
    sessions.delete(session);
    return undefined;
  },
  async run({ session, feeds, fetch, keep, append }) {
    const inputs: Record<string, ort.Tensor> = {};
    const temporary: ort.Tensor[] = [];
    try {
      for (const [name, feed] of Object.entries(feeds)) {
        if (isHandle(feed)) inputs[name] = resident(feed);
        else temporary.push((inputs[name] = toOrt(feed)));
      }
      const wanted: Record<string, ort.Tensor | null> = {};
      const appended = Object.entries(append?.to ?? {});
      for (const name of [...fetch, ...keep, ...appended.map(([output]) => output)]) wanted[name] = null;
      const outputs = await find(sessions, session, "session").run(inputs, wanted);
      const values: Record<string, HostTensor> = {};
      const kept: Record<string, number> = {};
      for (const name of keep) kept[name] = register(tensors, outputs[name]!);
      for (const [name, target] of appended) {
        appendLines(outputs[name]!, resident(target), append!);
        outputs[name]!.dispose();
      }
      for (const name of fetch) {
        values[name] = toHost(outputs[name]!);
        outputs[name]!.dispose();
      }
      return { values, kept };
    } finally {
      for (const tensor of temporary) tensor.dispose();
    }
  },
  async create({ tensor }) {
    return register(tensors, toOrt(tensor));
  },
  async allocate({ dims }) {
    // All or none: what is known by a handle stays until it is freed.
    const made = dims.map((one) => {
      const size = one.reduce((a, b) => a * b, 1);
      return new ort.Tensor("float32", new Float32Array(size), one);
    });
    return made.map((tensor) => register(tensors, tensor));
  },
  async copy({ copies }) {
    for (const { from, to } of copies) numbers(to).set(numbers(from));
    return undefined;
  },
  async write({ writes }) {
    for (const { to, data } of writes) {
      const target = numbers(to);
      target.set(data);
      target.fill(0, data.length);
    }
    return undefined;
  },
  async read({ handle }) {
    return toHost(find(tensors, handle, "tensor"));
  },
  async free({ handles }) {
    for (const handle of handles) {
      tensors.get(handle)?.dispose();
      tensors.delete(handle);
    }
    return undefined;
  },
  async shutdown() {
    for (const tensor of tensors.values()) tensor.dispose();
    for (const session of sessions.values()) await session.release();
    tensors.clear();
    sessions.clear();
    return undefined;
  },
};

/** A resident tensor, or the part of it that a view names: over the same memory, so that a run may write into it. */
function resident(feed: Handle | View): ort.Tensor {
  if (!("offset" in feed)) return find(tensors, feed.handle, "tensor");
  const length = feed.dims.reduce((a, b) => a * b, 1);
  return new ort.Tensor("float32", numbers({ ...feed, length }), feed.dims);
}

/** Copies the new lines of each block behind those that are there: see `Append`. */
function appendLines(from: ort.Tensor, to: ort.Tensor, { starts, counts }: Append): void {
  if (!(from.data instanceof Float32Array && to.data instanceof Float32Array))
    throw new Error("internal: only float32 tensors grow");
  const [B = 0, K = 0, T = 0, width = 0] = from.dims;
  const P = to.dims[2]!;
  for (let b = 0; b < B; b++) {
    const [start, count] = [starts[b]!, counts[b]!];
    if (count > T || start + count > P)
      throw new Error(`internal: lines ${start}+${count} of ${T} do not fit into ${P}`);
    for (let block = b * K; block < (b + 1) * K; block++) {
      const first = block * T * width;
      to.data.set(from.data.subarray(first, first + count * width), (block * P + start) * width);
    }
  }
}

/** The memory of a range. */
function numbers({ handle, offset, length }: Range): Float32Array {
  const { data } = find(tensors, handle, "tensor");
  if (!(data instanceof Float32Array)) throw new Error("internal: only float32 tensors have ranges");
  if (offset < 0 || offset + length > data.length)
    throw new Error(`internal: range ${offset}+${length} of a tensor of ${data.length} numbers`);
  return data.subarray(offset, offset + length);
}

function isHandle(feed: HostTensor | Handle | View): feed is Handle | View {
  return "handle" in feed;
}

function dispatch(request: Request): Promise<Calls[keyof Calls]["answer"]> {
  switch (request.call) {
    case "open":
      return handlers.open(request.message);
    case "openFile":
      return handlers.openFile(request.message);
    case "close":
      return handlers.close(request.message);
    case "run":
      return handlers.run(request.message);
    case "create":
      return handlers.create(request.message);
    case "allocate":
      return handlers.allocate(request.message);
    case "copy":
      return handlers.copy(request.message);
    case "write":
      return handlers.write(request.message);
    case "read":
      return handlers.read(request.message);
    case "free":
      return handlers.free(request.message);
    case "shutdown":
      return handlers.shutdown(request.message);
  }
}

function buffersOf(answer: Calls[keyof Calls]["answer"]): ArrayBuffer[] {
  if (typeof answer !== "object") return [];
  if ("session" in answer || Array.isArray(answer)) return [];
  const tensorsOut = "values" in answer ? Object.values(answer.values) : [answer];
  return tensorsOut.flatMap(({ data }) => (data.buffer instanceof ArrayBuffer ? [data.buffer] : []));
}

async function answer(request: Request): Promise<void> {
  let response: Response;
  try {
    response = { id: request.id, ok: true, answer: await dispatch(request) };
    port!.postMessage(response, buffersOf(response.answer));
  } catch (error) {
    response = { id: request.id, ok: false, error: error instanceof Error ? error.message : String(error) };
    port!.postMessage(response);
  }
  if (request.call === "shutdown") port!.close();
}

// One request at a time, in order: a session may read what the run before it wrote in place.
let queue = Promise.resolve();
port.on("message", (request: Request) => {
  queue = queue.then(() => answer(request));
});
