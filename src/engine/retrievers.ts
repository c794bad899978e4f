import { NotFoundError } from "../base/errors.ts";
import { bm25Retriever } from "../retrieval/bm25.ts";
import { openBm25Index } from "../retrieval/bm25-file.ts";
import { buildBm25IndexInTurns } from "../retrieval/bm25-index.ts";
import { denseRetriever } from "../retrieval/dense.ts";
import { hybridRetriever } from "../retrieval/hybrid.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { ranksOf } from "../retrieval/top-list.ts";
import { loadVectorsOf, missingOrdinals } from "../retrieval/vectors-update.ts";
import type { EngineConfig } from "./config.ts";
import { asWriter } from "./data-folder.ts";
import { type EmbeddingParts, embedPassages, passageSource } from "./embedding.ts";
import { indexFolder } from "./ingest.ts";
import type { EngineParts } from "./parts.ts";

type RetrieverParts = EmbeddingParts & Pick<EngineParts, "config">;

/** How each retriever is opened: one row per retriever. */
const openers: Record<
  EngineConfig["retriever"],
  (parts: RetrieverParts, signal?: AbortSignal) => Promise<Retriever>
> = {
  bm25: openBm25,
  dense: openDense,
  hybrid: async (parts, signal) =>
    hybridRetriever([await openBm25(parts), await openDense(parts, signal)], {
      depth: parts.config.hybridDepth,
    }),
};

/** Opens the retriever of the settings over the current corpus; `signal` ends the embedding of passages. */
export async function openRetriever(
  parts: RetrieverParts,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Retriever> {
  return openers[parts.config.retriever](parts, signal);
}

async function openBm25({ config, folder, corpus }: RetrieverParts): Promise<Retriever> {
  const opened = await corpus();
  const path = indexFolder(folder.collection.index, opened.generation, config.analyzer);
  const index = await openBm25Index(path).catch((error: unknown) => {
    if (!(error instanceof NotFoundError)) throw error;
    return buildBm25IndexInTurns(opened.passages(), { analyzer: config.analyzer });
  });
  return bm25Retriever({ index, passages: (ordinal) => opened.passage(ordinal) });
}

async function openDense(parts: RetrieverParts, signal?: AbortSignal): Promise<Retriever> {
  const embedder = await parts.embedder();
  const opened = await parts.corpus();
  const path = parts.folder.collection.vectors;
  const source = passageSource(opened);
  let loaded = await loadVectorsOf(path, embedder, source);
  if (opened.passageCount > 0 && (!loaded || missingOrdinals(loaded.ids).length > 0)) {
    await asWriter(parts.folder, "embed passages", () => embedPassages(parts, { signal }));
    loaded = await loadVectorsOf(path, embedder, source);
  }
  const { dimensions = 1, rows = new Float32Array(), ids = [] } = loaded ?? {};
  return denseRetriever({
    embedder,
    index: { dimensions, rows, idRanks: ranksOf(ids.map((id) => id ?? "")) },
    passages: (ordinal) => opened.passage(ordinal),
  });
}
