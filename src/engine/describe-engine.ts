import { hashAdapter } from "../adapters/initialise.ts";
import { NotFoundError } from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import { sha256OfFile } from "../base/hash.ts";
import { promptsHash } from "../prompts/provenance.ts";
import type { EngineConfig } from "./config.ts";
import { weightsInUse } from "./models.ts";
import { packageVersion } from "./package-root.ts";
import type { EngineParts, OpenedModel } from "./parts.ts";

/** A model that answers, by name and content, with the kind of weights that generation takes. */
export interface ModelDescription {
  name: string;
  fingerprint: string;
  weights: string;
}

/** All of an engine that determines what it answers, as results record it: names and hashes, no paths. */
export interface EngineDescription {
  version: string;
  model: ModelDescription;
  promptsHash: string;
  retriever: Record<string, unknown>;
  recipe: Record<string, unknown>;
  initHash: string;
  initSource: "seed" | "adapter";
  adapterDtype: string;
  augmentation: Record<string, unknown>;
  merge: { weights: string; scale: number };
  compat: string;
}

/** Describes an engine; the model is opened for it, and the embedder where vectors are used. */
export async function describeEngine(parts: EngineParts): Promise<EngineDescription> {
  const { config } = parts;
  const model = await parts.model();
  const { recipe, initial } = model;
  const { augmenter, endpoint } = config.augment;
  return {
    version: packageVersion,
    model: describeModel(model, config),
    promptsHash: promptsHash(),
    retriever: await describeRetriever(parts),
    recipe: { ...recipe },
    initHash: hashAdapter(initial),
    initSource: config.initAdapter === undefined ? "seed" : "adapter",
    adapterDtype: config.adapterDtype,
    augmentation: {
      augmenter,
      ...(augmenter === "remote" && { model: endpoint?.model }),
      ...(await parts.augmentSettings()),
      imported: await hashIfPresent(parts.folder.collection.imported),
    },
    merge: await parts.mergeSettings(),
    compat: config.compat,
  };
}

/** Describes a model as an engine of these settings opens it. */
export function describeModel(model: OpenedModel, config: EngineConfig): ModelDescription {
  const { name, fingerprint } = model;
  return { name, fingerprint, weights: weightsInUse(model, config) };
}

/** How passages are found; the embedder is opened where vectors are used. */
export async function describeRetriever({
  config,
  embedder,
}: Pick<EngineParts, "config" | "embedder">): Promise<Record<string, unknown>> {
  const { retriever: name, analyzer, hybridDepth } = config;
  if (name === "bm25") return { name, analyzer };
  const vectors = { name, embedder: (await embedder()).identity };
  return name === "dense" ? vectors : { ...vectors, analyzer, hybridDepth };
}

async function hashIfPresent(path: string): Promise<string | null> {
  try {
    return await sha256OfFile(path);
  } catch (error) {
    const explained = explainSystemError(error, path);
    if (explained instanceof NotFoundError) return null;
    throw explained;
  }
}
