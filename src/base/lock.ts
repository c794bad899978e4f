import { readFileSync } from "node:fs";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { CapacityError, systemCode } from "./errors.ts";
import { explainSystemError } from "./files.ts";

const ownerSchema = z.object({ pid: z.int(), host: z.string(), started: z.string(), purpose: z.string() });
type Owner = z.infer<typeof ownerSchema>;

/** A held lock; `release` gives it back and may be called twice. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * Takes the one writer's place of a data folder (`<folder>/lock`), or throws a `CapacityError` that names the owner.
 * The lock of a process that is gone (same host, no such pid, or the pid was reused) is stale and is taken over.
 */
export async function acquireLock(folder: string, purpose: string): Promise<Lock> {
  const path = join(folder, "lock");
  const owner: Owner = { pid: process.pid, host: hostname(), started: startOf(process.pid), purpose };
  const candidate = join(folder, `lock.${process.pid}.${Date.now()}.${Math.floor(performance.now() * 1000)}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(candidate, JSON.stringify(owner));
    for (let attempt = 0; attempt < 3; attempt++) {
      if (await tryLink(candidate, path)) {
        return { release: () => releaseLock(path, owner) };
      }
      const holder = await readOwner(path);
      if (holder && isAlive(holder)) {
        throw new CapacityError(
          `${folder} is being written by another process (pid ${holder.pid} on ${holder.host}: ${holder.purpose}); wait until it ends, or stop it, then run the same command again`,
        );
      }
      // Rename first: of two processes that found the same stale lock only one succeeds.
      await rename(path, `${candidate}.stale`).catch(() => undefined);
      await rm(`${candidate}.stale`, { force: true });
    }
    throw new CapacityError(`${path} could not be taken; another process takes it again and again`);
  } catch (error) {
    throw explainSystemError(error, path);
  } finally {
    await rm(candidate, { force: true }).catch(() => undefined);
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

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return ownerSchema.safeParse(JSON.parse(await readFile(path, "utf8"))).data;
  } catch {
    return undefined; // gone meanwhile, or half-written by something else: not a living owner
  }
}

async function releaseLock(path: string, owner: Owner): Promise<void> {
  const holder = await readOwner(path);
  if (holder && holder.pid === owner.pid && holder.started === owner.started) await rm(path, { force: true });
}

function isAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return true; // cannot be known from here
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (systemCode(error) === "ESRCH") return false;
  }
  return owner.started === startOf(owner.pid);
}

/** When a process began, in clock ticks since boot (Linux), so that a reused pid is told apart; else "". */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
