import { gradientsOf } from "../graph/backward.ts";
import { toOnnx } from "../graph/onnx.ts";
import { gatherNd, logSoftmax, mul, scale, sum } from "../graph/ops.ts";
import { input } from "../graph/tensor.ts";
import { createMemoryScoringGraph } from "../models/memory-graph.ts";
import { type MemoryParameter, memoryInputs, memoryParameters } from "../models/memory-weights.ts";
import type { Model } from "../models/open-model.ts";
import { floats } from "../runtime/floats.ts";
import type { HostTensor, Runtime, Session } from "../runtime/runtime.ts";
import { gradientName } from "./graph.ts";
import { layOutWindows, type WindowBatch, type WindowedText } from "./memory-batch.ts";
import { type Imitation, openImitation } from "./memory-imitation.ts";

/** Values of memory weights by their published names. */
export type MemoryValues = Map<string, Float32Array>;

/** Computes with memory weights that are given at each call. */
export interface MemoryTrainer {
  readonly parameters: readonly MemoryParameter[];
  /** Per text Σ weight · log p over its tokens. */
  score(texts: readonly WindowedText[], values: MemoryValues): Promise<number[]>;
  /** Per text log p of each raw token of all its windows; NaN where its weight is 0. */
  logProbabilities(texts: readonly WindowedText[], values: MemoryValues): Promise<Float32Array[]>;
  /** The same with the gradients of the loss −Σ weight · log p over all texts. */
  gradients(
    texts: readonly WindowedText[],
    values: MemoryValues,
  ): Promise<{ scores: number[]; gradients: MemoryValues }>;
  /** The loss of imitating the tokens that are forgotten, as one score −loss, with its gradients; see `openImitation`. */
  imitationGradients(
    texts: readonly WindowedText[],
    values: MemoryValues,
  ): Promise<{ scores: number[]; gradients: MemoryValues }>;
  dispose(): Promise<void>;
}

/** Opens the sessions of training; one graph serves every number of windows, ratio and length up to `positions`. */
export async function openMemoryTrainer(
  runtime: Runtime,
  model: Model,
  { positions = model.config.contextLength }: { positions?: number } = {},
): Promise<MemoryTrainer> {
  const parameters = memoryParameters(model);
  const memory = memoryInputs(parameters);
  const { folder, logits } = createMemoryScoringGraph(model, { memory, positions });
  const picked = gatherNd(logSoftmax(logits), input("picks", "int64", ["N", 2])); // [N]
  const loss = scale(sum(mul(picked, input("weights", "float32", ["N"])), [0]), -1);
  const gradients = gradientsOf(loss, [...memory.values()]);
  const named = Object.fromEntries([...memory.keys()].map((name, i) => [gradientName(name), gradients[i]!]));
  const scoring = await runtime.openSession(toOnnx({ picked }, { folder }));
  const training = await runtime.openSession(toOnnx({ picked, ...named }, { folder }));
  const run = (session: Session, batch: WindowBatch, values: MemoryValues) =>
    session.run({
      ...batch.feeds,
      ...lossFeeds(batch, session === training),
      ...valueFeeds(parameters, values),
    });
  let imitation: Imitation | undefined;
  return {
    parameters,
    async score(texts, values) {
      const batch = layOutWindows(texts);
      const result = await run(scoring, batch, values);
      return scoresOf(batch, { picked: floats(result.values.picked), count: texts.length });
    },
    async logProbabilities(texts, values) {
      const batch = layOutWindows(texts);
      const result = await run(scoring, batch, values);
      const picked = floats(result.values.picked);
      const all = texts.map(({ weights }) => new Float32Array(weights.length).fill(Number.NaN));
      picked.forEach((logProbability, i) => {
        all[batch.texts[i]!]![batch.places[i]!] = logProbability;
      });
      return all;
    },
    async gradients(texts, values) {
      const batch = layOutWindows(texts);
      const result = await run(training, batch, values);
      return {
        scores: scoresOf(batch, { picked: floats(result.values.picked), count: texts.length }),
        gradients: new Map(
          parameters.map(({ name }) => [name, floats(result.values[gradientName(name)])] as const),
        ),
      };
    },
    async imitationGradients(texts, values) {
      imitation ??= await openImitation(runtime, model, { memory, positions });
      const feeds = valueFeeds(parameters, values);
      const found = await imitation.gradients(layOutWindows(texts), feeds);
      const gradients = new Map(
        parameters.map(({ name }) => [
          name,
          found.gradients.get(name) ?? new Float32Array(values.get(name)!.length),
        ]),
      );
      return { scores: [-found.loss], gradients };
    },
    async dispose() {
      await scoring.dispose();
      await training.dispose();
      await imitation?.dispose();
    },
  };
}

function lossFeeds({ targets, weights }: WindowBatch, isTraining: boolean): Record<string, HostTensor> {
  const N = targets.length;
  const picks = new BigInt64Array(2 * N);
  targets.forEach((token, i) => {
    picks[2 * i] = BigInt(i);
    picks[2 * i + 1] = BigInt(token);
  });
  return {
    picks: { dtype: "int64", dims: [N, 2], data: picks },
    ...(isTraining && { weights: { dtype: "float32", dims: [N], data: weights } }),
  };
}

function valueFeeds(
  parameters: readonly MemoryParameter[],
  values: MemoryValues,
): Record<string, HostTensor> {
  return Object.fromEntries(
    parameters.map(({ name, shape }) => {
      const data = values.get(name);
      if (!data) throw new Error(`internal: no value for ${name}`);
      return [name, { dtype: "float32", dims: shape, data }];
    }),
  );
}

function scoresOf(
  { weights, texts }: WindowBatch,
  { picked, count }: { picked: Float32Array; count: number },
): number[] {
  const scores = new Array<number>(count).fill(0);
  picked.forEach((logProbability, i) => {
    scores[texts[i]!]! += logProbability * weights[i]!;
  });
  return scores;
}
