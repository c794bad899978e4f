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

/** The ordinals of passages without a vector. */
export function missingOrdinals(ids: readonly (string | undefined)[]): number[] {
  return ids.flatMap((id, ordinal) => (id === undefined ? [ordinal] : []));
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
  if (before) await dropOthers(path, before);
  const missing = missingOrdinals(before?.ids ?? new Array<undefined>(passages.count).fill(undefined));
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

async function dropOthers(path: string, { rows, ids, others, ...header }: LoadedVectors): Promise<void> {
  const { dimensions } = header;
  const records = ids.flatMap((id, ordinal) =>
    id === undefined ? [] : [{ id, vector: rows.subarray(ordinal * dimensions, (ordinal + 1) * dimensions) }],
  );
  if (others > records.length) await saveVectors(path, header, records);
}
