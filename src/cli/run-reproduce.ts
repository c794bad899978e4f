import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { Command } from "commander";
import { isFile, writeAtomic, writeJson } from "../base/files.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { Random } from "../base/random.ts";
import type { Passage } from "../corpus/corpus.ts";
import { augmentPassages } from "../engine/augment.ts";
import type { EngineConfig, EngineSettings } from "../engine/config.ts";
import { asWriter } from "../engine/data-folder.ts";
import { describeEngine } from "../engine/describe-engine.ts";
import type { EngineParts } from "../engine/parts.ts";
import { runWarmUp } from "../engine/warm-up.ts";
import { compareAdapters, similarityFile } from "../evaluation/controls.ts";
import { loadRun } from "../evaluation/run-folder.ts";
import { openWithControls } from "./control-parts.ts";
import { type EvalPlan, planEval } from "./plan-eval.ts";
import { prepareCollection, spareHits, usedPassages } from "./prepare-eval.ts";
import type { ReproduceRun } from "./reproduce-plan.ts";
import { type EvalReport, runEval } from "./run-eval.ts";
import { type CommandContext, loadCommandConfig, type Shell, withEngine } from "./shell.ts";
import { openTexts } from "./text-runs.ts";
import { loadWarmUpRows } from "./warm-up-rows.ts";

/** What all runs of a call have in common. */
export interface ReproduceContext {
  shell: Shell;
  command: Command;
  /** Settings of the call; a run's own win over them. */
  settings: EngineSettings;
  /** Folder of the target. */
  out: string;
  seed: number;
  inFlight: number;
}

/** Does one run, or what is left of it. */
export async function doRun(context: ReproduceContext, run: ReproduceRun): Promise<EvalReport> {
  const { seed } = context;
  const { memoryRatio: ratio } = run;
  // Times of questions side by side mean little; memories of texts take turns.
  const inFlight = run.name.endsWith("+table4") || ratio !== undefined ? 1 : context.inFlight;
  const out = join(context.out, run.name);
  const augmentations =
    run.augmentModel === undefined ? undefined : await augmentWith(context, run, run.augmentModel);
  return withPlan(context, { run, augmentations }, async ({ parts: opened, signal }, plan) => {
    const parts = augmentations === undefined ? opened : withoutAugmenter(opened, run);
    const report = await runEval(parts, plan, {
      methods: run.methods,
      out,
      seed,
      inFlight,
      withoutTexts: !run.set.isShareable,
      signal,
      open: openWithControls({ questions: plan.questions, out, seed, signal }),
      texts: ratio === undefined ? undefined : openTexts({ ratio, signal }),
    });
    const isMeasured = report.answeredNow === 0 && (await isFile(join(out, similarityFile)));
    if (run.measuresSimilarity && !isMeasured)
      await measureSimilarity(parts, { out, name: run.set.name, seed });
    return report;
  });
}

/** Opens an engine with the settings and the collection of a run. */
export async function withPlan<T>(
  { shell, command, settings: common, seed }: ReproduceContext,
  {
    run,
    augmentations,
    settings = {},
  }: { run: ReproduceRun; augmentations?: string | undefined; settings?: EngineSettings },
  task: (context: CommandContext, plan: EvalPlan) => Promise<T>,
): Promise<T> {
  const own = joinSettings(joinSettings(common, run.settings), settings);
  const config: EngineConfig = await loadCommandConfig(shell, {
    ...{ command, settings: own },
    ignoreRecorded: true,
  });
  const { source } = run.set;
  const readyMade = run.withoutReadyMade ? augmentations : source.augmentations;
  const plan = await planEval({ ...source, augmentations: readyMade, sample: run.sample, seed }, config);
  plan.dataset.name = run.set.name;
  const all = joinSettings(own, plan.settings);
  const choice = { command, settings: all, ignoreRecorded: true };
  return withEngine(shell, choice, (opened) => task(opened, plan));
}

/** Settings of both; the second wins, group by group. */
function joinSettings(a: EngineSettings, b: EngineSettings): EngineSettings {
  return {
    ...a,
    ...b,
    ...((a.recipe ?? b.recipe) && { recipe: { ...a.recipe, ...b.recipe } }),
    ...((a.augment ?? b.augment) && { augment: { ...a.augment, ...b.augment } }),
    ...((a.ingest ?? b.ingest) && { ingest: { ...a.ingest, ...b.ingest } }),
  };
}

