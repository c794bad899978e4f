import type { Adapter } from "../adapters/adapter.ts";
import { scalingOf } from "../adapters/adapter.ts";
import { type FactorInputs, factorInputs, loraLinear } from "../adapters/lora-linear.ts";
import { ConfigError } from "../base/errors.ts";
import { toOnnx } from "../graph/onnx.ts";
import { type BaseWeights, linearSizes } from "../models/base-weights.ts";
import { createGenerationGraph } from "../models/generation-graph.ts";
import type { Model } from "../models/open-model.ts";
import type { HostTensor, ResidentTensor, Runtime, Session } from "../runtime/runtime.ts";

/** Several sequences being continued together, each with its own adapter and its own length. */
export interface DecodingBatch {
  /**
   * Feeds tokens to every row (rows may have different counts) and gives the logits [V] after each row's last token.
   * The first call takes the prompts; later calls take one token for each row, or none for a row that has ended
   * (its logits then mean nothing). A batch of one row takes any number of tokens in each call.
   */
  feed(tokens: readonly (readonly number[])[]): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}

/** A model ready to continue sequences. */
export interface DecodingSession {
  /** `capacity` is the largest number of tokens that a row will have. */
  openBatch(adapters: readonly (Adapter | undefined)[], capacity: number): Promise<DecodingBatch>;
  dispose(): Promise<void>;
}

