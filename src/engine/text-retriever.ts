import type { Passage } from "../corpus/corpus.ts";
import { bm25Retriever } from "../retrieval/bm25.ts";
import { buildBm25Index } from "../retrieval/bm25-index.ts";
import { denseRetriever } from "../retrieval/dense.ts";
import { passageText } from "../retrieval/embedder.ts";
import { hybridRetriever } from "../retrieval/hybrid.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { ranksOf } from "../retrieval/top-list.ts";
import type { EngineConfig } from "./config.ts";
import type { EngineParts } from "./parts.ts";

type TextParts = Pick<EngineParts, "config" | "embedder" | "progress">;

/** How each retriever is opened over one text: one row per retriever. */
const openers: Record<
  EngineConfig["retriever"],
  (parts: TextParts, passages: readonly Passage[]) => Promise<Retriever>
> = {
  bm25: async ({ config }, passages) => {
    const index = buildBm25Index(passages, { analyzer: config.analyzer });
    return bm25Retriever({ index, passages: (ordinal) => passages[ordinal]! });
  },
  dense: openDense,
  hybrid: async (parts, passages) =>
    hybridRetriever([await openers.bm25(parts, passages), await openDense(parts, passages)], {
      depth: parts.config.hybridDepth,
    }),
};

/** Opens the retriever of the settings over the passages of one text; nothing of it is kept on disk. */
export async function openTextRetriever(parts: TextParts, passages: readonly Passage[]): Promise<Retriever> {
  return openers[parts.config.retriever](parts, passages);
}

/** Passages that are embedded at a time. */
const batch = 32;

async function openDense(parts: TextParts, passages: readonly Passage[]): Promise<Retriever> {
  const embedder = await parts.embedder();
  const vectors: Float32Array[] = [];
  while (vectors.length < passages.length) {
    const some = passages.slice(vectors.length, vectors.length + batch).map(passageText);
    vectors.push(...(await embedder.embed(some, { kind: "passage" })));
    parts.progress({ task: "embed the text", done: vectors.length, total: passages.length });
  }
  const dimensions = vectors[0]?.length ?? 1;
  const rows = new Float32Array(vectors.length * dimensions);
  vectors.forEach((vector, i) => {
    rows.set(vector, i * dimensions);
  });
  const index = { dimensions, rows, idRanks: ranksOf(passages.map(({ id }) => id)) };
  return denseRetriever({ embedder, index, passages: (ordinal) => passages[ordinal]! });
}
