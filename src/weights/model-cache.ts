import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { systemCode } from "../base/errors.ts";
import { readJsonIfPresent, writeAtomic, writeJson } from "../base/files.ts";

/** One file of a model, as the hub lists it. */
export interface ModelFile {
  path: string;
  /** In bytes. */
  size: number;
  /** SHA-256 of the content, for large files. */
  sha256?: string | undefined;
  /** Git's hash of the content, for the others. */
  gitSha1?: string | undefined;
}

const fileSchema = z.object({
  path: z.string(),
  size: z.int().nonnegative(),
  sha256: z.string().optional(),
  gitSha1: z.string().optional(),
});
const manifestSchema = z.object({ files: z.array(fileSchema).min(1) });
const commitPattern = /^[0-9a-f]{40}$/;

/** Whether a revision is a full commit hash, which never means anything else later. */
export function isCommit(revision: string): boolean {
  return commitPattern.test(revision);
}

/**
 * Where fetched models lie: `models--org--name/<commit>/` holds the files, `<commit>.json` beside it lists them once
 * all are there and checked, and `refs/<revision>` holds the commit that a branch or tag meant last.
 */
export class ModelCache {
  readonly #folder: string;

  /** `name` is `org/name`. */
  constructor(cacheFolder: string, name: string) {
    this.#folder = join(cacheFolder, `models--${name.replace("/", "--")}`);
  }

  /** The folder that its writer locks. */
  get folder(): string {
    return this.#folder;
  }

  /** The folder of a commit's files. */
  snapshot(commit: string): string {
    return join(this.#folder, commit);
  }

  /** The commit that a revision meant when it was last fetched. */
  async readCommit(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    try {
      const commit = (await readFile(this.#refPath(revision), "utf8")).trim();
      return isCommit(commit) ? commit : undefined;
    } catch (error) {
      if (systemCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Notes that all files of a commit are there, and what a revision means. */
  async writeComplete(commit: string, { revision, files }: { revision: string; files: ModelFile[] }) {
    await writeJson(`${this.snapshot(commit)}.json`, { files });
    await this.writeCommit(revision, commit);
  }

  /** Notes what a revision means now. */
  async writeCommit(revision: string, commit: string): Promise<void> {
    if (isCommit(revision) || (await this.readCommit(revision)) === commit) return;
    await writeAtomic(this.#refPath(revision), `${commit}\n`);
  }

  /** Whether every file of a commit was fetched, and still has its size. */
  async isComplete(commit: string): Promise<boolean> {
    const manifest = await readJsonIfPresent(`${this.snapshot(commit)}.json`, manifestSchema);
    if (!manifest) return false;
    const sizes = await Promise.all(
      manifest.files.map(({ path }) => sizeOf(join(this.snapshot(commit), path))),
    );
    return manifest.files.every(({ size }, i) => sizes[i] === size);
  }

  #refPath(revision: string): string {
    return join(this.#folder, "refs", encodeURIComponent(revision));
  }
}

/** The size of a file in bytes; nothing where there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** A model that lies whole in the cache. */
export interface CachedModel {
  name: string;
  commit: string;
  folder: string;
  /** Of its files, in bytes. */
  size: number;
}

/** The models that lie whole in a cache folder, by name and commit. */
export async function listCachedModels(cacheFolder: string): Promise<CachedModel[]> {
  const models: CachedModel[] = [];
  for (const entry of await namesIn(cacheFolder)) {
    const name = /^models--(.+?)--(.+)$/.exec(entry)?.slice(1).join("/");
    if (name === undefined) continue;
    const cache = new ModelCache(cacheFolder, name);
    for (const file of await namesIn(cache.folder)) {
      const commit = file.replace(/\.json$/, "");
      if (commit === file || !isCommit(commit) || !(await cache.isComplete(commit))) continue;
      const manifest = await readJsonIfPresent(join(cache.folder, file), manifestSchema);
      const size = (manifest?.files ?? []).reduce((sum, { size }) => sum + size, 0);
      models.push({ name, commit, folder: cache.snapshot(commit), size });
    }
  }
  return models;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}
