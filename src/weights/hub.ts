import { statfs } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CapacityError, ConfigError, NotFoundError, RemoteError } from "../base/errors.ts";
import { isFolder } from "../base/files.ts";
import { acquireLock } from "../base/lock.ts";
import { noProgress, type Progress } from "../base/progress.ts";
import { HubClient, type HubOptions } from "./hub-client.ts";
import { isCommit, ModelCache, type ModelFile, sizeOf } from "./model-cache.ts";

/** Where models come from and where they are kept. */
export interface FetchModelOptions extends HubOptions {
  cacheFolder: string;
  /** Branch, tag or commit; `@revision` behind the id wins over it. */
  revision?: string | undefined;
  /** Use what is in the cache, ask nobody. */
  offline?: boolean | undefined;
  progress?: Progress | undefined;
  /** A transfer that brings nothing for so long counts as cut, in ms. */
  stallMs?: number | undefined;
}

const idPattern = /^([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)(?:@(.+))?$/;
const revisionPattern = /^(?!.*\.\.)[A-Za-z0-9][\w./-]*$/;

/**
 * The folder of a model: a local folder as it is, or `org/name[@revision]` of the hub, fetched into the cache if it is
 * not there. Every file is checked by its hash; a fetch that was cut or killed goes on where it ended.
 */
export async function fetchModel(idOrFolder: string, options: FetchModelOptions): Promise<string> {
  if (await isFolder(idOrFolder)) return resolve(idOrFolder);
  const id = parseHubId(idOrFolder);
  if (!id) {
    throw new NotFoundError(
      `model ${idOrFolder} is neither a folder nor a hub id; give the path of a model folder, or org/name[@revision]`,
    );
  }
  const { name, revision = options.revision ?? "main" } = id;
  if (!revisionPattern.test(revision)) {
    throw new ConfigError(`revision ${revision} of ${name} is not the name of a branch, tag or commit`);
  }
  const cache = new ModelCache(options.cacheFolder, name);
  const known = await cache.readCommit(revision);
  const cached = known !== undefined && (await cache.isComplete(known)) ? cache.snapshot(known) : undefined;
  if (options.offline || isCommit(revision)) {
    if (cached !== undefined) return cached;
    if (options.offline) throw new NotFoundError(describeAbsent(idOrFolder, cache));
  }
  try {
    return await fetchSnapshot({ name, revision, cache, hub: new HubClient(name, options) }, options);
  } catch (error) {
    throw cached === undefined ? error : adviseOffline(error, idOrFolder);
  }
}

/** The parts of `org/name[@revision]`; nothing where the text is no such id. */
export function parseHubId(id: string): { name: string; revision: string | undefined } | undefined {
  const [, name, revision] = idPattern.exec(id) ?? [];
  return name === undefined ? undefined : { name, revision };
}

/** What the hub did not give is not needed where the model is in the cache. */
function adviseOffline(error: unknown, id: string): unknown {
  if (!(error instanceof RemoteError)) return error;
  const { message, url, status, retryable } = error;
  return new RemoteError(
    `${message}; ${id} is in the cache as it was fetched last: --offline, or the setting "offline", uses that`,
    { url, ...(status !== undefined && { status }), retryable, cause: error },
  );
}

function describeAbsent(id: string, cache: ModelCache): string {
  return `model ${id} is not in the cache (${cache.folder}), and offline was asked for; fetch it once online: prag models pull ${id}`;
}

interface Fetching {
  name: string;
  revision: string;
  cache: ModelCache;
  hub: HubClient;
}

async function fetchSnapshot(
  { name, revision, cache, hub }: Fetching,
  { progress = noProgress, ...options }: FetchModelOptions,
): Promise<string> {
  const commit = await hub.resolveCommit(revision);
  if (await cache.isComplete(commit)) {
    await cache.writeCommit(revision, commit);
    return cache.snapshot(commit);
  }
  const files = await hub.listFiles(commit);
  checkFiles(name, files);
  const folder = cache.snapshot(commit);
  const lock = await acquireLock(cache.folder, `fetching ${name}`);
  try {
    const total = files.reduce((sum, { size }) => sum + size, 0);
    let done = await presentBytes(folder, files);
    await checkSpace(cache.folder, total - done);
    for (const file of files) {
      const target = join(folder, file.path);
      if ((await sizeOf(target)) === file.size) continue;
      const before = done - ((await sizeOf(`${target}.part`)) ?? 0);
      const onBytes = (bytes: number) => {
        done = before + bytes;
        progress({ task: `fetch ${name}`, done, total, note: file.path });
      };
      await hub.download(commit, file, { ...options, target, onBytes });
      done = before + file.size;
    }
    await cache.writeComplete(commit, { revision, files });
  } finally {
    await lock.release();
  }
  return folder;
}

function checkFiles(name: string, files: readonly ModelFile[]): void {
  const missing = [
    files.some(({ path }) => path === "config.json") ? [] : ["config.json"],
    files.some(({ path }) => path === "tokenizer.json") ? [] : ["tokenizer.json"],
    files.some(({ path }) => path.endsWith(".safetensors")) ? [] : ["model*.safetensors"],
  ].flat();
  if (missing.length === 0) return;
  throw new NotFoundError(
    `model ${name} on the hub has no ${missing.join(", no ")}; choose a model that is saved with them`,
  );
}

/** What of the files lies in the folder already, whole or in part, in bytes. */
async function presentBytes(folder: string, files: readonly ModelFile[]): Promise<number> {
  let sum = 0;
  for (const { path, size } of files) {
    const target = join(folder, path);
    const present = (await sizeOf(target)) === size ? size : ((await sizeOf(`${target}.part`)) ?? 0);
    sum += Math.min(present, size);
  }
  return sum;
}

async function checkSpace(folder: string, wanted: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= wanted) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new CapacityError(
    `the model needs ${megabytes(wanted)} more in ${folder}, ${megabytes(bavail * bsize)} are free; free some space or choose another cache folder`,
  );
}
