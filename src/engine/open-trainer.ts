import { availableParallelism } from "node:os";
import type { Progress } from "../base/progress.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { batchRows } from "../training/encode.ts";
import { joinTrainers } from "../training/lanes.ts";
import { openTrainer, type Trainer } from "../training/trainer.ts";
import type { EngineConfig } from "./config.ts";
import { countParameters, maxPositions, trainingModel } from "./models.ts";
import type { OpenedModel } from "./parts.ts";

interface TrainerParts {
  config: EngineConfig;
  progress: Progress;
  runtime: () => Promise<Runtime>;
  /** Threads of that runtime. */
  threads: number | undefined;
}

/** Parameters from which on one matrix keeps several threads busy: see docs/decisions/0025. */
const laneParameters = 50e6;

/** The engine's trainer: for a small model on several threads one for each row of a batch, side by side. */
export async function openEngineTrainer(
  opened: OpenedModel,
  { config, progress, runtime, threads = availableParallelism() }: TrainerParts,
): Promise<Trainer> {
  const { rank, alpha, targetModules, maxTokens, name } = opened.recipe;
  const model = await trainingModel(opened, config, progress);
  const open = (running: Runtime) =>
    openTrainer(running, model, {
      config: { rank, alpha, targetModules },
      maxTokens: Math.min(maxTokens, maxPositions),
    });
  const count = Math.min(threads, batchRows);
  const isLaned = name === "packed" && config.device === "cpu" && countParameters(opened) < laneParameters;
  if (count === 1 || !isLaned) return open(await runtime());
  const runtimes: Runtime[] = [];
  const dispose = async () => {
    for (const one of runtimes) await one.dispose();
  };
  try {
    const lanes: Trainer[] = [];
    while (lanes.length < count) {
      const own = await openRuntime({ threads: Math.floor(threads / count) });
      runtimes.push(own);
      lanes.push(await open(own));
    }
    return { ...joinTrainers(lanes), dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
