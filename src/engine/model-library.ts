import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readJsonIfPresent } from "../base/files.ts";
import { fetchModel } from "../weights/hub.ts";
import { listCachedModels } from "../weights/model-cache.ts";
import type { EngineConfig } from "./config.ts";
import { hubAccess, type ModelSurroundings } from "./models.ts";
import { packageRoot } from "./package-root.ts";

/** A model that can be used without fetching anything. */
export interface AvailableModel {
  /** What `--model` takes. */
  name: string;
  /** `package` for those that come with this package, else the commit on the hub. */
  revision: string;
  folder: string;
  bytes: number;
}

/** The models of this package, then those in the cache. */
export async function listModels({
  cacheFolder,
}: Pick<EngineConfig, "cacheFolder">): Promise<AvailableModel[]> {
  const cached = await listCachedModels(cacheFolder);
  return [
    ...(await bundledModels()),
    ...cached.map(({ name, commit, folder, size }) => ({ name, revision: commit, folder, bytes: size })),
  ];
}

const anyConfig = z.looseObject({ model_type: z.string().optional() });

async function bundledModels(): Promise<AvailableModel[]> {
  const root = join(packageRoot, "models");
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []); // a package may come without
  const models: AvailableModel[] = [];
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const folder = join(root, name);
    // Memory weights lie there too: they are no model of their own.
    const config = await readJsonIfPresent(join(folder, "config.json"), anyConfig);
    if (config?.model_type !== undefined)
      models.push({ name, revision: "package", folder, bytes: await folderBytes(folder) });
  }
  return models;
}

/** Bytes of all files below a folder. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0, // deleted meanwhile
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Fetches a model from the hub into the cache, or finds it there; returns its folder. */
export async function pullModel(
  id: string,
  { cacheFolder, revision, offline }: Pick<EngineConfig, "cacheFolder" | "revision" | "offline">,
  { env, progress, signal }: ModelSurroundings,
): Promise<string> {
  return fetchModel(id, { cacheFolder, revision, offline, ...hubAccess(env), progress, signal });
}
