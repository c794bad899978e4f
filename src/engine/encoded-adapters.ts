import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type AdapterHeader, loadAdapterHeader } from "../adapters/adapter-file.ts";
import type { EncodingRow } from "../adapters/encoding.ts";
import { cosineSimilarity, withNorm } from "../adapters/similarity.ts";
import type { AdapterStore } from "../adapters/store.ts";
import { NotFoundError } from "../base/errors.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { createTar } from "../base/tar.ts";
import type { Corpus } from "../corpus/corpus-folder.ts";
import type { AdapterDetail, AdapterSummary, SimilarityMap } from "./api.ts";
import { referencedKeys } from "./collections.ts";
import { asWriter } from "./data-folder.ts";
import { type EncodeOptions, type EncodeReport, encodePassages } from "./encode.ts";
import { exportAdapter } from "./exchange.ts";
import type { EngineParts } from "./parts.ts";

/** The adapters of a collection by the model and recipe in use, in the order in which they were encoded. */
export async function listEncoded(parts: EngineParts): Promise<AdapterSummary[]> {
  const bytes = await storedBytes(parts);
  const rows = (await parts.encoding()).rows().filter(({ key }) => bytes.has(key));
  const summaries: AdapterSummary[] = [];
  const using = { corpus: await parts.corpus(), store: await parts.store() };
  for (const row of rows) summaries.push((await describe(using, row, bytes.get(row.key)!)).summary);
  return summaries;
}

/** One of them with all that its file tells. */
export async function describeEncoded(parts: EngineParts, key: string): Promise<AdapterDetail> {
  const row = await findRow(parts, key);
  const using = { corpus: await parts.corpus(), store: await parts.store() };
  const { summary, header, text } = await describe(using, row, (await storedBytes(parts)).get(key) ?? 0);
  const { baseModel, createdBy, recipe = null, losses = [] } = header.provenance;
  return { ...summary, baseModel: baseModel.name, createdBy, recipe, losses, text };
}

async function storedBytes(parts: EngineParts): Promise<Map<string, number>> {
  return new Map((await (await parts.store()).list()).map(({ key, bytes }) => [key, bytes]));
}

async function findRow(parts: EngineParts, key: string): Promise<EncodingRow> {
  const row = (await parts.encoding()).rows().find((one) => one.key === key);
  if (row && (await (await parts.store()).has(key))) return row;
  throw new NotFoundError(`the collection has no adapter ${key}; list its adapters for their keys`);
}

async function describe(
  { corpus, store }: { corpus: Corpus; store: AdapterStore },
  { key, passageId }: EncodingRow,
  bytes: number,
): Promise<{ summary: AdapterSummary; header: AdapterHeader; text: string }> {
  const passage = corpus.ordinalOf(passageId) === undefined ? undefined : corpus.passageById(passageId);
  const header = await loadAdapterHeader(store.path(key));
  const { rank, alpha, dtype, targetModules, provenance } = header;
  const { recipe, losses = [], trainingTokens = null } = provenance;
  const summary: AdapterSummary = {
    key,
    passageId,
    title: passage?.title ?? "",
    bytes,
    dtype,
    rank,
    alpha,
    targetModules,
    recipeHash: recipe === undefined ? null : sha256(canonicalJson(recipe)).slice(0, 16),
    firstLoss: losses[0] ?? null,
    lastLoss: losses.at(-1) ?? null,
    trainingTokens,
  };
  return { summary, header, text: passage?.text ?? "" };
}

/** How alike the first adapters of a collection are. Lets other work go on between two rows. */
export async function mapSimilarity(
  parts: EngineParts,
  { limit = 64, signal }: { limit?: number; signal?: AbortSignal | undefined } = {},
): Promise<SimilarityMap> {
  const rows = (await parts.encoding()).rows();
  const chosen = rows.slice(0, limit);
  const corpus = await parts.corpus();
  const loaded = await (await parts.encoding()).load(chosen.map(({ passageId }) => passageId));
  const present = chosen.flatMap(({ key, passageId }, i) => {
    const adapter = loaded[i];
    const title = corpus.ordinalOf(passageId) === undefined ? "" : corpus.passageById(passageId).title;
    return adapter ? [{ key, title, ...withNorm(adapter) }] : [];
  });
  const values = present.map(() => new Array<number>(present.length).fill(1));
  for (const [i, row] of present.entries()) {
    signal?.throwIfAborted();
    for (let j = 0; j < i; j++) {
      const cosine = cosineSimilarity(row, present[j]!);
      values[i]![j] = cosine;
      values[j]![i] = cosine;
    }
    await setImmediate();
  }
  return {
    keys: present.map(({ key }) => key),
    titles: present.map(({ title }) => title),
    values,
    isPartial: rows.length > chosen.length,
  };
}

/** Deletes an adapter: its passage is answered from the prompt again. */
export async function removeEncoded(parts: EngineParts, key: string): Promise<void> {
  const { passageId } = await findRow(parts, key);
  await asWriter(parts.folder, "delete an adapter", () =>
    removeAdapters(parts, [{ key, uses: [{ parts, passageId }] }]),
  );
}

/** A passage that an adapter stands for. */
export interface AdapterUse {
  parts: EngineParts;
  passageId: string;
}

/** Deletes adapters with all their uses, so that these passages are answered from the prompt again; the caller holds the lock. */
export async function removeAdapters(
  { folder, store }: EngineParts,
  adapters: readonly { key: string; uses: readonly AdapterUse[] }[],
): Promise<void> {
  for (const { key, uses } of adapters)
    for (const { parts, passageId } of uses) {
      const encoding = await parts.encoding();
      if (encoding.keyOf(passageId) === key) await encoding.forget(passageId);
    }
  const used = await referencedKeys(folder.path);
  for (const { key } of adapters) if (!used.has(key)) await (await store()).remove(key);
}

/** Encodes some passages; with `again`, those that have an adapter too. Adapters that nothing needs any more go. */
export async function encodeSome(
  parts: EngineParts,
  passageIds: readonly string[],
  options: EncodeOptions = {},
): Promise<EncodeReport> {
  const corpus = await parts.corpus();
  const passages = passageIds.map((id) => corpus.passageById(id));
  return asWriter(parts.folder, "encode", async () => {
    const before = await parts.encoding();
    const keys = passageIds.flatMap((id) => before.keyOf(id) ?? []);
    const report = await encodePassages(parts, passages, options);
    if (options.again)
      await removeAdapters(
        parts,
        keys.map((key) => ({ key, uses: [] })),
      );
    return report;
  });
}

/** The passage of an adapter. */
export async function passageOfAdapter(parts: EngineParts, key: string): Promise<string> {
  return (await findRow(parts, key)).passageId;
}

/** An adapter as a PEFT folder, in an uncompressed archive. */
export async function archiveAdapter(parts: EngineParts, key: string): Promise<Uint8Array> {
  await findRow(parts, key);
  const folder = await mkdtemp(join(tmpdir(), "prag-peft-"));
  try {
    await exportAdapter(parts, { key }, folder);
    const names = (await readdir(folder)).sort();
    const root = `adapter-${key.slice(0, 12)}`;
    return createTar(
      await Promise.all(
        names.map(async (name) => ({ name: `${root}/${name}`, bytes: await readFile(join(folder, name)) })),
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
