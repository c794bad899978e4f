/** Element types that cross the worker boundary, with their typed arrays. */
export interface HostData {
  float32: Float32Array;
  float16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** A tensor in this thread's memory. */
export type HostTensor = {
  [D in keyof HostData]: { dtype: D; dims: readonly number[]; data: HostData[D] };
}[keyof HostData];

/** Names a tensor that stays on the worker's side. */
export interface Handle {
  handle: number;
}

/** A part of a resident tensor as a tensor of its own: `dims` from the number at `offset` on. */
export interface View extends Handle {
  offset: number;
  dims: readonly number[];
}

/** A range of a resident float32 tensor, in numbers. */
export interface Range extends Handle {
  offset: number;
  length: number;
}

/** Where graphs run. */
export type Device = "cpu" | "cuda" | "webgpu";

/** What a runtime computes with. */
export interface Machine {
  device: Device;
  threads: number;
  /** Threads that have nothing to do keep their processors busy for a while instead of being woken. */
  spin: boolean;
}

/** How a session is made. */
export interface SessionOptions {
  /** Folder of the weight files that the model names (a real path: links that leave it are refused). */
  folder?: string | undefined;
  /** Reorder weights for speed. Costs a second copy of fp32 weights; quantised weights need it. */
  prepack?: boolean | undefined;
  /** Fold constants and casts when the session is opened; else bf16 weights are cast anew in every run. */
  fold?: boolean | undefined;
}

/**
 * Outputs [B, K, T, width] that are added to resident tensors [B, K, P, width]: of batch row b the first `counts[b]` lines of each
 * block, from its line `starts[b]` on.
 */
export interface Append<Target = Handle | View> {
  to: Record<string, Target>;
  starts: readonly number[];
  counts: readonly number[];
}

/** One run: inputs by name, outputs to bring back, to keep resident, and to add to resident tensors. */
export interface RunMessage {
  session: number;
  feeds: Record<string, HostTensor | Handle | View>;
  fetch: readonly string[];
  keep: readonly string[];
  append: Append | undefined;
}

/** Messages to the worker, with their answers. */
export interface Calls {
  open: {
    message: { model: Uint8Array; machine: Machine; options: SessionOptions };
    answer: number;
  };
  openFile: {
    message: { path: string; machine: Machine };
    answer: { session: number; inputs: readonly string[]; outputs: readonly string[] };
  };
  close: { message: { session: number }; answer: undefined };
  run: { message: RunMessage; answer: { values: Record<string, HostTensor>; kept: Record<string, number> } };
  create: { message: { tensor: HostTensor }; answer: number };
  /** Tensors of zeros. */
  allocate: { message: { dims: readonly (readonly number[])[] }; answer: readonly number[] };
  copy: { message: { copies: readonly { from: Range; to: Range }[] }; answer: undefined };
  write: { message: { writes: readonly { to: Range; data: Float32Array }[] }; answer: undefined };
  read: { message: Handle; answer: HostTensor };
  free: { message: { handles: readonly number[] }; answer: undefined };
  shutdown: { message: Record<string, never>; answer: undefined };
}
export type CallName = keyof Calls;
export type Request = { [C in CallName]: { id: number; call: C; message: Calls[C]["message"] } }[CallName];
export type Response =
  | { id: number; ok: true; answer: Calls[CallName]["answer"] }
  | { id: number; ok: false; error: string };
