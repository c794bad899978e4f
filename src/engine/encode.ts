import { loadAdapterHeader } from "../adapters/adapter-file.ts";
import { hashAdapter } from "../adapters/initialise.ts";
import type { AdapterStore } from "../adapters/store.ts";
import { ConfigError } from "../base/errors.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { type JsonlWriter, openJsonl } from "../base/jsonl.ts";
import type { Passage } from "../corpus/corpus.ts";
import { type EncodedPassage, encodeGroups, groupPassages } from "../training/encode.ts";
import { hasDiverged } from "../training/loss.ts";
import { type AugmentReport, augmentPassages } from "./augment.ts";
import { asWriter } from "./data-folder.ts";
import { bytesPerAdapter, checkSpace, freeBytes } from "./disk.ts";
import { findMissing, isTrainable, promptsHash, type Work } from "./find-missing.ts";
import { openTraining } from "./open-training.ts";
import { packageVersion } from "./package-root.ts";
import type { EngineParts, OpenedModel } from "./parts.ts";
import { recordSettings } from "./settings.ts";

/** What an encode gave. */
export interface EncodeReport {
  passages: number;
  /** Trained now. */
  encoded: number;
  /** Found in the store from before. */
  reused: number;
  /** Passages that nothing could be trained on (no pair passed the check). */
  skipped: number;
  /** Passages whose training gave nothing that can be kept. */
  failed: FailedPassage[];
  seconds: number;
  passagesPerSecond: number;
  trainingTokens: number;
  bytesPerAdapter: number;
  augmentation: AugmentReport;
}

/** A passage that has no adapter, and why. */
export interface FailedPassage {
  id: string;
  title: string;
  problem: string;
}

/** Says how many passages failed, why the first did, and what to do. */
export function describeFailed(failed: readonly FailedPassage[]): string {
  const [first] = failed;
  return `training came to nothing for ${failed.length} of the passages, such as "${first?.title}" (${first?.id}): ${first?.problem}; lower recipe.learningRate (prag encode --learning-rate), or leave these passages out`;
}

/** How an encode goes on beside other things. */
export interface EncodeOptions {
  signal?: AbortSignal | undefined;
  /** Waited for before each update, so that training can give way. */
  beforeUpdate?: (() => Promise<void>) | undefined;
  /** Gets the mean loss of each update; `update` is 1 where other passages begin. */
  onLoss?: ((update: number, loss: number) => void) | undefined;
  /** Trains anew what has an adapter, and in the place of imported ones. */
  again?: boolean | undefined;
  /** Nobody asked for these adapters: they are recorded as ones that may be evicted. */
  isBackground?: boolean | undefined;
}

/** Turns every passage of the collection into an adapter, augmenting first what is not augmented yet. */
export async function encode(parts: EngineParts, options: EncodeOptions = {}): Promise<EncodeReport> {
  return asWriter(parts.folder, "encode", async () => {
    const corpus = await parts.corpus();
    const { recipe, compat, initAdapter } = parts.config;
    await recordSettings(parts.folder, { recipe, compat, initAdapter });
    return encodePassages(parts, [...corpus.passages()], options);
  });
}

/** The same for some passages; the caller holds the lock. */
export async function encodePassages(
  parts: EngineParts,
  passages: readonly Passage[],
  options: EncodeOptions = {},
): Promise<EncodeReport> {
  const sorted = [...passages].sort((a, b) => (a.id < b.id ? -1 : 1));
  const { augmented, report: augmentation } = await augmentPassages(parts, sorted, options);
  const model = await parts.model();
  const usable = augmented.filter((one) => isTrainable(one, model));
  const start = parts.clock();
  const found = await findMissing(parts, usable, options);
  const { work, missing } = found;
  await recordFound(parts, found.stored, options);
  const needed = missing.length * bytesPerAdapter(model, parts.config.adapterDtype);
  checkSpace(needed, await freeBytes(parts.folder.adapters), parts.folder.path);
  const { tokens, failed } = missing.length
    ? await train(parts, { work, missing, options })
    : { tokens: 0, failed: [] };
  const encoded = missing.length - failed.length;
  const seconds = (parts.clock() - start) / 1000;
  return {
    passages: sorted.length,
    encoded,
    reused: work.length - missing.length,
    skipped: sorted.length - usable.length,
    failed,
    seconds,
    passagesPerSecond: encoded && seconds ? encoded / seconds : 0,
    trainingTokens: tokens,
    bytesPerAdapter: await meanBytes(parts, work),
    augmentation,
  };
}

/** The same where nothing may be without an adapter, as in an evaluation: one that failed is a `ConfigError` at the end. */
export async function encodeEvery(
  parts: EngineParts,
  passages: readonly Passage[],
  options: EncodeOptions = {},
): Promise<EncodeReport> {
  const report = await encodePassages(parts, passages, options);
  if (report.failed.length) throw new ConfigError(describeFailed(report.failed));
  return report;
}

