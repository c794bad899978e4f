import type { Progress } from "../base/progress.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { batchRows } from "../training/encode.ts";
import { createLanedTrainer } from "../training/lanes.ts";
import { openTrainer, type Trainer } from "../training/trainer.ts";
import type { EngineConfig } from "./config.ts";
import { countParameters, maxPositions, trainingModel } from "./models.ts";
import type { OpenedModel } from "./parts.ts";

interface TrainerParts {
  config: EngineConfig;
  progress: Progress;
  runtime: Runtime;
  /** Opens a runtime with so many threads; it ends with the trainer. */
  openRuntime(threads: number): Promise<Runtime>;
}

/** Parameters of a model that is small enough for lanes: see docs/decisions/0025. */
const laneParameters = 50e6;

/** The engine's trainer: where a small model has several threads, with lanes. */
export async function openEngineTrainer(
  opened: OpenedModel,
  { config, progress, runtime, openRuntime }: TrainerParts,
): Promise<Trainer> {
  const { rank, alpha, targetModules, maxTokens } = opened.recipe;
  const model = await trainingModel(opened, config, progress);
  const open = (running: Runtime) =>
    openTrainer(running, model, {
      config: { rank, alpha, targetModules },
      maxTokens: Math.min(maxTokens, maxPositions),
    });
  const alone = await open(runtime);
  const lanes = laneCount(runtime.threads);
  if (lanes < 2 || runtime.device !== "cpu" || countParameters(opened) >= laneParameters) return alone;
  return createLanedTrainer({
    alone,
    lanes,
    async openLane(lane) {
      const left = runtime.threads % lanes;
      const own = await openRuntime(Math.floor(runtime.threads / lanes) + (lane < left ? 1 : 0));
      try {
        return { ...(await open(own)), dispose: () => own.dispose() };
      } catch (error) {
        await own.dispose();
        throw error;
      }
    },
  });
}

/** As many lanes as the rows of a batch can be dealt out to evenly. */
function laneCount(threads: number): number {
  return threads >= batchRows ? batchRows : threads >= 2 ? 2 : 1;
}
