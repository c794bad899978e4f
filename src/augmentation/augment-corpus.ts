import { z } from "zod";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { openJsonl, readJsonl } from "../base/jsonl.ts";
import { noProgress, type Progress } from "../base/progress.ts";
import type { AugmentedPassage, Passage } from "../corpus/corpus.ts";
import {
  type AugmentationAccount,
  type Augmenter,
  type AugmenterIdentity,
  type AugmentOptions,
  augmentDefaults,
  sumAccounts,
} from "./augmenter.ts";

const count = z.object({ made: z.int(), usable: z.int() });
const resultSchema = z.object({
  passageId: z.string(),
  rewrites: z.array(z.string()),
  pairs: z.array(z.object({ question: z.string(), answer: z.string(), fullAnswer: z.string().optional() })),
  account: z.object({
    attempts: z.int(),
    pairs: count,
    rewrites: count,
    dropped: z.record(z.string(), z.int()),
  }),
});
/** One line holds one batch: a kill leaves it whole or not at all, so that the next run forms the same batches. */
const rowSchema = z.object({ augmenter: z.string(), settings: z.string(), results: z.array(resultSchema) });
type Result = z.infer<typeof resultSchema>;

/** Where augmentations are kept, and how they are made. */
export interface AugmentCorpusOptions extends AugmentOptions {
  /** The append-only file; results of other augmenters and settings in it are left alone. */
  path: string;
  /** Passages that are handed to the augmenter together. */
  batchSize?: number | undefined;
  progress?: Progress | undefined;
}

/** What an augment of a corpus gave. */
export interface CorpusAugmentation {
  /** In the order of the passages given. */
  augmented: AugmentedPassage[];
  account: AugmentationAccount;
  /** Passages without any usable pair. */
  withoutPairs: number;
  /** Passages that were augmented now; the others were on disk. */
  madeNow: number;
}

/**
 * Augments what is not augmented yet, in the order of passage ids, each batch on disk before the next begins. Stopped at
 * any moment, the same call goes on and ends with the file of an undisturbed run, byte for byte.
 */
export async function augmentCorpus(
  passages: readonly Passage[],
  augmenter: Augmenter,
  { path, batchSize = 32, progress = noProgress, signal, ...options }: AugmentCorpusOptions,
): Promise<CorpusAugmentation> {
  const settings = settingsHash(augmenter, options);
  const done = await readResults(path, augmenter.name, settings);
  const distinct = new Map(passages.map((passage) => [passage.id, passage]));
  const work = [...distinct.values()]
    .filter(({ id }) => !done.has(id))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const report = (at: number) =>
    progress({
      task: "augment",
      done: distinct.size - work.length + at,
      total: distinct.size,
      note: augmenter.name,
    });
  const file = await openJsonl(path);
  try {
    report(0);
    for (let at = 0; at < work.length; at += batchSize) {
      signal?.throwIfAborted();
      const augmentations = await augmenter.augment(work.slice(at, at + batchSize), { ...options, signal });
      const results = augmentations.map(({ augmented, account }): Result => {
        const { passage, rewrites, pairs } = augmented;
        return { passageId: passage.id, rewrites, pairs, account };
      });
      await file.append({ augmenter: augmenter.name, settings, results });
      for (const result of results) done.set(result.passageId, result);
      report(Math.min(at + batchSize, work.length));
    }
  } finally {
    await file.close();
  }
  return gather(passages, done, { augmenter: augmenter.name, madeNow: work.length });
}

/** What is on disk for these passages, this augmenter and these options; passages without a record are left out. */
export async function readAugmentations(
  passages: readonly Passage[],
  augmenter: AugmenterIdentity,
  { path, ...options }: AugmentOptions & { path: string },
): Promise<CorpusAugmentation> {
  const done = await readResults(path, augmenter.name, settingsHash(augmenter, options));
  return gather(
    passages.filter(({ id }) => done.has(id)),
    done,
    { augmenter: augmenter.name, madeNow: 0 },
  );
}

function settingsHash(
  { version }: AugmenterIdentity,
  {
    rewrites = augmentDefaults.rewrites,
    pairs = augmentDefaults.pairs,
    seed = augmentDefaults.seed,
  }: AugmentOptions,
): string {
  return sha256(canonicalJson({ version, rewrites, pairs, seed })).slice(0, 16);
}

async function readResults(path: string, augmenter: string, settings: string): Promise<Map<string, Result>> {
  const rows = await readJsonl(path, rowSchema);
  const own = rows.filter((row) => row.augmenter === augmenter && row.settings === settings);
  return new Map(own.flatMap(({ results }) => results).map((result) => [result.passageId, result]));
}

function gather(
  passages: readonly Passage[],
  done: ReadonlyMap<string, Result>,
  { augmenter, madeNow }: { augmenter: string; madeNow: number },
): CorpusAugmentation {
  const augmented: AugmentedPassage[] = [];
  const accounts = new Map<string, AugmentationAccount>();
  for (const passage of passages) {
    const result = done.get(passage.id);
    if (!result) throw new Error(`internal: passage ${passage.id} was not augmented`);
    augmented.push({ passage, rewrites: result.rewrites, pairs: result.pairs, augmenter });
    accounts.set(passage.id, result.account);
  }
  const withoutPairs = augmented.filter(({ pairs }) => pairs.length === 0).length;
  return { augmented, account: sumAccounts([...accounts.values()]), withoutPairs, madeNow };
}
