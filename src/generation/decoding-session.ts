import type { Adapter } from "../adapters/adapter.ts";
import { type FactorInputs, factorInputs, loraLinear } from "../adapters/lora-linear.ts";
import { toOnnx } from "../graph/onnx.ts";
import { type BaseWeights, linearSizes } from "../models/base-weights.ts";
import { createGenerationGraph } from "../models/generation-graph.ts";
import type { Model } from "../models/open-model.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { createBatch, type DecodingBatch } from "./decoding-batch.ts";

/** A model ready to continue sequences. */
export interface DecodingSession {
  /** A batch of these rows, each of `capacity` tokens at most; more may join it, up to `rows` in all. */
  openBatch(
    adapters: readonly (Adapter | undefined)[],
    capacity: number,
    options?: { rows?: number },
  ): Promise<DecodingBatch>;
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
    async openBatch(adapters, capacity, { rows = adapters.length } = {}) {
      const batch = createBatch({ runtime, session, factors, config: model.config, rows });
      try {
        if (adapters.length) await batch.join(adapters, capacity);
        return batch;
      } catch (error) {
        await batch.dispose();
        throw error;
      }
    },
    dispose: () => session.dispose(),
  };
}
