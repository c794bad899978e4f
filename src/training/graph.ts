import { type AdapterConfig, scalingOf } from "../adapters/adapter.ts";
import { type FactorInputs, factorInputs, loraLinear } from "../adapters/lora-linear.ts";
import { gradientsOf } from "../graph/backward.ts";
import { gatherNd, logSoftmax, mul, scale, sum } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import type { Model } from "../models/open-model.ts";
import { createScoringGraph } from "../models/training-graph.ts";
import { type TargetModule, targetModulesOf } from "./target-modules.ts";

/** The graph of one update. */
export interface TrainingGraph {
  folder: string;
  outputs: Record<string, Tensor>;
  modules: TargetModule[];
}

/** Loss −Σ weight · log p over the picks, its gradients by every factor, and each pick's log-probability. */
export function createTrainingGraph(model: Model, config: AdapterConfig, maxTokens: number): TrainingGraph {
  const modules = targetModulesOf(model.config, config);
  const factors = new Map<string, FactorInputs>(
    modules.map(({ name, size }) => [name, factorInputs(name, size)]),
  );
  const { folder, logits } = createScoringGraph(model, {
    positions: maxTokens,
    adapt: (base) => loraLinear(base, { factors, scaling: scalingOf(config) }),
  });
  const picked = gatherNd(logSoftmax(logits), input("picks", "int64", ["P", 2])); // [P]
  const loss = scale(sum(mul(picked, input("weights", "float32", ["P"])), [0]), -1);
  const wanted = [...factors.values()].flatMap(({ down, up }) => [down, up]);
  const gradients = gradientsOf(loss, wanted);
  const outputs = Object.fromEntries(wanted.map((factor, i) => [gradientName(factor.name), gradients[i]!]));
  return { folder, outputs: { ...outputs, picked }, modules };
}

/** Name of the output that carries the gradient of a factor input. */
export const gradientName = (factor: string) => `gradient.${factor}`;
