import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError } from "../base/errors.ts";
import { readJsonIfPresent } from "../base/files.ts";
import type { Unread } from "../corpus/find-files.ts";
import { checkRatio, validRatios } from "../memory/window.ts";
import type { MemoryModel } from "../models/memory-model.ts";
import type { OpenedModel } from "./parts.ts";
import type { RewardName } from "./sample-clues.ts";

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

export interface TrainMemoryReport extends Unread {
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
export const stageDefaults = {
  imitate: { learningRate: 2e-3, batch: 4, ratios: [2, 4, 8, 16, 32] },
  pretrain: { learningRate: 1e-3, batch: 4, ratios: [2, 4, 8, 16, 32] },
  sft: { learningRate: 3e-4, batch: 8, ratios: [2, 4, 8] },
  rlgf: { learningRate: 3e-4, batch: 4, ratios: [2, 4, 8] },
};

/** Which stages an option is for, where it is not for all. */
const stagesOf: Partial<Record<keyof TrainMemoryRequest, readonly MemoryStage[]>> = {
  windows: ["imitate", "pretrain"],
  weigh: ["pretrain"],
  samples: ["rlgf"],
  reward: ["rlgf"],
};

/** The least that counts may be: a pair needs two texts of clues, a memory model windows of four tokens. */
const leastOf = { window: 4, windows: 1, batch: 1, updates: 1, samples: 2 };

/** Refuses what no training can be made of, before anything is read. */
export function checkTrainingRequest(request: TrainMemoryRequest): void {
  const { stage, minutes, learningRate } = request;
  for (const [name, stages] of Object.entries(stagesOf))
    if (request[name as keyof TrainMemoryRequest] !== undefined && !stages.includes(stage))
      throw new ConfigError(
        `--${name} is for the stage${stages.length > 1 ? "s" : ""} ${stages.join(" and ")}, not for ${stage}`,
      );
  for (const [name, least] of Object.entries(leastOf)) {
    const value = request[name as keyof typeof leastOf];
    if (value !== undefined && (!Number.isSafeInteger(value) || value < least))
      throw new ConfigError(`--${name} must be a whole number from ${least} on, got ${value}`);
  }
  if (minutes !== undefined && !(minutes > 0))
    throw new ConfigError(`the minutes of a training must be above 0, got ${minutes}`);
  if (learningRate !== undefined && !(learningRate > 0 && learningRate < Number.POSITIVE_INFINITY))
    throw new ConfigError(`the learning rate must be above 0, got ${learningRate}`);
}

/** Refuses to write the weights over a model, or over those that the training starts from. */
export async function checkOut({ out, from }: TrainMemoryRequest): Promise<void> {
  const place = (folder: string) => realpath(folder).catch(() => folder);
  if (from !== undefined && (await place(out)) === (await place(from)))
    throw new ConfigError(`training starts from the weights in ${from}; choose another --out than them`);
  const config = await readJsonIfPresent(join(out, "config.json"), z.looseObject({}));
  if (config && "model_type" in config)
    throw new ConfigError(`${out} holds a model, which memory weights would overwrite; choose another --out`);
}

/** Refuses stretches whose last window would stand behind the last position of the model. */
export function checkStretch(
  { name, config }: OpenedModel,
  {
    window,
    windows,
    ratios,
    weigh,
  }: { window: number; windows: number; ratios: readonly number[]; weigh: Weighing },
): void {
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
export function chooseWindow(
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

/** The ratios asked for, else those of the stage that the window admits. */
export function chooseRatios({ stage, ratios }: TrainMemoryRequest, window: number): readonly number[] {
  for (const ratio of ratios ?? []) checkRatio(ratio, window);
  if (ratios?.length) return ratios;
  const valid = validRatios(window);
  const usual = stageDefaults[stage].ratios.filter((ratio) => valid.includes(ratio));
  if (!usual.length)
    throw new ConfigError(
      `a window of ${window} tokens has none of the usual ratios; ${valid.length ? `name some of ${valid.join(", ")} (--ratios), or take another window` : "take another window, such as 128"} (--window)`,
    );
  return usual;
}
