import { type Adapter, scalingOf } from "../adapters/adapter.ts";
import type { FactorInputs } from "../adapters/lora-linear.ts";
import { ConfigError } from "../base/errors.ts";
import type { ModelConfig } from "../models/config.ts";
import type { HostTensor, Runtime, Session } from "../runtime/runtime.ts";
import { RowBuffers } from "./row-buffers.ts";

/**
 * Several sequences being continued together, each with its own adapter and its own length. Rows join behind the others
 * and leave between two feeds.
 */
export interface DecodingBatch {
  /** Rows that are there. */
  readonly size: number;
  /**
   * Adds a row for each adapter; none of them will have more than `capacity` tokens. Room is made for the `coming` rows (0)
   * too that will join next.
   */
  join(
    adapters: readonly (Adapter | undefined)[],
    capacity: number,
    options?: { coming?: number },
  ): Promise<void>;
  /** Puts a row in the place of another, which is gone. */
  move(from: number, to: number): Promise<void>;
  /** Drops all rows but the first `size`. */
  truncate(size: number): void;
  /**
   * Feeds tokens to the rows from `from` (0) on, which may get different counts, and gives the logits [V] after each
   * row's last token. A row's first tokens are its prompt; later calls take one token for each row, or none for a row that
   * rests (its logits then mean nothing). One row fed alone takes any number of tokens in each call.
   */
  feed(tokens: readonly (readonly number[])[], options?: { from?: number }): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}

interface BatchParts {
  runtime: Runtime;
  session: Session;
  /** The graph's inputs for adapters, by linear. */
  factors: ReadonlyMap<string, FactorInputs>;
  config: Pick<ModelConfig, "layers" | "keyValueHeads" | "headSize">;
  /** Rows at most. */
  rows: number;
}

/**
 * Cache lengths are rounded up to a multiple of this. A step takes time for all the room that its rows have, since the
 * attention kernel lays it out anew, so there is little more than what is used; growing copies once in 32 steps.
 */
const capacityStep = 32;

/** An empty batch. */
export function createBatch(parts: BatchParts): DecodingBatch {
  return new Batch(parts);
}

class Batch implements DecodingBatch {
  readonly #parts: BatchParts;
  readonly #cache: RowBuffers;
  readonly #factors: RowBuffers;
  /** Factor by its input's name. */
  readonly #inputs: ReadonlyMap<string, { module: string; factor: "down" | "up" }>;
  /** Tokens in the cache, by row. */
  #lengths: number[] = [];
  /** Tokens that no row will exceed. */
  #limit = 0;
  /** Rows that the buffers have room for; doubled as rows join, since room for many takes as long to clear as a short prompt to read. */
  #room = 0;

