import { ConfigError } from "../base/errors.ts";
import type { Corpus } from "../corpus/corpus-folder.ts";
import type { Embedder } from "../retrieval/embedder.ts";
import { openOnnxEmbedder } from "../retrieval/embedder-onnx.ts";
import { createRemoteEmbedder } from "../retrieval/embedder-remote.ts";
import { type PassageSource, updateVectors } from "../retrieval/vectors-update.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineConfig } from "./config.ts";
import type { EngineParts } from "./parts.ts";

/** What embedding needs of an engine. */
export type EmbeddingParts = Pick<EngineParts, "folder" | "progress" | "corpus" | "embedder">;

/** Embeds the passages of the current corpus that have no vector yet. Only for the one writer. */
export async function embedPassages(
  { folder, progress, corpus, embedder }: EmbeddingParts,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const source = passageSource(await corpus());
  await updateVectors(folder.collection.vectors, source, { embedder: await embedder(), progress, signal });
}

/** The passages of a corpus, as their vectors are asked for. */
export function passageSource({ passageCount, ordinalOf, passage }: Corpus): PassageSource {
  return { count: passageCount, ordinalOf, passage };
}

/** Opens the embedder that the settings name. */
export async function openEmbedder(
  { embedder, retriever }: EngineConfig,
  { env, runtime }: { env: Readonly<Record<string, string | undefined>>; runtime: () => Promise<Runtime> },
): Promise<Embedder> {
  if (!embedder)
    throw new ConfigError(
      `retriever "${retriever}" needs an embedder; put "embedder": {"folder": …} (tokenizer.json and model.onnx) or "embedder": {"url": …, "model": …} into prag.config.json`,
    );
  const prefixes = { query: embedder.queryPrefix, passage: embedder.passagePrefix };
  if ("folder" in embedder) return openOnnxEmbedder(embedder.folder, { runtime: await runtime(), prefixes });
  const { url, model, apiKeyVariable } = embedder;
  return createRemoteEmbedder({ baseUrl: url, model, apiKey: env[apiKeyVariable], prefixes });
}
