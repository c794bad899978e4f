import { countParameters, feedForwardParameters } from "../adapters/size.ts";
import { ruleAugmenter } from "../augmentation/rule-augmenter.ts";
import { supports } from "../augmentation/support.ts";
import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";
import { countTrainingTokens, encodeGroups, groupPassages } from "../training/encode.ts";
import { bytesPerAdapter, freeBytes } from "./disk.ts";
import { findMissing, isTrainable } from "./find-missing.ts";
import { openTraining } from "./open-training.ts";
import type { EngineParts } from "./parts.ts";
import { readAugmented } from "./read-augmented.ts";

/** What an encode would do and cost. Nothing is written. */
export interface DryRun {
  passages: number;
  /** Have an adapter by this model and recipe. */
  encoded: number;
  /** Would be trained. */
  toEncode: number;
  /** Of these, not augmented yet: their cost is estimated from questions made by rule, and augmenting comes on top. */
  notAugmented: number;
  /** Tokens through the model, all updates together, without negatives. */
  trainingTokens: number;
  expectedSeconds: number;
  /** Of the process, measured while training on the longest group of a sample. */
  peakMemoryBytes: number;
  parametersPerAdapter: number;
  /** Parameters of an adapter on the feed-forward modules: what our code, as the reference code, adapts, and the paper's formula. */
  feedForward: { parameters: number; paperParameters: number };
  bytesPerAdapter: number;
  disk: { neededBytes: number; freeBytes: number; fits: boolean };
}

/** Passages whose training tokens are counted; more are estimated from these. */
const sampleSize = 200;
/** Updates that are timed, after one to warm up. */
const timedUpdates = 2;

