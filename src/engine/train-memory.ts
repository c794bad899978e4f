import { join } from "node:path";
import { z } from "zod";
import { ConfigError, InputError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { openJsonl, readJsonl } from "../base/jsonl.ts";
import { acquireLock } from "../base/lock.ts";
import { readFiles } from "../corpus/read-files.ts";
import { checkRatio, validRatios } from "../memory/window.ts";
import { type MemoryModel, openMemoryModel } from "../models/memory-model.ts";
import { type ClueExample, clueExampleSchema, createTuningTexts } from "../training/memory-clues.ts";
import { weighByGain } from "../training/memory-gain.ts";
import { choosePairs, createPreferenceTexts, meanReward } from "../training/memory-preference.ts";
import { createStretches } from "../training/memory-pretraining.ts";
import type { MemoryTrainer, MemoryValues } from "../training/memory-trainer.ts";
import { type MemorySchedule, type MemoryTraining, trainMemory } from "../training/memory-training.ts";
import { initialMemoryValues, memoryValuesOf, saveMemoryModel } from "../training/memory-values.ts";
import { tokenizeParagraphs } from "./memorize.ts";
import type { EngineParts, OpenedModel } from "./parts.ts";
import { type RewardName, sampleClues } from "./sample-clues.ts";

/** The stages of training a memory, in their order. */
export const memoryStages = ["imitate", "pretrain", "sft", "rlgf"] as const;
export type MemoryStage = (typeof memoryStages)[number];

/** How tokens count in pre-training. */
export const weighings = ["alike", "gain"] as const;
export type Weighing = (typeof weighings)[number];

/** A stage of training memory weights. */
export interface TrainMemoryRequest {
  stage: MemoryStage;
  /** Texts for `imitate` and `pretrain`; a file of clue data for `sft` and `rlgf`. */
  paths: readonly string[];
  base: string;
  /** Where the weights go; state and losses lie there too, so that the same call goes on after an end. */
  out: string;
  /** Folder of the memory model that training starts from; `rlgf` needs one. */
  from?: string | undefined;
  /** Raw tokens of a window; with `from`, as there. */
  window?: number | undefined;
  /** Windows of a stretch, in `imitate` and `pretrain`. */
  windows?: number | undefined;
  ratios?: readonly number[] | undefined;
  /** What counts in pre-training: all tokens alike, or each by what the text before its window tells of it. */
  weigh?: Weighing | undefined;
  batch?: number | undefined;
  /** By default one pass over the data. */
  updates?: number | undefined;
  /** The updates end after so long, all calls together; sampling is not counted. */
  minutes?: number | undefined;
  learningRate?: number | undefined;
  seed?: number | undefined;
  /** Texts of clues to sample for each example of `rlgf`. */
  samples?: number | undefined;
  reward?: RewardName | undefined;
  signal?: AbortSignal | undefined;
}

export interface TrainMemoryReport {
  stage: MemoryStage;
  out: string;
  /** Stretches, examples or pairs. */
  items: number;
  /** What was left out: texts that are shorter than a stretch, examples that do not fit into the model's positions. */
  left: number;
  updates: number;
  tokens: number;
  seconds: number;
  tokensPerSecond: number;
  /** Mean loss of the first and of the last tenth of the updates of this call; null where there was none. */
  firstLoss: number | null;
  lastLoss: number | null;
  /** Of the sampled clues of `rlgf`. */
  meanReward: number | null;
}

/** Where nothing is said, by stage; the help of `prag memory train` says the same. */
const defaults = {
  imitate: { learningRate: 2e-3, batch: 4, ratios: [2, 4, 8, 16, 32] },
  pretrain: { learningRate: 1e-3, batch: 4, ratios: [2, 4, 8, 16, 32] },
  sft: { learningRate: 3e-4, batch: 8, ratios: [2, 4, 8] },
  rlgf: { learningRate: 3e-4, batch: 4, ratios: [2, 4, 8] },
};
const beta = 0.1;

/** Trains memory weights over the model of the settings, one stage a call. */
export async function trainMemoryModel(
  parts: EngineParts,
  request: TrainMemoryRequest,
): Promise<TrainMemoryReport> {
  if (request.weigh !== undefined && request.stage !== "pretrain")
    throw new ConfigError(`--weigh is for the stage pretrain, not for ${request.stage}`);
  if (request.minutes !== undefined && request.minutes <= 0)
    throw new ConfigError(`the minutes of a training must be above 0, got ${request.minutes}`);
  const lock = await acquireLock(request.out, "train a memory");
  try {
    return await runStage(parts, request);
  } finally {
    await lock.release();
  }
}

interface Stage {
  model: OpenedModel;
  trainer: MemoryTrainer;
  values: MemoryValues;
  window: number;
  ratios: readonly number[];
  batch: number;
  seed: number;
}

/** What a stage is trained on. */
interface StageData {
  count: number;
  textsOf: MemoryTraining["textsOf"];
  /** Texts that are shorter than a stretch, examples that do not fit into the model's positions. */
  left?: number;
  /** What the data is known by. */
  content: string;
  /** The gradients of another loss than that of prediction. */
  gradients?: MemoryTrainer["gradients"];
  meanReward?: number;
}

async function runStage(parts: EngineParts, request: TrainMemoryRequest): Promise<TrainMemoryReport> {
  const { stage, out, signal, batch = defaults[request.stage].batch, seed = 1 } = request;
  const model = await parts.model();
  const from = request.from === undefined ? undefined : await openMemoryModel(request.from, model);
  const window = chooseWindow(request, { from, model });
  const ratios =
    request.ratios ?? defaults[stage].ratios.filter((ratio) => validRatios(window).includes(ratio));
  const trainer = await parts.openMemoryTrainer();
  try {
    const endId = model.tokenizer.eosTokenIds[0] ?? 0;
    const values = from ? await memoryValuesOf(from) : await initialMemoryValues(model, endId);
    const given: Stage = { model, trainer, values, window, ratios, batch, seed };
    const data = await stageData[stage](parts, request, given);
    const updates = request.updates ?? Math.max(1, Math.floor(data.count / batch));
    const { learningRate = defaults[stage].learningRate } = request;
    const schedule: MemorySchedule = { updates, learningRate, warmup: 20, maxNorm: 1 };
    const settings = [window, ratios, batch, seed, schedule];
    const identity = sha256(
      canonicalJson([stage, model.fingerprint, from?.fingerprint ?? null, data.content, ...settings]),
    );
    const budgetMs = request.minutes === undefined ? undefined : request.minutes * 60_000;
    const run = await runUpdates(parts, { given, data, schedule, identity, out, budgetMs, signal });
    const base_model = { name: model.name, fingerprint: model.fingerprint };
    const form = { parameters: trainer.parameters, values };
    await saveMemoryModel(out, form, { beacon_window: window, base_model });
    return {
      stage,
      out,
      items: data.count,
      left: data.left ?? 0,
      ...run,
      meanReward: data.meanReward ?? null,
    };
  } finally {
    await trainer.dispose();
  }
}

/** Refuses stretches whose last window would stand behind the last position of the model. */
function checkStretch(
  { name, config }: OpenedModel,
  {
    window,
    windows,
    ratios,
    weigh,
  }: { window: number; windows: number; ratios: readonly number[]; weigh: Weighing },
): void {
  for (const ratio of ratios) checkRatio(ratio, window);
  if (weigh === "gain" && windows < 2)
    throw new ConfigError("--weigh gain needs two windows at least: it looks at what the ones before tell");
  const compressed = windows * (window / Math.min(...ratios)) + window;
  const needed = weigh === "gain" ? Math.max(compressed, windows * window) : compressed; // gain reads it raw, too
  if (needed > config.contextLength)
    throw new ConfigError(
      `${windows} windows of ${window} tokens need ${needed} positions, ${name} has ${config.contextLength}; take fewer or smaller windows (--windows, --window)${needed > compressed ? "" : ", or larger ratios (--ratios)"}`,
    );
}

/** That of the weights which training starts from, else the one asked for, else a quarter of the context, 256 at most. */
function chooseWindow(
  { from: folder, window }: TrainMemoryRequest,
  { from, model }: { from: MemoryModel | undefined; model: OpenedModel },
): number {
  if (from && window !== undefined && window !== from.window) {
    throw new ConfigError(
      `the memory model ${folder} has windows of ${from.window} tokens, not of ${window}; leave --window out`,
    );
  }
  const quarter = 2 ** Math.floor(Math.log2(model.config.contextLength / 4));
  return from?.window ?? window ?? Math.min(256, quarter);
}

async function runUpdates(
  { progress, clock }: EngineParts,
  {
    given,
    data,
    schedule,
    identity,
    out,
    budgetMs,
    signal,
  }: {
    given: Stage;
    data: StageData;
    schedule: MemorySchedule;
    identity: string;
    out: string;
    budgetMs: number | undefined;
    signal: AbortSignal | undefined;
  },
) {
  let log: Awaited<ReturnType<typeof openLog>> | undefined;
  const losses: number[] = [];
  let [tokens, updates] = [0, 0];
  const start = clock();
  try {
    updates = await trainMemory({
      trainer: { ...given.trainer, ...(data.gradients && { gradients: data.gradients }) },
      values: given.values,
      schedule,
      textsOf: data.textsOf,
      state: { path: join(out, "state.safetensors"), identity, everyUpdates: 20 },
      budgetMs,
      clock,
      signal,
      async onUpdate(update) {
        log ??= await openLog(join(out, "training.jsonl"), update.update);
        losses.push(update.loss);
        tokens += update.tokens;
        const { share, ...row } = update;
        const seconds = log.seconds + (clock() - start) / 1000;
        await log.writer.append({ ...row, seconds: Math.round(10 * seconds) / 10 });
        const note = `loss ${update.loss.toFixed(3)}`;
        progress({
          task: "train the memory",
          done: update.update,
          total: Math.round(update.update / share),
          note,
        });
      },
    });
  } finally {
    await log?.writer.close();
  }
  const seconds = (clock() - start) / 1000;
  const tenth = Math.max(1, Math.floor(losses.length / 10));
  return {
    updates,
    tokens,
    seconds,
    tokensPerSecond: tokens / seconds,
    firstLoss: meanOf(losses.slice(0, tenth)),
    lastLoss: meanOf(losses.slice(-tenth)),
  };
}

/**
 * The log of losses, without updates from `next` on: a kill may have left some that are made again. With the seconds of those
 * before.
 */
async function openLog(path: string, next: number) {
  const rows = await readJsonl(path, z.looseObject({ update: z.int(), seconds: z.number() }));
  const kept = rows.filter(({ update }) => update < next);
  if (kept.length < rows.length)
    await writeAtomic(path, kept.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return { writer: await openJsonl(path), seconds: kept.at(-1)?.seconds ?? 0 };
}

function meanOf(values: readonly number[]): number | null {
  return values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
}

const stageData: Record<
  MemoryStage,
  (parts: EngineParts, request: TrainMemoryRequest, given: Stage) => Promise<StageData>
> = {
  async imitate(parts, request, given) {
    const { textsOf, ...data } = await readStretches(parts, request, given);
    const { imitationGradients: gradients } = given.trainer;
    return { ...data, gradients, textsOf: async (update) => ({ texts: textsOf(update) }) };
  },
  async pretrain(parts, request, given) {
    const { weigh = "alike" } = request;
    const { content, textsOf, ...data } = await readStretches(parts, request, given);
    return {
      ...data,
      content: sha256(`${weigh}/${content}`),
      textsOf: async (update, values) => {
        const texts = textsOf(update);
        return { texts: weigh === "gain" ? await weighByGain(texts, { ...given, values }) : texts };
      },
    };
  },
  async sft(_parts, { paths }, { model, ...given }) {
    const { examples, content } = await readExamples(paths);
    const { contextLength: positions } = model.config;
    const { count, left, textsOf } = createTuningTexts(model.tokenizer, examples, { ...given, positions });
    if (count === 0) throw tooLong(left, { model, ...given });
    return { count, left, textsOf: async (update) => ({ texts: textsOf(update) }), content };
  },
  async rlgf(parts, request, { model, trainer, values, ...given }) {
    const { from, paths, out } = request;
    if (from === undefined)
      throw new ConfigError("rlgf needs the weights of sft: give their folder (--from)");
    const { examples, content } = await readExamples(paths);
    const sampled = await sampleClues(parts, examples, {
      ...request,
      from,
      ratio: given.ratios[0] ?? 4,
      path: join(out, "samples.jsonl"),
      content,
    });
    const pairs = choosePairs(examples, sampled);
    if (!pairs.length)
      throw new InputError(
        `the clues of no example differ in their reward (mean ${meanReward(sampled).toFixed(3)}); sample more (--samples), or give other examples`,
      );
    const reference = new Map([...values].map(([name, value]) => [name, value.slice()]));
    const { tokenizer } = model;
    const { contextLength: positions } = model.config;
    const sizes = { ...given, positions, beta };
    const texts = createPreferenceTexts({ trainer, tokenizer, reference }, pairs, sizes);
    if (texts.count === 0) throw tooLong(texts.left, { model, ...given });
    return { ...texts, content: sha256(canonicalJson([content, sampled])), meanReward: meanReward(sampled) };
  },
};

function tooLong(
  count: number,
  { model, ratios }: { model: OpenedModel; ratios: readonly number[] },
): InputError {
  return new InputError(
    `all ${count} clue examples are too long for the ${model.config.contextLength} positions of ${model.name} with ratios ${ratios.join(", ")}; give shorter texts (prag memory clues --words) or larger ratios`,
  );
}

/** Reads texts and cuts them into stretches. */
async function readStretches(
  { config, progress }: EngineParts,
  { paths, base, windows = 4, weigh = "alike", signal }: TrainMemoryRequest,
  { model, ...given }: Stage,
) {
  checkStretch(model, { ...given, windows, weigh });
  const texts: Int32Array[] = [];
  const hashes: string[] = [];
  for await (const { document, source } of readFiles(paths, { ...config.ingest, base, signal })) {
    texts.push(Int32Array.from(tokenizeParagraphs(model.tokenizer, document.text)));
    hashes.push(document.id);
    progress({ task: "read texts", done: texts.length, total: 0, note: source });
  }
  const stretches = createStretches(texts, { ...given, windows });
  return { ...stretches, content: sha256(`${windows}/${hashes.join()}`) };
}

async function readExamples(paths: readonly string[]): Promise<{ examples: ClueExample[]; content: string }> {
  const examples: ClueExample[] = [];
  for (const path of paths) examples.push(...(await readJsonl(path, clueExampleSchema)));
  if (!examples.length)
    throw new InputError(`no clue example in ${paths.join(", ")}; "prag memory clues" makes them`);
  return { examples, content: sha256(canonicalJson(examples)) };
}
