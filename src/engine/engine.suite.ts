import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { sha256 } from "../base/hash.ts";
import type { EngineSettings } from "./config.ts";
import { type OpenEngine, openEngine } from "./open-engine.ts";

/** Folder of a small random model of the parity fixtures. */
export function tinyModel(name = "qwen2-tied"): string {
  return join(import.meta.dirname, "../../test/parity/fixtures", name);
}

const places = ["Quern", "Harrowby", "Solvang Bay", "Tarn", "Little Ashby", "Morvale", "Eastmere", "Dray"];
const people = ["Mira Tolk", "Jonas Velt", "Ada Brenner", "Piet Oram", "Lena Farrow", "Karl Usk"];

/** The text of an article about an invented bridge, of one passage. */
export function bridgeArticle(i: number): string {
  const name = `Orlen${i} Bridge`;
  const [place, person] = [places[i % places.length], people[i % people.length]];
  return `The ${name} was built in ${1800 + 7 * i} by ${person}. It stands in ${place}. The ${name} has ${3 + i} arches. It was designed by ${people[(i + 1) % people.length]}.\n`;
}

/** Writes so many articles into `docs`. */
export async function writeArticles(folder: string, count: number): Promise<void> {
  await mkdir(join(folder, "docs"));
  for (let i = 0; i < count; i++) await writeFile(join(folder, "docs", `bridge-${i}.txt`), bridgeArticle(i));
}

/** A folder that is gone after the task: `docs` with articles, and room for a data folder. */
export async function withTempFolder<T>(
  task: (folder: string) => Promise<T>,
  { articles = 5 } = {},
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "prag-engine-"));
  try {
    await writeArticles(folder, articles);
    return await task(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Settings of a tiny engine in this folder: questions by rule, three short updates. */
export function tinySettings(folder: string, settings: EngineSettings = {}): EngineSettings {
  return {
    model: tinyModel(),
    dataFolder: join(folder, "data"),
    cacheFolder: join(folder, "cache"),
    offline: true,
    threads: 1,
    augment: { augmenter: "rule" },
    recipe: { updates: 2, pattern: "pairs", learningRate: 3e-3 },
    maxTokens: 8,
    ...settings,
  };
}

/** Opens an engine for a task, and closes it. */
export async function withEngine<T>(
  settings: EngineSettings,
  task: (engine: OpenEngine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine(settings);
  try {
    return await task(engine);
  } finally {
    await engine.dispose();
  }
}

/**
 * The files of a data folder that need not repeat: `costs.jsonl` holds the seconds that encodings took; `seen.json` holds
 * times of the documents' files, so that unchanged ones are not read again; `lock` is there while somebody writes.
 */
export function differsByRun(path: string): boolean {
  return /(^|\/)(costs\.jsonl|corpus\/seen\.json)$|^lock($|\.)/.test(path);
}

/** SHA-256 of every file of a folder by its path, without those that `isLeftOut` names. */
export async function hashFiles(
  folder: string,
  isLeftOut: (path: string) => boolean = () => false,
): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !isLeftOut(path))
    .sort();
  const hashes: Record<string, string> = {};
  for (const path of paths) hashes[path] = sha256(await readFile(join(folder, path)));
  return hashes;
}
