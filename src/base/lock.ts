import { randomBytes } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { CapacityError, systemCode } from "./errors.ts";
import { explainSystemError } from "./files.ts";
import { sha256 } from "./hash.ts";
import { isRunning, pidNamespace, startOf } from "./process.ts";

const ownerSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** See `pidNamespace`; absent in files of before. */
  namespace: z.string().optional(),
  /** See `startOf`. */
  started: z.string(),
  purpose: z.string(),
  /** Makes every lock file unlike every other, also of the same process. */
  nonce: z.string(),
});
type Owner = z.infer<typeof ownerSchema>;

/** A held lock; `release` gives it back and may be called twice. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * Takes the one writer's place of a data folder (`<folder>/lock`), or throws a `CapacityError` that names the owner.
 * The lock of a process that is gone (same host and container, no such pid, or the pid was reused) is stale and is taken over.
 *
 * Law: never two holders. A lock file appears by `link`, which fails where one stands. A stale file is replaced only
 * by the holder of a second lock, the guard, which is named after that file's content: who holds it looks again
 * whether that very content still stands, and as no two contents are equal, a file that somebody took meanwhile is
 * safe. A guard whose holder died is taken over in the same way, by a guard of its own.
 */
export async function acquireLock(folder: string, purpose: string): Promise<Lock> {
  const path = join(folder, "lock");
  const nonce = randomBytes(12).toString("hex");
  const { pid } = process;
  const place = { host: hostname(), namespace: pidNamespace() };
  const owner: Owner = { pid, ...place, started: startOf(pid), purpose, nonce };
  const content = JSON.stringify(owner);
  try {
    await mkdir(folder, { recursive: true });
    await take(path, content);
    await removeLitter(folder);
  } catch (error) {
    throw explainSystemError(error, path);
  }
  return {
    async release() {
      if ((await readIfPresent(path)) === content) await rm(path, { force: true });
    },
  };
}

/** How often a lock that changes hands under our eyes is looked at again, and how long between. */
const looks = 100;
const pauseMs = 20;

async function take(path: string, content: string): Promise<void> {
  const candidate = `${path}.candidate.${randomBytes(12).toString("hex")}`;
  try {
    await writeFile(candidate, content);
    for (let look = 0; look < looks; look++) {
      if (await tryLink(candidate, path)) return;
      const found = await readIfPresent(path);
      if (found === undefined) continue; // released just now
      const holder = parseOwner(found);
      if (holder && isAlive(holder)) throw new CapacityError(describeHolder(path, holder));
      if (await takeOver(path, found, candidate)) return;
      await sleep(pauseMs);
    }
  } finally {
    await rm(candidate, { force: true });
  }
  throw new CapacityError(`${path} changes hands again and again; run the same command again later`);
}

/** Puts the candidate in the place of a stale file; false if another process is doing that, or has. */
async function takeOver(path: string, stale: string, candidate: string): Promise<boolean> {
  const guard = `${path}.${sha256(stale).slice(0, 16)}`;
  try {
    await take(guard, await readFile(candidate, "utf8"));
  } catch (error) {
    if (error instanceof CapacityError) return false;
    throw error;
  }
  try {
    if ((await readIfPresent(path)) !== stale) return false;
    await rename(candidate, path);
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Nothing for content that is not a lock's: no living owner. */
function parseOwner(content: string): Owner | undefined {
  try {
    return ownerSchema.safeParse(JSON.parse(content)).data;
  } catch {
    return undefined;
  }
}

function describeHolder(path: string, { pid, host, purpose }: Owner): string {
  if (pid === process.pid && host === hostname())
    return `${join(path, "..")} is being written by this very process (pid ${pid}: ${purpose}); try again when that has ended`;
  return `${join(path, "..")} is being written by another process (pid ${pid} on ${host}: ${purpose}); wait until it ends, or stop it, then run the same command again. If that process is surely gone, delete ${path}`;
}

/** Candidates and guards of processes that were killed. Only the lock's holder calls this. */
async function removeLitter(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith("lock.")) continue;
    const owner = parseOwner((await readIfPresent(join(folder, name))) ?? "");
    if (owner && !isAlive(owner)) await rm(join(folder, name), { force: true });
  }
}

function isAlive(owner: Owner): boolean {
  const { pid, host, namespace = pidNamespace(), started } = owner;
  if (host !== hostname() || namespace !== pidNamespace()) return true; // cannot be known from here
  return isRunning(pid) && started === startOf(pid);
}
