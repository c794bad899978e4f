import { ConfigError } from "../base/errors.ts";
import type { Progress } from "../base/progress.ts";
import type { Passage } from "../corpus/corpus.ts";
import { type Embedder, passageText } from "./embedder.ts";
import {
  type LoadedVectors,
  loadVectors,
  openVectorWriter,
  saveVectors,
  type WantedPassages,
} from "./vectors-file.ts";

/** The passages that vectors are wanted of. */
export interface PassageSource extends WantedPassages {
  passage(ordinal: number): Passage;
}

/** Passages of one step: after each, its vectors are on disk. */
const stepPassages = 32;

/** Loads the vectors of a file, whose embedder must be this one; nothing where there is no file. */
export async function loadVectorsOf(
  path: string,
  { identity }: Pick<Embedder, "identity">,
  wanted: WantedPassages,
): Promise<LoadedVectors | undefined> {
  const loaded = await loadVectors(path, wanted);
  if (loaded && loaded.embedder !== identity)
    throw new ConfigError(
      `the vectors in ${path} were made by "${loaded.embedder}", the settings name "${identity}"; name that embedder again, or delete the file, and the vectors are made anew`,
    );
  return loaded;
}

/**
 * Embeds the passages that have no vector yet; the caller is the one writer. What is done stays done when it is ended or killed in
 * the middle. Vectors of passages that are gone are dropped once they are the larger part of the file.
 */
export async function updateVectors(
  path: string,
  passages: PassageSource,
  {
    embedder,
    progress,
    signal,
  }: { embedder: Embedder; progress: Progress; signal?: AbortSignal | undefined },
): Promise<void> {
  const before = await loadVectorsOf(path, embedder, passages);
  if (before) await dropOthers(path, before, passages);
  const missing = before?.missing ?? Array.from({ length: passages.count }, (_, ordinal) => ordinal);
  let writer = before && missing.length > 0 ? await openVectorWriter(path) : undefined;
  try {
    for (let start = 0; start < missing.length; start += stepPassages) {
      signal?.throwIfAborted();
      const done = passages.count - missing.length + start;
      progress({ task: "embed", done, total: passages.count });
      const step = missing.slice(start, start + stepPassages).map((ordinal) => passages.passage(ordinal));
      const vectors = await embedder.embed(step.map(passageText), { kind: "passage", signal });
      const dimensions = before?.dimensions ?? vectors[0]!.length;
      checkDimensions(path, vectors, dimensions);
      if (!writer) {
        await saveVectors(path, { embedder: embedder.identity, dimensions });
        writer = await openVectorWriter(path);
      }
      await writer.append(step.map(({ id }, i) => ({ id, vector: vectors[i]! })));
    }
    if (missing.length > 0) progress({ task: "embed", done: passages.count, total: passages.count });
  } finally {
    await writer?.close();
  }
}

function checkDimensions(path: string, vectors: readonly Float32Array[], dimensions: number): void {
  const other = vectors.find((vector) => vector.length !== dimensions);
  if (other)
    throw new ConfigError(
      `the vectors in ${path} have ${dimensions} dimensions, the embedder gives ${other.length}; name the embedder they were made by, or delete the file`,
    );
}

async function dropOthers(
  path: string,
  loaded: LoadedVectors,
  { count, passage }: PassageSource,
): Promise<void> {
  const { rows, dimensions, missing, others } = loaded;
  if (others <= count - missing.length) return;
  const isMissing = new Set(missing);
  const kept = Array.from({ length: count }, (_, ordinal) => ordinal).filter(
    (ordinal) => !isMissing.has(ordinal),
  );
  const records = kept.map((ordinal) => ({
    id: passage(ordinal).id,
    vector: rows.subarray(ordinal * dimensions, (ordinal + 1) * dimensions),
  }));
  await saveVectors(path, loaded, records);
}
