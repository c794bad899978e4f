import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bridgeArticle, tinyModel } from "../../src/engine/engine.suite.ts";

const launcher = resolve(import.meta.dirname, "../../bin/prag.js");

/** How a command ended. */
export interface Ending {
  /** Null where it was killed. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** How long it ran. */
  ms: number;
}

export interface RunOptions {
  /** Working folder. */
  folder: string;
  /** Kill it (as `kill -9`) after so many milliseconds, if it still runs. */
  killAfterMs?: number | undefined;
  /** Run as this user and group. */
  uid?: number | undefined;
  /** Gets the id of the process. */
  onStart?: ((pid: number) => void) | undefined;
}

/** Runs `prag` on one thread, with a small random model and a data folder of its own in the working folder. */
export async function prag(
  words: readonly string[],
  { folder, killAfterMs, uid, onStart }: RunOptions,
): Promise<Ending> {
  const options = ["--model", tinyModel(), "--data-folder", "data", "--cache-folder", "cache"];
  const begun = performance.now();
  const child = spawn(process.execPath, [launcher, ...options, "--threads", "1", "--offline", ...words], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: folder },
    ...(uid !== undefined && { uid, gid: uid }),
  });
  if (child.pid !== undefined) onStart?.(child.pid);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const code = await new Promise<number | null>((ended, failed) => {
    child.on("error", failed);
    child.on("close", ended);
  });
  clearTimeout(timer);
  return { code, ...output, ms: performance.now() - begun };
}

/** Runs a command that must succeed. */
export async function pragOk(words: readonly string[], options: RunOptions): Promise<Ending> {
  const ending = await prag(words, options);
  if (ending.code !== 0)
    throw new Error(`prag ${words.join(" ")} ended with ${ending.code}: ${ending.stderr}`);
  return ending;
}

/** A folder with `docs` (articles) that is gone after the task. */
export async function withFolder<T>(task: (folder: string) => Promise<T>, { articles = 4 } = {}): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "prag-robust-"));
  try {
    await mkdir(join(folder, "docs"));
    for (let i = 0; i < articles; i++)
      await writeFile(join(folder, "docs", `bridge-${i}.txt`), bridgeArticle(i));
    return await task(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A copy of the tiny model's folder without some of its files; settings of its config.json may be replaced. */
export async function copyModel(
  folder: string,
  { without = [], config = {} }: { without?: readonly string[]; config?: Record<string, unknown> },
): Promise<string> {
  await cp(tinyModel(), folder, { recursive: true });
  for (const name of without) await rm(join(folder, name));
  const path = join(folder, "config.json");
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...config }));
  return folder;
}