  constructor(parts: BatchParts) {
    const { runtime, config, factors } = parts;
    const layers = Array.from({ length: config.layers }, (_, layer) => layer);
    this.#parts = parts;
    this.#cache = new RowBuffers(
      runtime,
      layers.flatMap((layer) =>
        [`Key${layer}`, `Value${layer}`].map((name) => ({
          name,
          blocks: config.keyValueHeads,
          width: config.headSize,
        })),
      ),
    );
    const inputs = [...factors].flatMap(([module, { down, up }]) => [
      { module, factor: "down" as const, tensor: down },
      { module, factor: "up" as const, tensor: up },
    ]);
    this.#inputs = new Map(inputs.map(({ tensor, ...input }) => [tensor.name, input]));
    this.#factors = new RowBuffers(
      runtime,
      inputs.map(({ tensor }) => ({ name: tensor.name, width: Number(tensor.shape[2]) })),
    );
  }

  get size(): number {
    return this.#lengths.length;
  }

  async join(
    adapters: readonly (Adapter | undefined)[],
    capacity: number,
    { coming = 0 }: { coming?: number } = {},
  ): Promise<void> {
    for (const adapter of adapters) rejectOtherModules(adapter, this.#parts.factors);
    const { size } = this;
    const { rows } = this.#parts;
    if (size + adapters.length > rows)
      throw new Error(`internal: a batch of ${rows} rows cannot hold ${size + adapters.length}`);
    this.#limit = Math.max(capacity, size === 0 ? 0 : this.#limit);
    const doubled = 2 ** Math.ceil(Math.log2(size + adapters.length + coming));
    this.#room = Math.min(rows, Math.max(doubled, size === 0 ? 0 : this.#room)); // an empty batch need not stay large
    const rank = Math.max(1, ...adapters.map((adapter) => adapter?.config.rank ?? 0));
    const kept = size === 0 ? 0 : this.#factors.capacity;
    await this.#factors.reserve(this.#room, Math.max(rank, kept), new Array<number>(size).fill(kept));
    await this.#factors.write(size, adapters.length, (name, i) => this.#factorOf(adapters[i], name));
    this.#lengths.push(...adapters.map(() => 0));
  }

  /** A row's numbers of one input; scaling goes into `down`. */
  #factorOf(adapter: Adapter | undefined, name: string): Float32Array | undefined {
    const { module, factor } = this.#inputs.get(name)!;
    const values = adapter?.modules.get(module)?.[factor];
    if (!adapter || !values) return undefined;
    const scaling = factor === "down" ? scalingOf(adapter.config) : 1;
    return scaling === 1 ? values : values.map((value) => value * scaling);
  }

  async move(from: number, to: number): Promise<void> {
    await Promise.all([
      this.#cache.move(from, to, this.#lengths[from]!),
      this.#factors.move(from, to, this.#factors.capacity),
    ]);
    this.#lengths[to] = this.#lengths[from]!;
  }

  truncate(size: number): void {
    this.#lengths.length = size;
  }

  async feed(
    tokens: readonly (readonly number[])[],
    { from = 0 }: { from?: number } = {},
  ): Promise<Float32Array[]> {
    const past = this.#lengths.slice(from, from + tokens.length);
    await this.#makeRoom(Math.max(...this.#lengths, ...tokens.map((row, b) => past[b]! + row.length)));
    tokens.forEach((row, b) => {
      this.#lengths[from + b] = past[b]! + row.length;
    });
    const views = Object.entries(this.#cache.views(from, tokens.length));
    const named = (prefix: string) =>
      Object.fromEntries(views.map(([name, view]) => [`${prefix}${name}`, view]));
    const { values } = await this.#parts.session.run(
      { ...named("past"), ...this.#factors.views(from, tokens.length), ...inputsOf(tokens, past) },
      {
        fetch: ["logits"],
        append: { to: named("new"), starts: past, counts: tokens.map((row) => row.length) },
      },
    );
    const logits = values.logits;
    if (logits?.dtype !== "float32") throw new Error("internal: logits are not float32");
    const V = logits.data.length / tokens.length;
    return tokens.map((_, b) => logits.data.subarray(b * V, (b + 1) * V));
  }

  /** Grows the cache to so many tokens and to the rows that have joined, or shrinks it where long rows have gone. */
  async #makeRoom(tokens: number): Promise<void> {
    const { capacity } = this.#cache;
    const wanted = Math.min(this.#limit, Math.ceil(tokens / capacityStep) * capacityStep);
    if (wanted > capacity || wanted * 2 <= capacity || this.#cache.rows !== this.#room)
      await this.#cache.reserve(this.#room, Math.max(wanted, tokens), this.#lengths);
  }

  async dispose(): Promise<void> {
    await this.#cache.free();
    await this.#factors.free();
  }
}

/** What the graph is fed besides cache and adapters: tokens padded on the right, after `past` tokens of each row. */
function inputsOf(
  tokens: readonly (readonly number[])[],
  past: readonly number[],
): Record<string, HostTensor> {
  const B = tokens.length;
  const T = Math.max(1, ...tokens.map((row) => row.length));
  const ids = new BigInt64Array(B * T);
  const positions = new BigInt64Array(B * T);
  tokens.forEach((row, b) => {
    row.forEach((id, t) => {
      ids[b * T + t] = BigInt(id);
      positions[b * T + t] = BigInt(past[b]! + t);
    });
  });
  const lengths = tokens.map((row, b) => past[b]! + row.length);
  const lasts = tokens.flatMap((row, b) => [b, Math.max(0, row.length - 1)]);
  return {
    ids: { dtype: "int64", dims: [B, T], data: ids },
    positions: { dtype: "int64", dims: [B, T], data: positions },
    rows: { dtype: "int64", dims: [B, 2], data: BigInt64Array.from(lasts, BigInt) },
    lastPositions: { dtype: "int32", dims: [B], data: Int32Array.from(lengths, (length) => length - 1) },
    totalLength: { dtype: "int32", dims: [], data: Int32Array.of(Math.max(...lengths)) },
  };
}

function rejectOtherModules(adapter: Adapter | undefined, factors: ReadonlyMap<string, FactorInputs>): void {
  const foreign = [...(adapter?.modules.keys() ?? [])].find((name) => !factors.has(name));
  if (foreign !== undefined) {
    throw new ConfigError(
      `the adapter changes ${foreign}, which this session has not opened for adapters; set the target modules accordingly`,
    );
  }
}