/** Opens a generation graph whose target modules accept adapters. */
export async function openDecodingSession(
  runtime: Runtime,
  model: Model,
  {
    targetModules,
    weights,
    prepack = true,
    positions = model.config.contextLength,
  }: {
    targetModules: readonly string[];
    weights?: BaseWeights | undefined;
    prepack?: boolean;
    positions?: number;
  },
): Promise<DecodingSession> {
  const sizes = linearSizes(model.config);
  const factors = new Map<string, FactorInputs>();
  const graph = createGenerationGraph(model, {
    positions,
    ...(weights ? { weights } : {}),
    adapt: (base) => (name, x) => {
      if (targetModules.some((target) => name.endsWith(`.${target}`)))
        factors.set(name, factorInputs(name, sizes(name)));
      return loraLinear(base, { factors, scaling: 1 })(name, x);
    },
  });
  const session = await runtime.openSession(toOnnx(graph.outputs, { folder: graph.folder }), { prepack });
  return {
    async openBatch(adapters, capacity) {
      for (const adapter of adapters) rejectOtherModules(adapter, factors);
      const resident: ResidentTensor[] = [];
      try {
        const feeds = await createFeeds(runtime, { model, factors, adapters, capacity, resident });
        return new Batch(session, { feeds, resident, layers: model.config.layers, rows: adapters.length });
      } catch (error) {
        for (const tensor of resident) await tensor.free();
        throw error;
      }
    },
    dispose: () => session.dispose(),
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

interface FeedParts {
  model: Model;
  factors: ReadonlyMap<string, FactorInputs>;
  adapters: readonly (Adapter | undefined)[];
  capacity: number;
  /** Every tensor that is created is noted here, to be freed. */
  resident: ResidentTensor[];
}

/** Key/value buffers and the rows' adapters, resident for the life of the batch. */
async function createFeeds(
  runtime: Runtime,
  { model, factors, adapters, capacity, resident }: FeedParts,
): Promise<Record<string, ResidentTensor>> {
  const feeds: Record<string, ResidentTensor> = {};
  const create = async (name: string, tensor: HostTensor) => {
    feeds[name] = await runtime.createTensor(tensor);
    resident.push(feeds[name]);
  };
  const { layers, keyValueHeads, headSize } = model.config;
  const dims = [adapters.length, keyValueHeads, capacity, headSize];
  const size = dims.reduce((a, b) => a * b, 1);
  for (let layer = 0; layer < layers; layer++) {
    for (const name of [`pastKey${layer}`, `pastValue${layer}`]) {
      await create(name, { dtype: "float32", dims, data: new Float32Array(size) });
    }
  }
  for (const [name, { down, up }] of factors) {
    await create(down.name, stackRows(adapters, { name, factor: "down", width: Number(down.shape[2]) }));
    await create(up.name, stackRows(adapters, { name, factor: "up", width: Number(up.shape[2]) }));
  }
  return feeds;
}

/** [B, R, width]: rows of smaller rank, or without an adapter, are padded with zeros; scaling goes into `down`. */
function stackRows(
  adapters: readonly (Adapter | undefined)[],
  { name, factor, width }: { name: string; factor: "down" | "up"; width: number },
): HostTensor {
  const rank = Math.max(1, ...adapters.map((adapter) => adapter?.config.rank ?? 0));
  const data = new Float32Array(adapters.length * rank * width);
  adapters.forEach((adapter, row) => {
    const values = adapter?.modules.get(name)?.[factor];
    if (!adapter || !values) return;
    const target = data.subarray(row * rank * width, row * rank * width + values.length);
    const scaling = factor === "down" ? scalingOf(adapter.config) : 1;
    if (scaling === 1) target.set(values);
    else for (let i = 0; i < values.length; i++) target[i] = values[i]! * scaling;
  });
  return { dtype: "float32", dims: [adapters.length, rank, width], data };
}

class Batch implements DecodingBatch {
  readonly #session: Session;
  readonly #feeds: Record<string, ResidentTensor>;
  readonly #resident: readonly ResidentTensor[];
  readonly #into: Record<string, ResidentTensor>;
  /** Tokens in the cache, by row. */
  readonly #lengths: number[];

  constructor(
    session: Session,
    parts: {
      feeds: Record<string, ResidentTensor>;
      resident: readonly ResidentTensor[];
      layers: number;
      rows: number;
    },
  ) {
    this.#session = session;
    this.#feeds = parts.feeds;
    this.#resident = parts.resident;
    this.#lengths = new Array<number>(parts.rows).fill(0);
    // The cache is updated in place: each output is its own input.
    this.#into = Object.fromEntries(
      Array.from({ length: parts.layers }, (_, i) =>
        ["Key", "Value"].map((kind) => [`present${kind}${i}`, parts.feeds[`past${kind}${i}`]!] as const),
      ).flat(),
    );
  }

  async feed(tokens: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const B = tokens.length;
    const T = Math.max(1, ...tokens.map((row) => row.length));
    const ids = new BigInt64Array(B * T);
    const positions = new BigInt64Array(B * T);
    tokens.forEach((row, b) => {
      const start = this.#lengths[b]!;
      row.forEach((id, t) => {
        ids[b * T + t] = BigInt(id);
        positions[b * T + t] = BigInt(start + t);
      });
      this.#lengths[b] = start + row.length;
    });
    const { values } = await this.#session.run(
      {
        ...this.#feeds,
        ids: { dtype: "int64", dims: [B, T], data: ids },
        positions: { dtype: "int64", dims: [B, T], data: positions },
        rows: {
          dtype: "int64",
          dims: [B, 2],
          data: BigInt64Array.from(
            tokens.flatMap((row, b) => [b, Math.max(0, row.length - 1)]),
            BigInt,
          ),
        },
        lastPositions: {
          dtype: "int32",
          dims: [B],
          data: Int32Array.from(this.#lengths, (length) => length - 1),
        },
        totalLength: { dtype: "int32", dims: [], data: Int32Array.of(Math.max(...this.#lengths)) },
      },
      { fetch: ["logits"], into: this.#into },
    );
    const logits = values.logits;
    if (logits?.dtype !== "float32") throw new Error("internal: logits are not float32");
    const V = logits.data.length / B;
    return tokens.map((_, b) => logits.data.subarray(b * V, (b + 1) * V));
  }

  async dispose(): Promise<void> {
    for (const tensor of this.#resident) await tensor.free();
  }
}
