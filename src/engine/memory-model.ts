import { join } from "node:path";
import { NotFoundError } from "../base/errors.ts";
import { isFolder } from "../base/files.ts";
import { type MemorySession, openMemorySession } from "../memory/memory-session.ts";
import { type MemoryModel, openMemoryModel } from "../models/memory-model.ts";
import { memoryEmbeddingName } from "../models/memory-weights.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineConfig } from "./config.ts";
import { generationWeights, isSmall } from "./models.ts";
import { packageRoot } from "./package-root.ts";
import type { EngineParts, OpenedModel } from "./parts.ts";

/**
 * The memory weights for a model: those that the settings name (of this package, or a folder), else those of this
 * package for it, else those within the model's own folder, as published models have them.
 */
export async function findMemoryModel(
  { memoryModel }: Pick<EngineConfig, "memoryModel">,
  model: OpenedModel,
): Promise<MemoryModel> {
  const bundled = (name: string) => join(packageRoot, "models", name);
  if (memoryModel !== undefined) {
    const isBundled = /^[\w.-]+$/.test(memoryModel) && (await isFolder(bundled(memoryModel)));
    return openMemoryModel(isBundled ? bundled(memoryModel) : memoryModel, model);
  }
  const own = bundled(`${model.name}-memory`);
  if (await isFolder(own)) return openMemoryModel(own, model);
  if (model.checkpoint.tensors.has(memoryEmbeddingName)) return openMemoryModel(model.folder, model);
  throw new NotFoundError(
    `there are no memory weights for ${model.name}: train them ("prag memory train"), name their folder (--memory-model), or memorize without them (--lite)`,
  );
}

/** Opens the model of the settings for reading and continuing with memory. */
export async function openEngineMemory(
  { config, progress }: Pick<EngineParts, "config" | "progress">,
  { model, runtime }: { model: OpenedModel; runtime: Runtime },
): Promise<MemorySession> {
  const memoryModel = await findMemoryModel(config, model);
  const weights = await generationWeights(model, config, progress);
  return openMemorySession(
    runtime,
    { model, name: model.name, memoryModel },
    { weights, prepack: weights !== undefined || isSmall(model) },
  );
}
