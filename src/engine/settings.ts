import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { readJson, readJsonIfPresent, writeJson } from "../base/files.ts";
import { canonicalJson } from "../base/hash.ts";
import { completeConfig, configFileName, type EngineConfig, type EngineSettings } from "./config.ts";
import { type DataFolder, dataFolder } from "./data-folder.ts";

/** Where settings come from, besides the recorded ones of the collection. */
export interface ConfigSources {
  /** The working folder: `prag.config.json` is read if it is there. */
  folder: string;
  /** Another settings file, which must be there. */
  file?: string | undefined;
  /** Settings that win over the file's. */
  settings?: EngineSettings | undefined;
  /** What is recorded with the collection does not count. */
  ignoreRecorded?: boolean | undefined;
}

/** Settings of a file with those that win over it. Paths in the file are relative to its folder. */
export async function loadSettings({
  folder,
  file,
  settings = {},
  ignoreRecorded = false,
}: ConfigSources): Promise<EngineConfig> {
  const complete = ignoreRecorded ? completeConfig : resolveConfig;
  const path = file ?? join(folder, configFileName);
  const schema = z.record(z.string(), z.unknown());
  const found = file === undefined ? await readJsonIfPresent(path, schema) : await readJson(path, schema);
  if (!found) return complete(settings);
  completeConfig(found, path);
  return complete(mergeDeep(withFullPaths(found, dirname(resolve(path))), settings));
}

/**
 * Completes settings. What was said when the collection was made (how it was cut, its analyzer, recipe, augmentation)
 * counts where the settings say nothing; then the defaults.
 */
export async function resolveConfig(settings: unknown): Promise<EngineConfig> {
  const { dataFolder: path, collection } = completeConfig(settings);
  const recorded = await readJsonIfPresent(dataFolder(path, collection).collection.settings, recordedSchema);
  if (!recorded || !isRecord(settings)) return completeConfig(settings);
  // A recipe is a whole: numbers of two do not mix.
  const { recipe, ...rest } = recorded;
  return completeConfig(mergeDeep({ ...rest, ...(settings.recipe === undefined && { recipe }) }, settings));
}

/** Settings that belong to a collection and are recorded with it. */
const recordedSchema = z.looseObject({ recipe: z.unknown() }).partial();
export type RecordedSettings = Partial<
  Pick<EngineConfig, "ingest" | "analyzer" | "recipe" | "compat" | "initAdapter"> & {
    augment: Omit<EngineConfig["augment"], "endpoint">;
  }
>;

/** Records settings with the collection, for later commands. The caller holds the lock. */
export async function recordSettings({ collection }: DataFolder, settings: RecordedSettings): Promise<void> {
  const before = (await readJsonIfPresent(collection.settings, recordedSchema)) ?? {};
  const after = { ...before, ...settings };
  if (canonicalJson(before) !== canonicalJson(after)) await writeJson(collection.settings, after);
}

function withFullPaths(settings: Record<string, unknown>, folder: string): Record<string, unknown> {
  const full = (value: unknown) => (typeof value === "string" ? resolve(folder, value) : value);
  const { dataFolder: data, cacheFolder, initAdapter, model, memoryModel, answerModel, embedder } = settings;
  const modelPath = (value: unknown) =>
    typeof value === "string" && /^\.{0,2}[/\\]/.test(value) ? full(value) : value;
  return {
    ...settings,
    dataFolder: full(data ?? ".prag"),
    cacheFolder: full(cacheFolder),
    initAdapter: full(initAdapter),
    embedder:
      isRecord(embedder) && "folder" in embedder ? { ...embedder, folder: full(embedder.folder) } : embedder,
    model: modelPath(model),
    memoryModel: modelPath(memoryModel),
    answerModel: modelPath(answerModel),
  };
}

/** Settings of `b` win over those of `a`, key by key; an undefined one does not. */
function mergeDeep(a: Record<string, unknown>, b: object): Record<string, unknown> {
  const result = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = result[key];
    if (value === undefined) continue;
    result[key] = isRecord(before) && isRecord(value) ? mergeDeep(before, value) : value;
  }
  return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
