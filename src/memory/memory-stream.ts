import { CapacityError, ConfigError } from "../base/errors.ts";
import type { ModelConfig } from "../models/config.ts";
import { floats } from "../runtime/floats.ts";
import type { Append, HostTensor, ResidentTensor, Runtime, Session } from "../runtime/runtime.ts";
import { cacheLayers, createCache } from "./cache.ts";
import { type Memory, rowWidth } from "./memory.ts";
import { interleave, mixedLength } from "./window.ts";

/** How a sequence with a memory begins and what it may become. */
export interface StreamOptions {
  /** What the sequence goes on from. */
  memory?: Memory | undefined;
  /** Raw tokens that will be fed, at most. */
  maxTokens: number;
  /** Of the windows that begin from now on; a window that is under way keeps its own. By default the memory's. */
  ratio?: number | undefined;
  /** Gets the rows of a window's entries when it is finished. */
  onWindow?: ((rows: Float32Array) => Promise<void>) | undefined;
  /** Keep the unfinished window's raw rows too, so that a memory can be made of the sequence. */
  keepRaw?: boolean | undefined;
}

/** What streams of one session share. */
export interface StreamParts {
  runtime: Runtime;
  /** The model with memory tokens. */
  reading: Session;
  /** Makes keys and values of earlier tokens what the cache has of them. */
  rotating: Session;
  config: ModelConfig;
  window: number;
  positions: number;
}

/** Bytes that attention scores of one run may take: a long memory is attended to by fewer tokens at a time. */
const scoreBytes = 2 ** 26;

/** A row of the unfinished window. */
interface OpenRow {
  isMemory: boolean;
  row: Float32Array;
}

/**
 * A sequence that is compressed as it goes: when a window is full, only its memory tokens stay in the cache, at the
 * positions that follow those of the windows before.
 */
export class MemoryStream {
  readonly #parts: StreamParts;
  readonly #options: StreamOptions;
  readonly #cache: Record<string, ResidentTensor>;
  readonly #openRows: OpenRow[];
  readonly #nextRatio: number;
  #ratio: number;
  #entries: number;
  #openTokens: number;

  /** Opens a sequence, the memory's rows in its cache. */
  static async open(parts: StreamParts, options: StreamOptions): Promise<MemoryStream> {
    const { config, positions } = parts;
    const capacity = capacityOf(parts, options);
    if (capacity > positions) {
      throw new CapacityError(
        `the memory and its window would have ${capacity} positions, ${positions} are possible; choose a larger ratio or a shorter text`,
      );
    }
    const { cache, tail } = await createCache(parts.runtime, { config, capacity, memory: options.memory });
    return new MemoryStream(parts, options, { cache, tail });
  }

