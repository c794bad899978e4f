import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const launcher = join(root, "bin", "prag.js");
const fixture = join(root, "test", "parity", "fixtures", "qwen2-tied");

/** What a finished command left. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A folder for commands, gone after the task: `docs` with four articles, and `model` with a recipe of few updates. */
export async function withWorkFolder(
  task: (folder: string) => Promise<void>,
  { updates = 1 }: { updates?: number } = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "prag-cli-"));
  try {
    await mkdir(join(folder, "docs"));
    for (const [i, name] of ["Orlen", "Tarrow", "Vessick", "Hallam"].entries())
      await writeFile(
        join(folder, "docs", `${name.toLowerCase()}.txt`),
        `The ${name} Bridge was built in ${1801 + i} by Mira Tolk. It stands in Quern. The ${name} Bridge has ${3 + i} arches.\n`,
      );
    await copyModel(join(folder, "model"), updates);
    await writeFile(
      join(folder, "prag.config.json"),
      JSON.stringify({
        model: "./model",
        cacheFolder: "cache",
        threads: 1,
        maxTokens: 8,
        augment: { augmenter: "rule" },
      }),
    );
    await task(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyModel(folder: string, updates: number): Promise<void> {
  await mkdir(folder);
  for (const name of await readdir(fixture))
    if (/^(config|tokenizer|tokenizer_config|generation_config)\.json$|^model\.safetensors$/.test(name))
      await copyFile(join(fixture, name), join(folder, name));
  const recipe = { pattern: "pairs", mask: "answer", pairs: 1, updates };
  await writeFile(join(folder, "prag-preset.json"), JSON.stringify({ recipe }));
}

/** Runs the command line as a process of its own. */
export function prag(
  folder: string,
  args: readonly string[],
  {
    input = "",
    env = {},
    onStart,
  }: { input?: string; env?: Record<string, string>; onStart?: (child: ChildProcess) => void } = {},
): Promise<Finished> {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [launcher, ...args], {
      cwd: folder,
      stdio: "pipe",
      env: { ...process.env, ...env },
    });
    const finished: Finished = { code: null, stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => (finished.stdout += chunk));
    child.stderr.on("data", (chunk) => (finished.stderr += chunk));
    child.on("error", reject);
    child.on("close", (code) => done({ ...finished, code }));
    child.stdin.end(input);
    onStart?.(child);
  });
}
