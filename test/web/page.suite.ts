import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const root = resolve(import.meta.dirname, "../..");
const target = join(root, "dist", "web");

/**
 * The built page, brought up to date. It is built beside its place and moved there as a whole, because another test may be
 * packing `dist` at the same time.
 */
export async function builtPage(): Promise<string> {
  const folder = await mkdtemp(join(root, "dist", ".web-"));
  try {
    // In a process of its own: within a test runner Vite would build for tests.
    await promisify(execFile)("npm", ["run", "--silent", "build:web", "--", "--outDir", folder], {
      cwd: root,
      env: { ...process.env, NODE_ENV: "production" },
    });
    // Names of the page's files are hashes of what is in them, so the first page tells all.
    if ((await read(folder)) !== (await read(target))) {
      await rm(target, { recursive: true, force: true });
      await rename(folder, target);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return target;
}

function read(folder: string): Promise<string | undefined> {
  return readFile(join(folder, "index.html"), "utf8").catch(() => undefined);
}

/** The browser of this machine; undefined where there is none. */
export function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? "").split(":");
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}
