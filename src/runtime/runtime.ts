import { access } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import {
  CapacityError,
  ConfigError,
  EngineError,
  FormatError,
  messageOf,
  UnsupportedError,
} from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import type { OnnxModel } from "../graph/onnx.ts";
import type {
  Append,
  CallName,
  Calls,
  Device,
  Handle,
  HostTensor,
  Range,
  Response,
  SessionOptions,
  View,
} from "./protocol.ts";

export type { Append, Device, HostTensor, Range, SessionOptions, View } from "./protocol.ts";

/** A tensor that stays in the worker: a KV buffer, a merged adapter. Whoever made it frees it. */
export interface ResidentTensor extends Handle {
  free(): Promise<void>;
}

/** What a run brings back: `values` in this thread, `kept` in the worker. */
export interface RunResult {
  values: Record<string, HostTensor>;
  kept: Record<string, ResidentTensor>;
}

/** What to do with the outputs of a run; the default is to fetch all of them. */
export interface RunOptions {
  /** Outputs to bring back to this thread. */
  fetch?: readonly string[];
  /** Outputs to keep resident. */
  keep?: readonly string[];
  /** Outputs to add to resident tensors, such as the ones that are fed: only what is new crosses the runtime's border. */
  append?: Append<ResidentTensor | View> | undefined;
  /** Checked before the run starts: a run itself cannot be interrupted. */
  signal?: AbortSignal | undefined;
}

/** A graph ready to run. */
export interface Session {
  run(feeds: Record<string, HostTensor | ResidentTensor | View>, options?: RunOptions): Promise<RunResult>;
  dispose(): Promise<void>;
}

/** A graph of a model file that others wrote, with the names of its inputs and outputs. */
export interface FileSession extends Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A worker thread with ONNX Runtime: this thread's event loop stays free while graphs run. */
export interface Runtime {
  readonly device: Device;
  readonly threads: number;
  openSession(model: OnnxModel, options?: Omit<SessionOptions, "folder">): Promise<Session>;
  /** Opens an ONNX file, for use only; a `FormatError` where it is none. */
  openFileSession(path: string): Promise<FileSession>;
  createTensor(tensor: HostTensor): Promise<ResidentTensor>;
  /** Float32 tensors of zeros, made on the worker's side. */
  allocate(dims: readonly (readonly number[])[]): Promise<ResidentTensor[]>;
  /** Copies ranges between resident float32 tensors, in order. */
  copy(copies: readonly { from: Range; to: Range }[]): Promise<void>;
  /** Writes numbers into resident float32 tensors; the rest of each range becomes zero. */
  write(writes: readonly { to: Range; data: Float32Array }[]): Promise<void>;
  readTensor(tensor: ResidentTensor): Promise<HostTensor>;
  /** Releases all sessions and tensors and ends the worker; a run that is under way is finished first. */
  dispose(): Promise<void>;
}

/**
 * Opens a runtime. `threads` defaults to the processors of this machine. Threads that `spin` between two steps answer a little
 * sooner where nothing else wants the processors, and take them from whatever does: see docs/decisions/0016.
 */
export async function openRuntime({
  device = "cpu",
  threads = availableParallelism(),
  spin = true,
}: {
  device?: Device | undefined;
  threads?: number | undefined;
  spin?: boolean | undefined;
} = {}): Promise<Runtime> {
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw new ConfigError(`threads must be a whole number from 1 to 1024, got ${threads}`);
  }
  const machine = { device, threads, spin };
  const caller = new WorkerCaller();
  const resident = (handle: number): ResidentTensor => ({
    handle,
    free: () => caller.call("free", { handles: [handle] }),
  });
  return {
    device,
    threads,
    async openSession(model, options = {}) {
      const session = await caller
        .call("open", { model: model.bytes, machine, options: { ...options, folder: model.folder } })
        .catch((error: unknown) => {
          throw explainDevice(error, device);
        });
      return openedSession(caller, { session, outputs: model.outputs, resident });
    },
    async openFileSession(path) {
      await access(path).catch((error: unknown) => {
        throw explainSystemError(error, path);
      });
      const { session, inputs, outputs } = await caller
        .call("openFile", { path, machine })
        .catch((error: unknown) => {
          throw explainFile(explainDevice(error, device), path);
        });
      return { ...openedSession(caller, { session, outputs, resident }), inputs, outputs };
    },
    async createTensor(tensor) {
      return resident(await caller.call("create", { tensor: compact(tensor) }));
    },
    async allocate(dims) {
      return (await caller.call("allocate", { dims })).map(resident);
    },
    copy: (copies) => caller.call("copy", { copies }),
    write: (writes) =>
      caller.call("write", { writes: writes.map(({ to, data }) => ({ to, data: whole(data) })) }),
    readTensor: ({ handle }) => caller.call("read", { handle }),
    dispose: () => caller.dispose(),
  };
}