/** Parts that augment nothing: what another model has made is all there is, and nobody else's work may take its place. */
function withoutAugmenter(parts: EngineParts, { name, augmentModel }: ReproduceRun): EngineParts {
  const augmenter = () =>
    Promise.reject(new Error(`internal: ${name} uses passages that ${augmentModel} has not augmented`));
  return { ...parts, augmenter };
}

/**
 * Lets another model augment the passages that the questions retrieve; returns the file of its work, named by all that it depends on.
 * It holds texts, so it lies in the data folder, not among the results.
 */
async function augmentWith(context: ReproduceContext, run: ReproduceRun, model: string): Promise<string> {
  const settings: EngineSettings = { model, augment: { augmenter: "model" } };
  return withPlan(context, { run, settings }, async ({ parts, signal }, plan) => {
    const { config } = parts;
    const asked = plan.questions.map(({ question }) => question);
    const limit = config.compat === "reference" ? config.limit + spareHits : config.limit; // later ones may move up
    const { model: maker, promptsHash, retriever, augmentation } = await describeEngine(parts);
    const made = { maker, promptsHash, retriever, augmentation, collection: config.collection, limit, asked };
    const key = sha256(canonicalJson(made));
    const path = join(config.dataFolder, "eval", `augmented-${key.slice(0, 16)}.jsonl`);
    if (existsSync(path)) return path;
    await prepareCollection(parts, plan, { signal });
    const passages = await retrievedPassages(parts, asked, limit);
    const { augmented } = await asWriter(parts.folder, "augment for an evaluation", () =>
      augmentPassages(parts, passages, { signal }),
    );
    const rows = augmented.map(({ passage: { title, text }, rewrites, pairs, augmenter }) =>
      JSON.stringify({ title, text, rewrites, pairs, augmenter: `${basename(model)}: ${augmenter}` }),
    );
    await writeAtomic(path, rows.map((row) => `${row}\n`).join(""));
    return path;
  });
}

/** The distinct passages that the questions retrieve, each so many. */
async function retrievedPassages(
  parts: EngineParts,
  questions: readonly string[],
  limit: number,
): Promise<Passage[]> {
  const retriever = await parts.retriever();
  const passages = new Map<string, Passage>();
  for (const question of questions)
    for (const { passage } of await retriever.retrieve(question, limit)) passages.set(passage.id, passage);
  return [...passages.values()];
}

/** Compares the adapters of the passages that the run uses. */
async function measureSimilarity(
  parts: EngineParts,
  { out, name, seed }: { out: string; name: string; seed: number },
): Promise<void> {
  const [corpus, encoding] = [await parts.corpus(), await parts.encoding()];
  const used = [...(await usedPassages(parts, await loadRun(out)))].sort();
  const chosen = new Random(`similarity/${seed}`).sample(used, 400);
  const adapters = await encoding.load(chosen);
  const items = adapters.flatMap((adapter, i) => {
    const { documentId } = corpus.passageById(chosen[i]!);
    return adapter ? [{ documentId, adapter }] : [];
  });
  const report = compareAdapters(name, items, { random: new Random(`similarity/${seed}`) });
  await writeJson(join(out, similarityFile), report);
}

/** Where the start of table 2 is trained. */
export function startFolder({ out }: Pick<ReproduceContext, "out">): string {
  return join(out, "warm");
}

/** Trains the start of table 2 on questions, or goes on with it; returns its folder, which a plan leaves as it is. */
export async function warmUpFor(
  context: ReproduceContext,
  request: { data: string; count: number; chainOfThought: boolean; isPlan: boolean },
): Promise<string> {
  const { data, count, chainOfThought, isPlan } = request;
  const { shell, command, settings, seed } = context;
  const folder = startFolder(context);
  if (isPlan) return folder;
  await withEngine(shell, { command, settings, ignoreRecorded: true }, async ({ parts, signal }) => {
    const rows = await loadWarmUpRows(data, { chainOfThought });
    await runWarmUp(parts, { rows, data: basename(data), folder, count, seed, chainOfThought, signal });
  });
  return folder;
}
