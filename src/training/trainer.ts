import type { Adapter, AdapterConfig } from "../adapters/adapter.ts";
import { factorName } from "../adapters/lora-linear.ts";
import { toOnnx } from "../graph/onnx.ts";
import type { Model } from "../models/open-model.ts";
import { floats } from "../runtime/floats.ts";
import type { HostTensor, ResidentTensor, Runtime, Session } from "../runtime/runtime.ts";
import { AdamW, type AdamWOptions } from "./adamw.ts";
import { createTrainingGraph, gradientName } from "./graph.ts";
import { hasDiverged } from "./loss.ts";
import type { PackedRow } from "./packing.ts";
import { type ResidentBatch, withBatches } from "./resident-batch.ts";
import { stackFactors, unstackFactors } from "./stacked-factors.ts";
import type { TargetModule } from "./target-modules.ts";

/** How many updates with which learning rates. */
export interface Schedule extends AdamWOptions {
  /** `constant`, or linear to zero over the updates. */
  decay?: "constant" | "linear";
}

/** One adapter to train: where it starts and what each update sees. */
export interface TrainingJob {
  initial: Adapter;
  /** One row per update; the same object may stand for many updates. */
  updates: readonly PackedRow[];
}

/** A trained adapter with the loss before each update; of a training that diverged up to the first that is not finite. */
export interface TrainedAdapter {
  adapter: Adapter;
  losses: number[];
}

/** Trains adapters of one shape for one frozen base model. */
export interface Trainer {
  readonly config: AdapterConfig;
  /**
   * Trains several adapters at once, each in its own row of the batch with its own factors; they do not influence one
   * another, and one that diverges does not stop the others. All jobs have the same number of updates.
   */
  train(jobs: readonly TrainingJob[], schedule: Schedule, options?: TrainOptions): Promise<TrainedAdapter[]>;
  /** Loss and gradients of one packed batch at given adapters, one per row. */
  gradients(rows: readonly PackedRow[], adapters: readonly Adapter[]): Promise<StepResult>;
  dispose(): Promise<void>;
}

export interface TrainOptions {
  signal?: AbortSignal | undefined;
  /** Waited for before each update, so that training can give way. */
  beforeUpdate?: (() => Promise<void>) | undefined;
  /** Gets the number of the update and the mean loss before it, which is not finite once a row has diverged. */
  onUpdate?: ((update: number, loss: number) => void) | undefined;
}

/** What one run of the training graph gives. */
export interface StepResult {
  /** Loss of each row. */
  losses: number[];
  /** Gradients by graph input name, [B, R, width]. */
  gradients: Map<string, Float32Array>;
}

/** Opens the training session: one graph serves every batch size, length and rank. */
export async function openTrainer(
  runtime: Runtime,
  model: Model,
  { config, maxTokens }: { config: AdapterConfig; maxTokens: number },
): Promise<Trainer> {
  const graph = createTrainingGraph(model, config, maxTokens);
  const session = await runtime.openSession(toOnnx(graph.outputs, { folder: graph.folder }));
  const run = (batch: ResidentBatch, factors: Map<string, Float32Array>) =>
    runStep(session, { batch, factors, modules: graph.modules });
  return {
    config,
    async train(jobs, schedule, { signal, beforeUpdate, onUpdate } = {}) {
      const factors = stackFactors(
        jobs.map((job) => job.initial),
        graph.modules,
      );
      const optimiser = new AdamW(schedule);
      const losses = jobs.map((): number[] => []);
      const updates = commonLength(jobs);
      await withBatches(runtime, async (batchOf) => {
        for (let update = 0; update < updates; update++) {
          await beforeUpdate?.();
          signal?.throwIfAborted();
          if (!losses.every(hasDiverged)) {
            const result = await run(await batchOf(jobs.map((job) => job.updates[update]!)), factors);
            for (const [row, loss] of result.losses.entries())
              if (!hasDiverged(losses[row]!)) losses[row]!.push(loss);
            const factor = schedule.decay === "linear" ? 1 - update / updates : 1;
            optimiser.step(
              [...factors].map(([name, value]) => ({ value, gradient: result.gradients.get(name)! })),
              factor,
            );
          }
          onUpdate?.(update + 1, losses.reduce((sum, row) => sum + row.at(-1)!, 0) / jobs.length);
        }
      });
      return jobs.map((_, row) => ({
        adapter: unstackFactors(factors, graph.modules, { row, config }),
        losses: losses[row]!,
      }));
    },
    async gradients(rows, adapters) {
      const factors = stackFactors(adapters, graph.modules);
      let result: StepResult | undefined;
      await withBatches(runtime, async (batchOf) => {
        result = await run(await batchOf(rows), factors);
      });
      return result!;
    },
    dispose: () => session.dispose(),
  };
}

async function runStep(
  session: Session,
  {
    batch,
    factors,
    modules,
  }: { batch: ResidentBatch; factors: Map<string, Float32Array>; modules: TargetModule[] },
): Promise<StepResult> {
  const { layout, tensors } = batch;
  const feeds: Record<string, HostTensor | ResidentTensor> = { ...tensors };
  for (const { name, size } of modules) {
    for (const [factor, width] of [
      ["down", size.in],
      ["up", size.out],
    ] as const) {
      const data = factors.get(factorName(name, factor))!;
      const rank = data.length / (layout.rows * width);
      feeds[factorName(name, factor)] = { dtype: "float32", dims: [layout.rows, rank, width], data };
    }
  }
  const { values } = await session.run(feeds);
  const losses = new Array<number>(layout.rows).fill(0);
  floats(values.picked!).forEach((logProbability, i) => {
    losses[layout.pickRows[i]!]! -= logProbability * layout.weights[i]!;
  });
  return {
    losses,
    gradients: new Map([...factors.keys()].map((name) => [name, floats(values[gradientName(name)]!)])),
  };
}

/** Updates of every job; jobs that differ in them cannot be trained together. */
export function commonLength(jobs: readonly TrainingJob[]): number {
  const [first = 0, ...rest] = jobs.map((job) => job.updates.length);
  if (rest.some((length) => length !== first)) throw new Error("internal: jobs of a batch differ in updates");
  return first;
}