/** Counts and times what an encode would do, on a sample of the passages. */
export async function dryRun(
  parts: EngineParts,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<DryRun> {
  const model = await parts.model();
  const { recipe, shapes } = model;
  const passages = [...(await parts.corpus()).passages()];
  const { missing, notAugmented, encoded } = await findWork(parts, passages);
  const { sample, drawn } = await augmentSample(missing, parts);
  const { hiddenSize, feedForwardSize, layers } = model.config;
  const bytes = bytesPerAdapter(model, parts.config.adapterDtype);
  const [neededBytes, free] = [missing.length * bytes, await freeBytes(parts.folder.adapters)];
  return {
    passages: passages.length,
    encoded,
    toEncode: missing.length,
    notAugmented,
    ...(await estimate(parts, { sample, share: missing.length / Math.max(1, drawn), signal })),
    parametersPerAdapter: countParameters(shapes, recipe.rank),
    feedForward: feedForwardParameters({ layers, hiddenSize, feedForwardSize }, recipe.rank),
    bytesPerAdapter: bytes,
    disk: { neededBytes, freeBytes: free, fits: neededBytes <= free },
  };
}

interface Missing {
  passage: Passage;
  augmented: AugmentedPassage | undefined;
}

async function findWork(
  parts: EngineParts,
  passages: readonly Passage[],
): Promise<{ missing: Missing[]; notAugmented: number; encoded: number }> {
  const model = await parts.model();
  const known = await readAugmented(parts, passages);
  const bare = passages.filter(({ id }) => !known.has(id));
  const trainable = [...known.values()].filter((one) => isTrainable(one, model));
  const { missing } = await findMissing(parts, trainable);
  return {
    missing: [
      ...bare.map((passage) => ({ passage, augmented: undefined })),
      ...missing.map(({ augmented }) => ({ passage: augmented.passage, augmented })),
    ],
    notAugmented: bare.length,
    encoded: trainable.length - missing.length,
  };
}

/** Of evenly spaced passages those that something can be trained on, in the order of an encode; `drawn` of how many. */
async function augmentSample(
  missing: readonly Missing[],
  parts: EngineParts,
): Promise<{ sample: AugmentedPassage[]; drawn: number }> {
  const sorted = [...missing].sort((a, b) => (a.passage.id < b.passage.id ? -1 : 1));
  const step = Math.max(1, sorted.length / sampleSize);
  const count = Math.min(sorted.length, sampleSize);
  const chosen = Array.from({ length: count }, (_, i) => sorted[Math.floor(i * step)]!);
  const { rewrites, pairs, seed } = await parts.augmentSettings();
  const bare = chosen.flatMap(({ passage, augmented }) => (augmented ? [] : [passage]));
  const made = await ruleAugmenter.augment(bare, { rewrites, pairs, seed });
  const byId = new Map(made.map(({ augmented }) => [augmented.passage.id, augmented]));
  const model = await parts.model();
  const sample = chosen
    .map(({ passage, augmented }) => augmented ?? byId.get(passage.id)!)
    .filter((one) => isTrainable(one, model));
  return { sample, drawn: count };
}

/** Tokens and seconds of all the work, `share` times that of the sample. */
async function estimate(
  parts: EngineParts,
  { sample, share, signal }: { sample: AugmentedPassage[]; share: number; signal: AbortSignal | undefined },
): Promise<Pick<DryRun, "trainingTokens" | "expectedSeconds" | "peakMemoryBytes">> {
  const { recipe, tokenizer } = await parts.model();
  const count = (one: AugmentedPassage) =>
    countTrainingTokens(one, recipe, { tokenizer, prompts: parts.prompts, supports });
  const groups = groupPassages(sample, recipe).map((group) => {
    const tokens = group.map(count);
    return { group, tokens: tokens.reduce((a, b) => a + b, 0), longest: Math.max(...tokens) };
  });
  const longest = groups.reduce((a, b) => (b.longest > a.longest ? b : a), groups[0]!);
  const tokens = share * groups.reduce((sum, group) => sum + group.tokens, 0);
  if (!longest) return { trainingTokens: 0, expectedSeconds: 0, peakMemoryBytes: peakMemoryBytes() };
  const { secondsPerUpdate, prepareSeconds, updates } = await time(parts, longest.group, signal);
  const training = (secondsPerUpdate * updates * tokens) / longest.tokens;
  return {
    trainingTokens: Math.round(tokens),
    expectedSeconds: training + share * groups.length * prepareSeconds,
    peakMemoryBytes: peakMemoryBytes(),
  };
}

/** Trains a group for a few updates. */
async function time(
  parts: EngineParts,
  group: readonly AugmentedPassage[],
  signal: AbortSignal | undefined,
): Promise<{ secondsPerUpdate: number; prepareSeconds: number; updates: number }> {
  const { recipe } = await parts.model();
  const training = await openTraining(parts);
  const times: number[] = [];
  const passages: number[] = [];
  const onUpdate = (count: number) => {
    times.push(parts.clock());
    passages.push(count);
  };
  try {
    const start = parts.clock();
    const short = { ...recipe, updates: Math.min(recipe.updates, 1 + timedUpdates), epochs: 1 };
    for await (const _batch of encodeGroups([group], short, { ...training.parts, signal, onUpdate }));
    const [first = start, last = start] = [times[0], times.at(-1)];
    const isTimed = times.length > 1;
    const seconds = (last - (isTimed ? first : start)) / 1000;
    const perUpdate = seconds / Math.max(1, times.length - (isTimed ? 1 : 0));
    const batches = group.length / (passages[0] ?? group.length); // a long group is cut into several batches
    const prepare = recipe.negatives.count > 0 ? Math.max(0, (first - start) / 1000 - perUpdate) : 0;
    const updates = recipe.name === "reference" ? times.length * recipe.epochs : recipe.updates * batches;
    return { secondsPerUpdate: perUpdate, prepareSeconds: prepare, updates };
  } finally {
    await training.dispose();
  }
}

/** The most memory that this process has had so far: `maxRSS` is in kilobytes. */
function peakMemoryBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
