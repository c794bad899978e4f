// The atlas as a collection with the augmentation that lies beside it, for the experiments.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadAdapter } from "../dist/adapters/adapter-file.js";
import { openAdapterStore } from "../dist/adapters/store.js";
import { Random } from "../dist/base/random.js";
import { augmentPassages } from "../dist/engine/augment.js";
import { encode } from "../dist/engine/encode.js";
import { importAugmentations } from "../dist/engine/import-augmentations.js";
import { ingest } from "../dist/engine/ingest.js";
import { openEngine } from "../dist/engine/open-engine.js";
import { packageRoot } from "../dist/engine/package-root.js";
import { loadQuestions } from "../dist/evaluation/questions.js";
import { wordingOf } from "../dist/evaluation/wording.js";
import { createProgress } from "./report.js";

export const atlas = join(packageRoot, "examples/atlas");

/** Reads the command line and runs a task with a work folder: the one that is named, or a temporary one. */
export async function runExperiment(options, task) {
  const { values } = parseArgs({
    options: {
      model: { type: "string", default: "prag-mini" },
      work: { type: "string" },
      threads: { type: "string" },
      recipe: { type: "string" },
      seed: { type: "string", default: "42" },
      ...options,
    },
  });
  const folder = values.work ?? (await mkdtemp(join(tmpdir(), "prag-experiment-")));
  try {
    // Another sample of articles is another collection.
    const work = join(folder, values.passages ?? "all");
    await task({ ...values, work, seed: Number(values.seed) });
  } finally {
    if (values.work === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** Opens an engine on a data folder within the work folder; the caller closes it. */
export function openAtlas({ model, work, threads, recipe }, { folder = "data", ...settings }) {
  const machine = threads === undefined ? {} : { threads: Number(threads) };
  const chosen = { ...(recipe && JSON.parse(recipe)), ...settings.recipe };
  return openEngine(
    { model, dataFolder: join(work, folder), offline: true, ...machine, ...settings, recipe: chosen },
    { progress: createProgress() },
  );
}

/** Ingests, takes the ready-made augmentation and encodes. */
export async function encodeAtlas(engine, options) {
  const imported = await collectAtlas(engine, options);
  const report = await encode(engine.parts);
  return { imported, report, pairsByTitle: await trainingPairs(engine.parts) };
}

/** Ingests the articles (all, or some) and takes the ready-made augmentation, changed row by row if wanted. */
export async function collectAtlas({ parts }, { titles, change = (row) => row } = {}) {
  const rows = (await atlasRows()).filter(({ title }) => !titles || titles.has(title)).map(change);
  const folder = await mkdtemp(join(tmpdir(), "prag-augmented-"));
  try {
    const path = join(folder, "augmented.jsonl");
    await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    await ingest(parts, await articles(titles), { base: atlas });
    return await importAugmentations(parts, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The ready-made augmentations, a row an article. */
export async function atlasRows() {
  const text = await readFile(join(atlas, "augmented.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Paths of the articles with these titles (all without). */
async function articles(titles) {
  if (!titles) return [join(atlas, "documents")];
  const paths = (await readdir(join(atlas, "documents")))
    .sort()
    .map((name) => join(atlas, "documents", name));
  const heads = await Promise.all(paths.map(async (path) => (await readFile(path, "utf8")).split("\n")[0]));
  return paths.filter((_, i) => titles.has(heads[i].replace(/^# /, "").trim()));
}

/** The pairs that the recipe trains on, by title of the article. */
export async function trainingPairs(parts) {
  const corpus = await parts.corpus();
  const { augmented } = await augmentPassages(parts, [...corpus.passages()]);
  const { recipe } = await parts.model();
  const pairsByTitle = new Map();
  for (const { passage, pairs } of augmented) {
    const used = recipe.pairs ? pairs.slice(0, recipe.pairs) : pairs;
    pairsByTitle.set(passage.title, [...(pairsByTitle.get(passage.title) ?? []), ...used]);
  }
  return pairsByTitle;
}

/** The questions of the atlas in their order; with titles, those that these articles support. */
export async function atlasQuestions({ titles } = {}) {
  const questions = await loadQuestions(join(atlas, "questions.jsonl"));
  return questions.filter(({ articles: needed }) => !titles || needed.every((title) => titles.has(title)));
}

/** Question id → group: the wording groups for single-hop questions, the type for the others. */
export function questionGroups(questions, pairsByTitle) {
  return new Map(
    questions.map((question) => {
      const pairs = question.articles.flatMap((title) => pairsByTitle.get(title) ?? []);
      return [question.id, question.type === "single-hop" ? wordingOf(question, pairs) : question.type];
    }),
  );
}

/** The titles of a seeded sample of articles; undefined stands for all. */
export async function sampleTitles({ passages, seed }) {
  if (passages === undefined) return undefined;
  const titles = (await atlasRows()).map(({ title }) => title).sort();
  return new Set(new Random(seed).fork("passages").sample(titles, Number(passages)));
}

/** Saves every adapter of one data folder in another, as another number format: what is encoded there is found again. */
export async function convertAdapters({ work }, { from, to, dtype }) {
  const source = openAdapterStore(join(work, from, "adapters"));
  const target = openAdapterStore(join(work, to, "adapters"), { dtype });
  let bytes = 0;
  const stored = await source.list();
  for (const { key, path } of stored) {
    const { adapter, header } = await loadAdapter(path);
    bytes += await target.save(key, adapter, header.provenance);
  }
  return { adapters: stored.length, bytesPerAdapter: Math.round(bytes / Math.max(1, stored.length)) };
}

/** A retriever that knows the supporting articles of each question: it gives their passages in the dataset's order. */
export function rightRetriever(questions, passages) {
  const byTitle = new Map();
  for (const passage of passages)
    byTitle.set(passage.title, [...(byTitle.get(passage.title) ?? []), passage]);
  const articlesOf = new Map(questions.map(({ question, articles: titles }) => [question, titles]));
  return {
    async retrieve(query, limit) {
      const found = (articlesOf.get(query) ?? []).flatMap((title) => byTitle.get(title) ?? []);
      return found.slice(0, limit).map((passage, i) => ({ passage, score: found.length - i }));
    },
  };
}
