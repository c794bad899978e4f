import { gradientsOf } from "../graph/backward.ts";
import { toOnnx } from "../graph/onnx.ts";
import { add, gatherNd, mul, sub, sum } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { createMemoryScoringGraph } from "../models/memory-graph.ts";
import type { MemoryTensors } from "../models/memory-weights.ts";
import type { Model } from "../models/open-model.ts";
import { floats } from "../runtime/floats.ts";
import type { HostTensor, Runtime, Session } from "../runtime/runtime.ts";
import { gradientName } from "./graph.ts";
import type { WindowBatch } from "./memory-batch.ts";

/** Computes how unlike memory tokens are to what they imitate. */
export interface Imitation {
  /** The loss, 0 to about 1 and more, with its gradients by the parameters' names; parameters without influence are left out. */
  gradients(
    batch: WindowBatch,
    values: Record<string, HostTensor>,
  ): Promise<{ loss: number; gradients: Map<string, Float32Array> }>;
  dispose(): Promise<void>;
}

/**
 * In every layer a memory token's key and value become those of the raw token before it, as squared differences tell: memory
 * begins as "keep every c-th token and forget the others", from where next-token prediction goes on. Without it memory tokens have
 * to learn at once what to hold and how the frozen model finds it, and learn neither in a few million tokens
 * (docs/decisions/0028). The loss is the mean over layers of Σ (own − imitated)² / Σ imitated², keys and values apart. Raw tokens
 * attend to memory tokens too, so that a little of the gradient goes by them; the denominators count as constants.
 */
export async function openImitation(
  runtime: Runtime,
  model: Model,
  { memory, positions }: { memory: MemoryTensors; positions: number },
): Promise<Imitation> {
  const { folder, keys, values } = createMemoryScoringGraph(model, { memory, positions });
  const states = [...keys, ...values];
  const [own, raw] = ["memoryPlaces", "rawPlaces"].map((name) => input(name, "int64", ["N", 2]));
  const imitated = states.map((state) => gatherNd(state, raw!)); // [N, K·Dh]
  const terms = states.map((state, i) => {
    const distance = sub(gatherNd(state, own!), imitated[i]!);
    return mul(total(mul(distance, distance)), input(`share${i}`, "float32", []));
  });
  const loss = terms.reduce((a, b) => add(a, b));
  // What the last layer asks for changes no key and no value.
  const names = [...memory.keys()].filter(
    (name) => !name.includes(`layers.${keys.length - 1}.self_attn.beacon_q`),
  );
  const gradients = gradientsOf(
    loss,
    names.map((name) => memory.get(name)!),
  );
  const named = Object.fromEntries(names.map((name, i) => [gradientName(name), gradients[i]!]));
  const sizes = Object.fromEntries(imitated.map((state, i) => [`size${i}`, total(mul(state, state))]));
  const opened: Session[] = [];
  const open = async (outputs: Record<string, Tensor>) => {
    const session = await runtime.openSession(toOnnx(outputs, { folder }));
    opened.push(session);
    return session;
  };
  const dispose = async () => {
    for (const session of opened) await session.dispose();
  };
  try {
    const [measuring, training] = [await open(sizes), await open({ loss, ...named })];
    return {
      async gradients(batch, valueFeeds) {
        const { memoryPlaces, rawPlaces } = placesOf(batch);
        const { rows: _rows, ...windows } = batch.feeds;
        const feeds = { ...windows, ...valueFeeds, rawPlaces };
        const shares = sharesOf((await measuring.run(feeds)).values, states.length);
        const { values: found } = await training.run({ ...feeds, ...shares, memoryPlaces });
        return {
          loss: numberOf(found.loss),
          gradients: new Map(names.map((name) => [name, floats(found[gradientName(name)])])),
        };
      },
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** One over what the squares of each layer's keys and values sum to in this batch, so that all count alike. */
function sharesOf(sizes: Readonly<Record<string, HostTensor>>, count: number): Record<string, HostTensor> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i): [string, HostTensor] => {
      const size = Math.max(numberOf(sizes[`size${i}`]), 1e-12);
      return [`share${i}`, { dtype: "float32", dims: [], data: Float32Array.of(1 / (count * size)) }];
    }),
  );
}

const total = (x: Tensor) => sum(x, [0, 1]);

/** Places (window, token) of memory tokens, and of the raw tokens before them. */
function placesOf({ feeds }: WindowBatch): Record<"memoryPlaces" | "rawPlaces", HostTensor> {
  const { data, dims } = feeds.isMemory!;
  const T = dims[1]!;
  const places = [...floats(feeds.isMemory).keys()].filter((i) => data[i] === 1);
  const pairs = (back: number): HostTensor => ({
    dtype: "int64",
    dims: [places.length, 2],
    data: BigInt64Array.from(
      places.flatMap((i) => [Math.floor(i / T), (i % T) - back]),
      BigInt,
    ),
  });
  return { memoryPlaces: pairs(0), rawPlaces: pairs(1) };
}

function numberOf(tensor: HostTensor | undefined): number {
  return floats(tensor)[0]!;
}