function openedSession(
  caller: WorkerCaller,
  {
    session,
    outputs,
    resident,
  }: { session: number; outputs: readonly string[]; resident: (h: number) => ResidentTensor },
): Session {
  return {
    async run(feeds, { fetch, keep = [], append, signal } = {}) {
      signal?.throwIfAborted();
      const rest = outputs.filter((name) => !keep.includes(name) && !(append && name in append.to));
      const plainFeeds = Object.fromEntries(
        Object.entries(feeds).map(([name, feed]) => [
          name,
          "handle" in feed ? reference(feed) : compact(feed),
        ]),
      );
      const { values, kept } = await caller.call("run", {
        session,
        feeds: plainFeeds,
        fetch: fetch ?? rest,
        keep,
        append: append && {
          ...append,
          to: Object.fromEntries(
            Object.entries(append.to).map(([name, target]) => [name, reference(target)]),
          ),
        },
      });
      return {
        values,
        kept: Object.fromEntries(Object.entries(kept).map(([name, handle]) => [name, resident(handle)])),
      };
    },
    dispose: () => caller.call("close", { session }),
  };
}

/** What of a resident tensor crosses to the worker. */
function reference(tensor: ResidentTensor | View): Handle | View {
  const { handle } = tensor;
  return "offset" in tensor ? { handle, offset: tensor.offset, dims: tensor.dims } : { handle };
}

/** The same numbers in a buffer of their own: see `compact`. */
function whole(data: Float32Array): Float32Array {
  return data.byteLength === data.buffer.byteLength ? data : data.slice();
}

/** The same tensor in a buffer of its own: posting a view copies all of its buffer, of which many may be views. */
function compact(tensor: HostTensor): HostTensor {
  if (tensor.data.byteLength === tensor.data.buffer.byteLength) return tensor;
  switch (tensor.dtype) {
    case "float32":
      return { ...tensor, data: tensor.data.slice() };
    case "float16":
      return { ...tensor, data: tensor.data.slice() };
    case "int64":
      return { ...tensor, data: tensor.data.slice() };
    case "int32":
      return { ...tensor, data: tensor.data.slice() };
    case "uint8":
    case "bool":
      return { ...tensor, data: tensor.data.slice() };
  }
}

function explainDevice(error: unknown, device: Device): unknown {
  if (device === "cpu" || !(error instanceof Error)) return error;
  const needs = {
    cuda: "an NVIDIA GPU, CUDA 12 and cuDNN 9, and the CUDA library of onnxruntime-node (run its install script: npm rebuild onnxruntime-node --ignore-scripts=false)",
    webgpu: "a GPU with a Vulkan, Metal or Direct3D 12 driver (on Linux: libvulkan and a vendor driver)",
  }[device];
  return new UnsupportedError(
    `device "${device}" cannot be used here: it needs ${needs}; or use --device cpu. ONNX Runtime says: ${error.message}`,
    { cause: error },
  );
}

function explainFile(error: unknown, path: string): unknown {
  if (error instanceof EngineError || messageOf(error).startsWith("internal:")) return error;
  return new FormatError(
    `cannot be opened as an ONNX model; export or fetch it again. ONNX Runtime says: ${messageOf(error)}`,
    { path, cause: error },
  );
}

/** The built worker lies beside this file, or in dist/ when this file runs as TypeScript (tests). */
function workerUrl(): URL {
  const path = import.meta.url.endsWith(".ts") ? "../../dist/runtime/worker.js" : "./worker.js";
  return new URL(path, import.meta.url);
}

interface Pending {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** Calls by message; the worker keeps the process alive only while a call is pending. */
class WorkerCaller {
  // The program's own flags are not the worker's: `--input-type` would keep it from starting.
  readonly #worker = new Worker(workerUrl(), { execArgv: [] });
  readonly #pending = new Map<number, Pending>();
  #counter = 0;
  #closed: Error | undefined;
  #disposing: Promise<void> | undefined;

  constructor() {
    this.#worker.unref();
    this.#worker.on("message", (response: Response) => this.#settle(response));
    this.#worker.on("error", (error) =>
      this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
    this.#worker.on("exit", () => this.#fail(new Error("internal: the runtime's worker has ended")));
  }

  call<C extends CallName>(call: C, message: Calls[C]["message"]): Promise<Calls[C]["answer"]> {
    if (this.#closed) return Promise.reject(this.#closed);
    const id = this.#counter++;
    return new Promise<Calls[C]["answer"]>((resolve, reject) => {
      this.#worker.postMessage({ id, call, message });
      this.#pending.set(id, { resolve: (answer: Calls[C]["answer"]) => resolve(answer), reject });
      if (this.#pending.size === 1) this.#worker.ref();
    });
  }

  dispose(): Promise<void> {
    this.#disposing ??= this.#shutDown();
    return this.#disposing;
  }

  async #shutDown(): Promise<void> {
    if (this.#closed) return; // the worker has failed
    const exited = new Promise<void>((resolve) => this.#worker.once("exit", () => resolve()));
    const answered = this.call("shutdown", {});
    this.#closed = new Error("internal: the runtime was disposed");
    await answered;
    this.#worker.ref();
    await exited;
  }

  #settle(response: Response): void {
    const pending = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (!pending) return;
    if (response.ok) pending.resolve(response.answer);
    else pending.reject(explainRun(response.error));
  }

  #fail(error: Error): void {
    this.#closed ??= error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}

function explainRun(message: string): Error {
  if (
    /bad_alloc|Failed to allocate memory|out of memory|allocation failed|Invalid typed array length/i.test(
      message,
    )
  ) {
    return new CapacityError(`not enough memory: ${message}; use a smaller model, batch or context`);
  }
  return new Error(message);
}
