import { realpath, stat } from "node:fs/promises";
import { basename, extname, join, parse, relative, resolve, sep } from "node:path";
import { glob, isDynamicPattern } from "tinyglobby";
import { messageOf, systemCode } from "../base/errors.ts";
import { isFolder, liesIn } from "../base/files.ts";

/** A file to be ingested. */
export interface FoundFile {
  path: string;
  /** Path relative to the base folder, with `/`: the name of the file in the corpus. */
  source: string;
  /** Lower case, with its dot. */
  extension: string;
  /** In bytes. */
  size: number;
  modifiedMs: number;
}

/** A file that is not ingested, and why. */
export interface SkippedFile {
  source: string;
  reason: string;
}

/** What of the files is not in what was read of them. */
export interface Unread {
  /** Files of which nothing was read, and why. */
  skipped: SkippedFile[];
  /** Files of which a part could not be read, and why. */
  incomplete: SkippedFile[];
}

/** The first files with their reasons, as an error says them. */
export function listSkipped(files: readonly SkippedFile[]): string {
  const reasons = files.slice(0, 5).map(({ source, reason }) => `${source}: ${reason}`);
  return `${reasons.join("; ") || "no files"}${files.length > 5 ? ` (and ${files.length - 5} more)` : ""}`;
}

export interface FoundFiles {
  /** In the order of `source`, each once. */
  files: FoundFile[];
  skipped: SkippedFile[];
}

/** Which files are taken of those that the inputs name. */
export interface FindOptions {
  /** Only files that lie in this folder, wherever links to them lie. */
  within?: string | undefined;
  /** What lies in it is only taken where it is named itself, as uploads are. */
  dataFolder?: string | undefined;
}

/**
 * Finds what the inputs name: folders with all below them, single files, and globs, all relative to `base`. Hidden
 * files, `node_modules` and what lies in `dataFolder` are left out unless named themselves; links below a folder are not
 * followed, so none leads out of it.
 */
export async function findFiles(
  inputs: readonly string[],
  base: string,
  { within, dataFolder }: FindOptions = {},
): Promise<FoundFiles> {
  const isData = (path: string) => dataFolder !== undefined && liesIn(resolve(dataFolder), path);
  const files = new Map<string, FoundFile>();
  const skipped = new Map<string, string>();
  for (const input of inputs) {
    const paths = await expand(input, base);
    if (typeof paths === "string") {
      skipped.set(input, paths);
      continue;
    }
    const isNamed = isData(resolve(base, input));
    for (const path of paths) {
      if (isData(path) && !isNamed) continue;
      const source = sourceOf(path, base);
      const found = await inspect(path, { within });
      if (typeof found === "string") skipped.set(source, found);
      else files.set(source, { path, source, extension: extname(basename(path)).toLowerCase(), ...found });
    }
  }
  return {
    files: [...files.values()].sort((a, b) => compare(a.source, b.source)),
    skipped: [...skipped].map(([source, reason]) => ({ source, reason })),
  };
}

/** The file that an earlier ingest knew by this name, if it still exists. */
export async function findFile(source: string, base: string): Promise<FoundFile | undefined> {
  const path = resolve(base, source);
  const found = await inspect(path);
  if (typeof found === "string") return undefined;
  return { path, source, extension: extname(basename(path)).toLowerCase(), ...found };
}

/** Order of code units: the same on every machine. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The path of a file as the corpus knows it. */
function sourceOf(path: string, base: string): string {
  return relative(base, path).split(sep).join("/");
}

/** The files an input names, or why there are none. */
async function expand(input: string, base: string): Promise<string[] | string> {
  const path = resolve(base, input);
  const info = await stat(path).catch((error: unknown) => systemCode(error) ?? messageOf(error));
  if (typeof info !== "string") {
    if (!info.isDirectory()) return [path];
    const paths = await list("**/*", path);
    return paths.length ? paths : "no files in this folder (hidden ones and links are not taken)";
  }
  const { folder, pattern } = await splitPattern(input, base);
  if (!isDynamicPattern(pattern)) return info === "ENOENT" ? "does not exist" : `unreadable: ${info}`;
  const paths = await list(pattern, folder);
  return paths.length ? paths : "no file matches this pattern";
}

/** A glob, and the folder that it begins with, whose own name may have characters of globs. */
async function splitPattern(input: string, base: string): Promise<{ folder: string; pattern: string }> {
  const { root } = parse(input);
  const names = input
    .slice(root.length)
    .split("/")
    .filter((name) => name !== "");
  let folder = resolve(base, root);
  while (names.length > 1 && (await isFolder(join(folder, names[0]!)))) folder = join(folder, names.shift()!);
  return { folder, pattern: names.join("/") };
}

async function list(pattern: string, folder: string): Promise<string[]> {
  const paths = await glob(pattern, {
    cwd: folder,
    absolute: true,
    dot: false,
    onlyFiles: true,
    followSymbolicLinks: false,
    expandDirectories: false,
    ignore: ["**/node_modules/**"],
  });
  return paths.map((path) => resolve(path));
}

/** Size and time of a regular file, or why it is not read. */
async function inspect(
  path: string,
  { within }: FindOptions = {},
): Promise<{ size: number; modifiedMs: number } | string> {
  try {
    if (within !== undefined && !liesIn(await realpath(within), await realpath(path)))
      return `does not lie in ${within}`;
    const info = await stat(path);
    return info.isFile() ? { size: info.size, modifiedMs: info.mtimeMs } : "not a regular file";
  } catch (error) {
    return `unreadable: ${messageOf(error)}`;
  }
}