  private constructor(
    parts: StreamParts,
    options: StreamOptions,
    { cache, tail }: { cache: Record<string, ResidentTensor>; tail: Float32Array },
  ) {
    const header = options.memory?.header;
    this.#parts = parts;
    this.#options = options;
    this.#cache = cache;
    this.#ratio = header?.ratio ?? chosenRatio(options);
    this.#nextRatio = chosenRatio(options);
    this.#entries = header?.entries ?? 0;
    this.#openTokens = header?.openTokens ?? 0;
    if (this.#openTokens === 0) this.#ratio = this.#nextRatio;
    const size = this.#rowSize;
    this.#openRows = Array.from({ length: tail.length / size }, (_, i) => ({
      isMemory: i % (this.#ratio + 1) === this.#ratio,
      row: tail.slice(i * size, (i + 1) * size),
    }));
  }

  /** Memory tokens of all finished windows. */
  get entries(): number {
    return this.#entries;
  }

  /** Raw tokens of the unfinished window. */
  get openTokens(): number {
    return this.#openTokens;
  }

  /** Of the unfinished window. */
  get ratio(): number {
    return this.#ratio;
  }

  get #rowSize(): number {
    const { layers, keyValueHeads, headSize } = this.#parts.config;
    return rowWidth({ layers, width: keyValueHeads * headSize });
  }

  /** Reads tokens; gives the logits [V] after the last. */
  async feed(ids: readonly number[]): Promise<Float32Array> {
    let logits: Float32Array | undefined;
    for (let done = 0; done < ids.length; ) {
      const count = Math.min(ids.length - done, this.#parts.window - this.#openTokens, this.#pieceTokens());
      logits = await this.#read(ids.slice(done, done + count));
      done += count;
      if (this.#openTokens === this.#parts.window) await this.#compress();
    }
    if (!logits) throw new Error("internal: nothing was fed to a memory stream");
    return logits;
  }

  /** The rows of the unfinished window; only with `keepRaw`. */
  openRows(): Float32Array {
    if (!this.#options.keepRaw) throw new Error("internal: the stream does not keep raw rows");
    return this.#joined(this.#openRows);
  }

  async dispose(): Promise<void> {
    for (const tensor of Object.values(this.#cache)) await tensor.free();
  }

  /** Raw tokens whose scores over all that is in the cache stay within the budget. */
  #pieceTokens(): number {
    const length = this.#entries + 2 * this.#parts.window;
    const tokens = Math.floor(scoreBytes / (4 * this.#parts.config.heads * length));
    return Math.max(1, Math.floor((tokens * this.#ratio) / (this.#ratio + 1)));
  }

  async #read(ids: readonly number[]): Promise<Float32Array> {
    const mixed = interleave(ids, { ratio: this.#ratio, before: this.#openTokens });
    const start = this.#entries + mixedLength(this.#openTokens, this.#ratio);
    const T = mixed.ids.length;
    const keep = this.#options.keepRaw || mixed.isMemory.includes(true);
    const { values } = await this.#parts.reading.run(
      {
        ...this.#cache,
        ...positionFeeds(start, T),
        ids: { dtype: "int64", dims: [1, T], data: BigInt64Array.from(mixed.ids, BigInt) },
        isMemory: { dtype: "float32", dims: [1, T, 1], data: Float32Array.from(mixed.isMemory, Number) },
        rows: {
          dtype: "int64",
          dims: [1, 2],
          data: BigInt64Array.of(0n, BigInt(mixed.isMemory.lastIndexOf(false))),
        },
      },
      { fetch: keep ? ["logits", ...this.#keptNames()] : ["logits"], append: this.#append(start, T) },
    );
    this.#openTokens += ids.length;
    if (keep) this.#keep(values, mixed.isMemory);
    return floats(values.logits);
  }

  #keptNames(): string[] {
    return cacheLayers(this.#parts.config).flatMap((layer) => [`key${layer}`, `value${layer}`]);
  }

  #keep(values: Record<string, HostTensor>, isMemory: readonly boolean[]): void {
    const { keyValueHeads, headSize } = this.#parts.config;
    const width = keyValueHeads * headSize;
    const parts = this.#keptNames().map((name) => floats(values[name]));
    isMemory.forEach((flag, t) => {
      if (!flag && !this.#options.keepRaw) return;
      const row = new Float32Array(this.#rowSize);
      parts.forEach((part, i) => {
        row.set(part.subarray(t * width, (t + 1) * width), i * width);
      });
      this.#openRows.push({ isMemory: flag, row });
    });
  }

  /** The window is full: its memory tokens move to the end of the memory, the raw ones are forgotten. */
  async #compress(): Promise<void> {
    const kept = this.#openRows.filter(({ isMemory }) => isMemory);
    this.#openRows.length = 0;
    const rows = this.#joined(kept);
    const limit = Math.max(1, this.#pieceTokens());
    for (let begin = 0; begin < kept.length; begin += limit) {
      const end = Math.min(begin + limit, kept.length);
      await this.#write(rows.subarray(begin * this.#rowSize, end * this.#rowSize), this.#entries + begin);
    }
    this.#entries += kept.length;
    this.#openTokens = 0;
    this.#ratio = this.#nextRatio;
    await this.#options.onWindow?.(rows);
  }

  async #write(rows: Float32Array, start: number): Promise<void> {
    const { config, rotating } = this.#parts;
    const width = config.keyValueHeads * config.headSize;
    const N = rows.length / this.#rowSize;
    const feeds: Record<string, HostTensor> = { positions: positionsFrom(start, N) };
    this.#keptNames().forEach((name, i) => {
      const data = new Float32Array(N * width);
      for (let n = 0; n < N; n++) {
        const from = n * this.#rowSize + i * width;
        data.set(rows.subarray(from, from + width), n * width);
      }
      feeds[name] = { dtype: "float32", dims: [1, N, width], data };
    });
    await rotating.run(feeds, { fetch: [], append: this.#append(start, N) });
  }

  /** New lines of the cache, `count` from `start` on. */
  #append(start: number, count: number): Append<ResidentTensor> {
    const to = Object.entries(this.#cache).map(([name, tensor]) => [name.replace("past", "new"), tensor]);
    return { to: Object.fromEntries(to), starts: [start], counts: [count] };
  }

  #joined(rows: readonly OpenRow[]): Float32Array {
    const all = new Float32Array(rows.length * this.#rowSize);
    rows.forEach(({ row }, i) => {
      all.set(row, i * this.#rowSize);
    });
    return all;
  }
}

/** Where `count` tokens from position `start` on stand in the cache. */
function positionFeeds(start: number, count: number): Record<string, HostTensor> {
  return {
    positions: positionsFrom(start, count),
    lastPositions: { dtype: "int32", dims: [1], data: Int32Array.of(start + count - 1) },
    totalLength: { dtype: "int32", dims: [], data: Int32Array.of(start + count) },
  };
}

function positionsFrom(start: number, count: number): HostTensor {
  const data = BigInt64Array.from({ length: count }, (_, i) => BigInt(start + i));
  return { dtype: "int64", dims: [1, count], data };
}

function chosenRatio({ ratio, memory }: StreamOptions): number {
  const chosen = ratio ?? memory?.header.ratio;
  if (chosen === undefined) throw new ConfigError("a new memory needs a ratio, such as 4");
  return chosen;
}

/** Rows that the cache has at most: all entries to come, and a window before it is compressed. */
function capacityOf({ window }: StreamParts, options: StreamOptions): number {
  const { entries = 0, openTokens = 0, ratio } = options.memory?.header ?? {};
  const least = Math.min(chosenRatio(options), ratio ?? Number.POSITIVE_INFINITY);
  const tokens = openTokens + options.maxTokens;
  const finished = Math.floor(tokens / window) * Math.ceil(window / least);
  return entries + finished + mixedLength(Math.min(tokens, window), least);
}
