import { join } from "node:path";
import { z } from "zod";
import { writeAtomic } from "../base/files.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { openJsonl, readJsonl } from "../base/jsonl.ts";
import { acquireLock } from "../base/lock.ts";
import { openMemoryModel } from "../models/memory-model.ts";
import { type MemorySchedule, trainMemory } from "../training/memory-training.ts";
import { initialMemoryValues, memoryValuesOf, saveMemoryModel } from "../training/memory-values.ts";
import { type Stage, type StageData, stageData } from "./memory-training-data.ts";
import {
  checkOut,
  checkTrainingRequest,
  chooseRatios,
  chooseWindow,
  stageDefaults,
  type TrainMemoryReport,
  type TrainMemoryRequest,
} from "./memory-training-request.ts";
import type { EngineParts } from "./parts.ts";

/** Trains memory weights over the model of the settings, one stage a call. */
export async function trainMemoryModel(
  parts: EngineParts,
  request: TrainMemoryRequest,
): Promise<TrainMemoryReport> {
  checkTrainingRequest(request);
  await checkOut(request);
  const lock = await acquireLock(request.out, "train a memory");
  try {
    return await runStage(parts, request);
  } finally {
    await lock.release();
  }
}

async function runStage(parts: EngineParts, request: TrainMemoryRequest): Promise<TrainMemoryReport> {
  const { stage, out, signal, batch = stageDefaults[request.stage].batch, seed = 1 } = request;
  const model = await parts.model();
  const from = request.from === undefined ? undefined : await openMemoryModel(request.from, model);
  const window = chooseWindow(request, { from, model });
  const ratios = chooseRatios(request, window);
  const trainer = await parts.openMemoryTrainer();
  try {
    const endId = model.tokenizer.eosTokenIds[0] ?? 0;
    const values = from ? await memoryValuesOf(from) : await initialMemoryValues(model, endId);
    const given: Stage = { model, trainer, values, window, ratios, batch, seed };
    const data = await stageData[stage](parts, request, given);
    const updates = request.updates ?? Math.max(1, Math.floor(data.count / batch));
    const { learningRate = stageDefaults[stage].learningRate } = request;
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
      skipped: data.unread?.skipped ?? [],
      incomplete: data.unread?.incomplete ?? [],
    };
  } finally {
    await trainer.dispose();
  }
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
      state: { path: join(out, "state.safetensors"), identity, everyMs: 15_000 },
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
