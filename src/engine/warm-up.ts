import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { hashAdapter } from "../adapters/initialise.ts";
import { exportPeft } from "../adapters/peft.ts";
import { ConfigError } from "../base/errors.ts";
import { readJsonIfPresent, writeJson } from "../base/files.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { acquireLock } from "../base/lock.ts";
import {
  countUpdates,
  createWarmUpState,
  type WarmUpSchedule,
  type WarmUpState,
  warmUp,
  warmUpSchedule,
  warmUpSequences,
} from "../training/warm-up.ts";
import { loadWarmUpState, saveWarmUpState } from "../training/warm-up-checkpoint.ts";
import { chooseWarmUpPairs, type WarmUpRow } from "../training/warm-up-data.ts";
import { promptsOf } from "./answer-prompts.ts";
import { referToBase } from "./base-model.ts";
import { readInitialAdapter, seededAdapter, warmUpFile } from "./models.ts";
import { packageVersion } from "./package-root.ts";
import type { EngineParts, OpenedModel } from "./parts.ts";

export type { WarmUpRow } from "../training/warm-up-data.ts";

/** What to warm up on, and how. */
export interface WarmUpRequest {
  rows: readonly WarmUpRow[];
  /** Name of the data, as recorded. */
  data: string;
  /** Where the adapter goes: a PEFT folder for `--init-adapter`. */
  folder: string;
  chainOfThought?: boolean | undefined;
  skip?: number | undefined;
  count?: number | undefined;
  seed?: number | undefined;
  schedule?: Partial<WarmUpSchedule> | undefined;
  signal?: AbortSignal | undefined;
}

const provenanceSchema = z.looseObject({
  key: z.string(),
  updates: z.int(),
  tokens: z.int(),
  pairs: z.int(),
  dropped: z.int(),
  initHash: z.string(),
  losses: z.array(z.number()),
});

/** What a warm-up gave. */
export interface WarmUpReport {
  folder: string;
  /** Question–answer pairs that were trained on. */
  pairs: number;
  /** Rows that could not be used. */
  dropped: number;
  updates: number;
  /** Updates that an earlier call had made already. */
  resumedAt: number;
  /** Tokens of one pass. */
  tokens: number;
  seconds: number;
  /** Before each update. */
  losses: number[];
  /** Hash of the start that `--init-adapter` makes of it, as in the provenance of adapters. */
  initHash: string;
}

/** Between two checkpoints; what a kill costs at most. */
const checkpointMs = 15_000;
const defaultSeed = 42;

/**
 * Trains one adapter on question → answer, without any passage: the start from which a passage's adapter needs to learn
 * facts only, not the form of an answer. Reference: "P-RAG Warm." of the paper's Table 2.
 */
export async function runWarmUp(parts: EngineParts, request: WarmUpRequest): Promise<WarmUpReport> {
  const lock = await acquireLock(request.folder, "warmup");
  try {
    return await runLocked(parts, request);
  } finally {
    await lock.release();
  }
}

async function runLocked(parts: EngineParts, request: WarmUpRequest): Promise<WarmUpReport> {
  const { folder, signal } = request;
  const plan = await planWarmUp(parts, request);
  const donePath = join(folder, warmUpFile);
  const done = await readJsonIfPresent(donePath, provenanceSchema);
  if (done) {
    if (done.key !== plan.key)
      throw new ConfigError(
        `${folder} holds a warm-up with other data, model or settings; give --out another folder, or delete this one`,
      );
    const { pairs, dropped, updates, tokens, losses, initHash } = done;
    return { folder, pairs, dropped, updates, resumedAt: updates, tokens, seconds: 0, losses, initHash };
  }
  const start = parts.clock();
  const checkpoint = join(folder, "checkpoint.safetensors");
  const initial = seededAdapter(plan.model);
  const state = (await loadWarmUpState(checkpoint, plan.key, initial)) ?? createWarmUpState(initial);
  const resumedAt = state.updates;
  await train(parts, state, { ...plan, checkpoint, signal });
  await exportPeft(folder, state.adapter, await referToBase(parts));
  const initHash = hashAdapter(await readInitialAdapter(folder, plan.model));
  const { losses, updates } = state;
  await writeJson(donePath, { ...plan.provenance, updates, initHash, losses });
  await rm(checkpoint, { force: true });
  const { pairs, dropped, tokens } = plan.provenance;
  const seconds = (parts.clock() - start) / 1000;
  return { folder, pairs, dropped, updates, resumedAt, tokens, seconds, losses, initHash };
}

/** All that the result depends on, and its name. */
async function planWarmUp(parts: EngineParts, request: WarmUpRequest) {
  const { skip = 0, count, seed = defaultSeed, chainOfThought = false } = request;
  const model = await parts.model();
  const { tokenizer, recipe, fingerprint, name } = model;
  const { compat } = parts.config;
  const prompts = chainOfThought
    ? (await promptsOf(parts, { cot: true }, { compat, iterates: false })).prompts
    : parts.prompts;
  const addsConclusion = compat === "none";
  const choice = { skip, count, seed, chainOfThought, addsConclusion };
  const { pairs, dropped } = chooseWarmUpPairs(request.rows, choice);
  const sequences = warmUpSequences(pairs, recipe, { tokenizer, prompts });
  const schedule: WarmUpSchedule = { ...warmUpSchedule, ...request.schedule };
  const { rank, alpha, targetModules, seed: initSeed } = recipe;
  const origin = {
    formatVersion: 1,
    model: { name, fingerprint },
    adapter: { rank, alpha, targetModules, seed: initSeed },
    schedule: { ...schedule },
    chainOfThought,
    seed,
    sequencesHash: sha256(canonicalJson(sequences)),
  };
  const key = sha256(canonicalJson(origin));
  const tokens = sequences.reduce((total, { length }) => total + length, 0);
  const provenance = {
    ...origin,
    key,
    createdBy: `parametric-rag ${packageVersion}`,
    data: request.data,
    skipped: skip,
    pairs: pairs.length,
    dropped,
    tokens,
  };
  return { model, sequences, schedule, key, provenance };
}

interface TrainPlan {
  model: OpenedModel;
  sequences: readonly number[][];
  schedule: WarmUpSchedule;
  key: string;
  checkpoint: string;
  signal: AbortSignal | undefined;
}

/** Trains to the end, saving now and then; an interrupt saves as well. */
async function train(parts: EngineParts, state: WarmUpState, plan: TrainPlan): Promise<void> {
  const { sequences, schedule, checkpoint, key, signal } = plan;
  if (state.updates >= countUpdates(sequences.length, schedule)) return;
  const trainer = await parts.openTrainer();
  let savedMs = parts.clock();
  const onUpdate = async ({ updates, losses }: WarmUpState, total: number) => {
    const recent = losses.slice(-50);
    const loss = recent.reduce((sum, value) => sum + value, 0) / recent.length;
    parts.progress({ task: "warm up", done: updates, total, note: `loss ${loss.toFixed(3)}` });
    if (!signal?.aborted && updates < total && parts.clock() - savedMs < checkpointMs) return;
    await saveWarmUpState(checkpoint, key, state);
    savedMs = parts.clock();
  };
  try {
    await warmUp(trainer, state, { sequences, schedule, signal, onUpdate });
  } finally {
    await trainer.dispose();
  }
}