async function recordFound(
  parts: EngineParts,
  stored: readonly Work[],
  options: EncodeOptions,
): Promise<void> {
  const [store, encoding] = [await parts.store(), await parts.encoding()];
  for (const { augmented, key } of stored)
    await encoding.append({
      passageId: augmented.passage.id,
      key,
      ...(await costOf(store, key)),
      ...originOf(options),
    });
}

/** What an encoding's row says of who wanted it. */
function originOf({ isBackground }: EncodeOptions): { isBackground?: true } {
  return isBackground ? { isBackground } : {};
}

/** What a stored adapter cost, so that a row written now is the one that its own encode would have written. */
async function costOf(store: AdapterStore, key: string) {
  const { trainingTokens, losses } = (await loadAdapterHeader(store.path(key))).provenance;
  return { trainingTokens, losses };
}

interface TrainWork {
  work: readonly Work[];
  missing: readonly Work[];
  options: EncodeOptions;
}

/**
 * Trains the groups of the whole work list that miss an adapter. Groups do not depend on what is there already, so an
 * interrupted encode goes on to the same adapters as an undisturbed one.
 */
async function train(
  parts: EngineParts,
  { work, missing, options }: TrainWork,
): Promise<{ tokens: number; failed: FailedPassage[] }> {
  const model = await parts.model();
  const { recipe } = model;
  const wanted = new Set(missing.map(({ augmented }) => augmented));
  const keys = new Map(work.map((one) => [one.augmented, one.key]));
  const groups = groupPassages(work, recipe)
    .map((group) => group.map((one) => one.augmented))
    .filter((group) => group.some((one) => wanted.has(one)));
  const total = groups.flat().length * (recipe.name === "packed" ? recipe.updates : 1);
  const training = await openTraining(parts);
  const costs = await openJsonl(parts.folder.collection.costs);
  const failed: FailedPassage[] = [];
  let [tokens, steps, finished] = [0, 0, 0];
  const report = () => {
    const note = `${finished} of ${groups.flat().length} passages`;
    parts.progress({ task: "encode", done: recipe.name === "reference" ? finished : steps, total, note });
  };
  const onUpdate = (count: number, update: number, loss: number) => {
    steps += count;
    if (Number.isFinite(loss)) options.onLoss?.(update, loss);
    report();
  };
  try {
    for await (const batch of encodeGroups(groups, recipe, {
      ...training.parts,
      ...options,
      onUpdate,
    })) {
      for (const encoded of batch) {
        const { passage } = encoded.augmented;
        if (wanted.has(encoded.augmented)) {
          const key = keys.get(encoded.augmented)!;
          const problem = await tryRecord(parts, { encoded, key, model, costs, options });
          if (problem !== undefined) failed.push({ id: passage.id, title: passage.title, problem });
        }
        tokens += encoded.trainingTokens;
        finished++;
      }
      report();
    }
  } finally {
    await costs.close();
    await training.dispose();
  }
  return { tokens, failed };
}

/** Stores and records an adapter; where its numbers cannot be stored, says why. */
async function tryRecord(parts: EngineParts, given: Recording): Promise<string | undefined> {
  const { losses } = given.encoded;
  if (hasDiverged(losses)) return `the loss of update ${losses.length} is ${losses.at(-1)}`;
  try {
    await record(parts, given);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
}

interface Recording {
  encoded: EncodedPassage;
  key: string;
  model: OpenedModel;
  costs: JsonlWriter;
  options: EncodeOptions;
}

/** Stores an adapter, then records it: a kill between the two costs nothing, the store is asked first. */
async function record(parts: EngineParts, { encoded, key, model, costs, options }: Recording): Promise<void> {
  const { augmented, adapter, losses, trainingTokens, seconds } = encoded;
  const { passage, rewrites, pairs } = augmented;
  const store = await parts.store();
  const encoding = await parts.encoding();
  await store.save(key, adapter, {
    baseModel: { name: model.name, fingerprint: model.fingerprint },
    createdBy: `parametric-rag ${packageVersion}`,
    passageId: passage.id,
    recipe: model.recipe,
    augmentationHash: sha256(canonicalJson({ rewrites, pairs })),
    initHash: hashAdapter(model.initial),
    promptsHash: promptsHash(parts.prompts, model),
    trainingTokens,
    losses,
  });
  if (options.again || encoding.keyOf(passage.id) !== key)
    await encoding.append({ passageId: passage.id, key, trainingTokens, losses, ...originOf(options) });
  await costs.append({ key, seconds });
}

async function meanBytes(parts: EngineParts, work: readonly Work[]): Promise<number> {
  const wanted = new Set(work.map(({ key }) => key));
  const sizes = (await (await parts.store()).list())
    .filter(({ key }) => wanted.has(key))
    .map(({ bytes }) => bytes);
  return sizes.length ? Math.round(sizes.reduce((a, b) => a + b, 0) / sizes.length) : 0;
}
