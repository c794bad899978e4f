import { join } from "node:path";
import { z } from "zod";
import { readJsonIfPresent, writeJson } from "../base/files.ts";
import type { Passage } from "../corpus/corpus.ts";
import { augmentPassages } from "../engine/augment.ts";
import { encodingCost } from "../engine/costs.ts";
import { usesAdapters } from "../engine/create-method.ts";
import { asWriter } from "../engine/data-folder.ts";
import { encodeEvery } from "../engine/encode.ts";
import { importAugmentations } from "../engine/import-augmentations.ts";
import { ingest } from "../engine/ingest.ts";
import type { EngineParts } from "../engine/parts.ts";
import type { Question } from "../evaluation/questions.ts";
import type { LoadedRun } from "../evaluation/run-folder.ts";
import type { QuestionRow, RunCost } from "../evaluation/run-format.ts";
import { mean } from "../evaluation/summary.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { nameOf } from "./describe-run.ts";
import type { EvalPlan } from "./plan-eval.ts";

type Interruptible = { signal: AbortSignal | undefined };

const readySchema = z.object({ hash: z.string() });

/** Brings corpus, index and ready-made augmentations into the evaluation's collection, once. */
export async function prepareCollection(
  parts: EngineParts,
  { corpus, augmentations }: EvalPlan,
  { signal }: Interruptible,
): Promise<void> {
  if (!corpus) return;
  const ready = join(parts.folder.collection.path, "eval-ready.json");
  if ((await readJsonIfPresent(ready, readySchema))?.hash === corpus.hash) return;
  await ingest(parts, corpus.inputs, { base: corpus.base, signal });
  if (augmentations !== undefined) await importAugmentations(parts, augmentations);
  await writeJson(ready, { hash: corpus.hash });
}

interface Retrieved {
  retrieved: readonly string[];
}

/** Encodes the passages that the questions retrieve, those of the first `limit` ranks. */
export async function encodeRetrieved(
  parts: EngineParts,
  rows: readonly Retrieved[],
  { limit, signal }: Interruptible & { limit: number },
): Promise<void> {
  const passages = await retrievedPassages(parts, rows, limit);
  await asWriter(parts.folder, "encode for an evaluation", () => encodeEvery(parts, passages, { signal }));
}

/** Augments them, and does not encode: for methods that show augmentations to the model. */
export async function augmentRetrieved(
  parts: EngineParts,
  rows: readonly Retrieved[],
  { limit, signal }: Interruptible & { limit: number },
): Promise<void> {
  const passages = await retrievedPassages(parts, rows, limit);
  await asWriter(parts.folder, "augment for an evaluation", () =>
    augmentPassages(parts, passages, { signal }),
  );
}

/** In the order of ids, so that how they are trained together does not depend on the order of the questions. */
async function retrievedPassages(
  parts: EngineParts,
  rows: readonly Retrieved[],
  limit: number,
): Promise<Passage[]> {
  const corpus = await parts.corpus();
  const ids = new Set(rows.flatMap(({ retrieved }) => retrieved.slice(0, limit)));
  return [...ids].sort().map((id) => corpus.passageById(id));
}

/** So many more passages than it needs does the paper's code look at for ones that can be augmented. */
export const spareHits = 10;

/**
 * As the paper's code: of a question's hits only those count that can be augmented and encoded, so the next ones move up,
 * for every method. Encodes until each question has `limit` of them or its hits are used up.
 */
export async function encodeKept(
  parts: EngineParts,
  rows: readonly QuestionRow[],
  { limit, signal }: Interruptible & { limit: number },
): Promise<void> {
  const encoding = await parts.encoding();
  const tried = new Set<string>();
  while (true) {
    const isLeft = (id: string) => !tried.has(id) || encoding.keyOf(id) !== undefined;
    const wanted = rows.map(({ retrieved }) =>
      retrieved
        .slice(0, limit + spareHits)
        .filter(isLeft)
        .slice(0, limit),
    );
    const untried = wanted.flat().some((id) => !tried.has(id));
    if (!untried) return;
    for (const id of wanted.flat()) tried.add(id);
    await encodeRetrieved(
      parts,
      wanted.map((retrieved) => ({ retrieved })),
      { limit, signal },
    );
  }
}

/** A retriever that gives, for the run's questions, only passages that are encoded; other queries find what they find. */
export async function keptRetriever(parts: EngineParts, questions: readonly Question[]): Promise<Retriever> {
  const [retriever, encoding] = [await parts.retriever(), await parts.encoding()];
  const asked = new Set(questions.map(({ question }) => question));
  return {
    async retrieve(query, limit, options) {
      if (!asked.has(query)) return retriever.retrieve(query, limit, options);
      const hits = await retriever.retrieve(query, limit + spareHits, options);
      return hits.filter(({ passage }) => encoding.keyOf(passage.id) !== undefined).slice(0, limit);
    },
  };
}

/**
 * The passages whose adapters the methods of a run use: of each question the first, and where later ones move up for what cannot
 * be encoded, these. Adapters that other runs made of later ranks are not among them.
 */
export async function usedPassages(
  parts: EngineParts,
  { config, questions }: Pick<LoadedRun, "config" | "questions">,
): Promise<Set<string>> {
  const encoding = await parts.encoding();
  const { compat, answering, methods } = config;
  const limits = methods
    .filter(({ id }) => usesAdapters(nameOf(id)))
    .map(({ options: { limit } }) => (typeof limit === "number" ? limit : answering.limit));
  const most = Math.max(0, ...limits);
  const depth = compat === "reference" && answering.onMissing === "encode" ? most + spareHits : most;
  const isEncoded = (id: string) => encoding.keyOf(id) !== undefined;
  return new Set(
    questions.flatMap(({ retrieved }) => retrieved.slice(0, depth).filter(isEncoded).slice(0, most)),
  );
}

/** What the adapters in use cost; how they pay off is for the summary to tell. */
export async function adapterCost(parts: EngineParts, used: ReadonlySet<string>): Promise<RunCost> {
  const encoded = (await parts.encoding()).rows().filter(({ passageId }) => used.has(passageId));
  const keys = new Set(encoded.map(({ key }) => key));
  const stored = (await (await parts.store()).list()).filter(({ key }) => keys.has(key));
  const { passages, seconds } = await encodingCost(parts);
  // An adapter that was made elsewhere does not tell what its training took.
  const trainingTokens = encoded.flatMap(({ trainingTokens: tokens }) => tokens ?? []);
  return {
    adapters: encoded.length,
    bytesPerAdapter: mean(stored.map(({ bytes }) => bytes)),
    trainingTokensPerPassage: trainingTokens.length ? mean(trainingTokens) : null,
    encodeSecondsPerPassage: passages > 0 ? seconds / passages : null,
    savedPromptTokens: null,
    breakEvenByTokens: null,
    breakEvenBySeconds: null,
  };
}
