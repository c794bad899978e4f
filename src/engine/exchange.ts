import type { Adapter } from "../adapters/adapter.ts";
import { adapterKey } from "../adapters/adapter-key.ts";
import { checkFits, lastPart } from "../adapters/factors.ts";
import { hashAdapter } from "../adapters/initialise.ts";
import { merge } from "../adapters/merge.ts";
import { exportPeft, importPeft } from "../adapters/peft.ts";
import { ConfigError, NotFoundError } from "../base/errors.ts";
import type { Passage } from "../corpus/corpus.ts";
import { findKey } from "./adapters.ts";
import { meansBase, referToBase } from "./base-model.ts";
import { asWriter } from "./data-folder.ts";
import { packageVersion } from "./package-root.ts";
import type { EngineParts } from "./parts.ts";

/** Which adapter is to leave: one by its key, or several merged, of passages or of what is retrieved for a question. */
export type ExportChoice = { key: string } | { question: string } | { passages: readonly string[] };

/** What was exported. */
export interface ExportReport {
  folder: string;
  /** Keys of the adapters in it. */
  keys: string[];
  rank: number;
  /** Passages that have no adapter and are not in it. */
  missing: string[];
}

/** Writes an adapter, or several merged, as a PEFT folder. */
export async function exportAdapter(
  parts: EngineParts,
  choice: ExportChoice,
  folder: string,
): Promise<ExportReport> {
  const { adapter, keys, missing } = await chooseAdapter(parts, choice);
  await exportPeft(folder, adapter, await referToBase(parts));
  return { folder, keys, rank: adapter.config.rank, missing };
}

interface Chosen {
  adapter: Adapter;
  keys: string[];
  missing: string[];
}

async function chooseAdapter(parts: EngineParts, choice: ExportChoice): Promise<Chosen> {
  if ("key" in choice) {
    const store = await parts.store();
    const stored = (await store.list()).map(({ key }) => key);
    const key = findKey(stored, choice.key);
    return { adapter: await store.load(key), keys: [key], missing: [] };
  }
  const hits =
    "question" in choice
      ? await (await parts.retriever()).retrieve(choice.question, parts.config.limit)
      : await passagesById(parts, choice.passages);
  return mergeHits(parts, hits);
}

async function passagesById(parts: EngineParts, ids: readonly string[]) {
  const corpus = await parts.corpus();
  return ids.map((id) => ({ passage: corpus.passageById(id), score: 1 }));
}

async function mergeHits(
  parts: EngineParts,
  hits: readonly { passage: Passage; score: number }[],
): Promise<Chosen> {
  const encoding = await parts.encoding();
  const found = await encoding.load(hits.map(({ passage }) => passage.id));
  const present = hits.flatMap(({ passage, score }, i) => {
    const [adapter, key] = [found[i], encoding.keyOf(passage.id)];
    return adapter && key !== undefined ? [{ adapter, key, score, id: passage.id }] : [];
  });
  if (!present.length)
    throw new NotFoundError(
      `none of the ${hits.length} passages has an adapter for this model and recipe; encode them first (prag encode)`,
    );
  const scores = present.map(({ score }) => score);
  const ids = new Set(present.map(({ id }) => id));
  return {
    adapter: merge(
      present.map(({ adapter }) => adapter),
      { ...(await parts.mergeSettings()), scores },
    ),
    keys: present.map(({ key }) => key),
    missing: hits.map(({ passage }) => passage.id).filter((id) => !ids.has(id)),
  };
}

/** What was imported. */
export interface ImportedAdapterReport {
  key: string;
  rank: number;
  bytes: number;
  /** The passage that it stands for from now on. */
  passage: string | null;
  /** The base model that the folder names, where that is another than the one in use: only the shapes are known to fit. */
  otherBase: string | null;
}

/** Takes a PEFT folder into the store; with a passage, that passage is answered from it. */
export async function importAdapter(
  parts: EngineParts,
  folder: string,
  { passageId }: { passageId?: string | undefined } = {},
): Promise<ImportedAdapterReport> {
  return asWriter(parts.folder, "import an adapter", async () => {
    const passage = passageId === undefined ? undefined : (await parts.corpus()).passageById(passageId);
    const { adapter, baseModel } = await importPeft(folder);
    const isOther = baseModel !== undefined && !meansBase(baseModel, await referToBase(parts));
    const otherBase = isOther ? baseModel : undefined;
    const model = await parts.model();
    checkTargets(adapter, model.recipe.targetModules);
    checkFits(adapter, model.shapes);
    const recipe = { imported: hashAdapter(adapter) };
    const { title, text } = passage ?? { title: "", text: "" };
    const origin = { model: model.fingerprint, passage: { title, text }, augmentation: null };
    const key = adapterKey({ ...origin, prompts: "", recipe, init: "" });
    const bytes = await (await parts.store()).save(key, adapter, {
      baseModel: { name: model.name, fingerprint: model.fingerprint },
      createdBy: `parametric-rag ${packageVersion}, imported from PEFT`,
      importedBase: otherBase,
      passageId,
      recipe,
    });
    if (passage) await (await parts.encoding()).append({ passageId: passage.id, key });
    return {
      key,
      rank: adapter.config.rank,
      bytes,
      passage: passage?.id ?? null,
      otherBase: otherBase ?? null,
    };
  });
}

/** The model in use adds deltas on its recipe's target modules only. */
function checkTargets(adapter: Adapter, targets: readonly string[]): void {
  const kinds = [...new Set([...adapter.modules.keys()].map(lastPart))];
  const foreign = kinds.filter((kind) => !targets.includes(kind));
  if (foreign.length)
    throw new ConfigError(
      `the adapter changes ${foreign.join(", ")}, the recipe in use ${targets.join(", ")} only; set recipe.targetModules to ${kinds.join(",")} in prag.config.json`,
    );
}
