import { join } from "node:path";
import { InputError } from "../base/errors.ts";
import { readJsonl } from "../base/jsonl.ts";
import { Random } from "../base/random.ts";
import type { Passage } from "../corpus/corpus.ts";
import { createMethod, usesAdapters } from "../engine/create-method.ts";
import { asWriter } from "../engine/data-folder.ts";
import { encodeEvery } from "../engine/encode.ts";
import type { EngineParts } from "../engine/parts.ts";
import { containsAnswer } from "../evaluation/answer-finder.ts";
import { goldPassages } from "../evaluation/gold-passages.ts";
import type { Question } from "../evaluation/questions.ts";
import { type QuestionRow, questionRowSchema, runFiles } from "../evaluation/run-format.ts";
import type { Hit, Retriever } from "../retrieval/retriever.ts";
import { spareHits } from "./prepare-eval.ts";
import type { EvalMethod, EvalOptions } from "./run-eval.ts";

/** What a control knows of its run. */
interface ControlRun {
  questions: readonly Question[];
  rows: readonly QuestionRow[];
  /** Passages that the method asks for. */
  limit: number;
  /** The method; the passages of one that uses adapters must have them. */
  name: string;
  seed: number;
  signal: AbortSignal | undefined;
}

/** Parts for one question. */
type PartsOf = (question: Question) => EngineParts;

/** A method of its kind over changed parts: `prag:shuffled` is `prag` with other adapters. */
type Control = (parts: EngineParts, run: ControlRun) => Promise<PartsOf>;

const controls: Readonly<Record<string, Control>> = {
  shuffled: withShuffledAdapters,
  irrelevant: withIrrelevantPassages,
  oracle: withGoldPassages,
};

/** How an evaluation opens its methods when controls are among them. */
export function openWithControls({
  questions,
  out,
  seed,
  signal,
}: {
  questions: readonly Question[];
  out: string;
  seed: number;
  signal?: AbortSignal | undefined;
}): NonNullable<EvalOptions["open"]> {
  return async (parts, { id, options = {} }: EvalMethod) => {
    const [name = id, variant = ""] = id.split(":");
    const control = controls[variant];
    if (!control) return createMethod(parts, name, options); // the method itself, or with another limit
    const rows = await readJsonl(join(out, runFiles.questions), questionRowSchema);
    const { limit = parts.config.limit } = options;
    const partsOf = await control(parts, { questions, rows, limit, name, seed, signal });
    return (question: Question) => createMethod(partsOf(question), name, options);
  };
}

/**
 * Passages that methods of the run use and that have an adapter, in the order of ids: those of the first ranks, and where later ones
 * move up for what cannot be encoded, of these too. Adapters that other runs made of later ranks change nothing.
 */
async function encodedPassages(parts: EngineParts, { rows, limit }: ControlRun): Promise<string[]> {
  const encoding = await parts.encoding();
  const most = parts.config.compat === "reference" ? limit + spareHits : limit;
  const ids = new Set(rows.flatMap(({ retrieved }) => retrieved.slice(0, most)));
  return [...ids].filter((id) => encoding.keyOf(id) !== undefined).sort();
}

/** Every passage has the adapter of another: a seeded rotation of those that the run retrieves. */
async function withShuffledAdapters(parts: EngineParts, run: ControlRun): Promise<PartsOf> {
  const [encoding, pool] = [await parts.encoding(), await encodedPassages(parts, run)];
  if (pool.length < 2)
    throw new InputError(
      `shuffled adapters need two passages with adapters, but the questions find ${pool.length}; ask more questions`,
    );
  const distance = 1 + new Random(`shuffled/${run.seed}`).int(pool.length - 1);
  const place = new Map(pool.map((id, i) => [id, i]));
  const other = (id: string) => {
    const at = place.get(id);
    return at === undefined ? id : pool[(at + distance) % pool.length]!;
  };
  const shuffled = {
    ...encoding,
    keyOf: (id: string) => encoding.keyOf(other(id)),
    load: (ids: readonly string[]) => encoding.load(ids.map(other)),
  };
  return () => ({ ...parts, encoding: async () => shuffled });
}

/**
 * Passages of other questions in place of the hits, with the hits' scores: none that is retrieved for this question or contains
 * an accepted answer. What is left is what any adapter does to the model.
 */
async function withIrrelevantPassages(parts: EngineParts, run: ControlRun): Promise<PartsOf> {
  const [corpus, retriever] = [await parts.corpus(), await parts.retriever()];
  const pool = (await encodedPassages(parts, run)).map((id) => corpus.passageById(id));
  const rowById = new Map(run.rows.map((row) => [row.id, row]));
  return withRetriever(parts, async (question, query, limit) => {
    const hits = await retriever.retrieve(query, limit);
    const near = new Set(rowById.get(question.id)?.retrieved ?? hits.map(({ passage }) => passage.id));
    const random = new Random(`irrelevant/${run.seed}/${question.id}`);
    const far = random
      .shuffle(pool)
      .filter(
        ({ id, title, text }) => !near.has(id) && !containsAnswer(`${title}\n${text}`, question.answers),
      );
    return far.slice(0, hits.length).map((passage, i) => ({ passage, score: hits[i]!.score }));
  });
}

/** The passages that the dataset names as support, all with the same score: retrieval without a mistake. */
async function withGoldPassages(parts: EngineParts, run: ControlRun): Promise<PartsOf> {
  const [corpus, retriever] = [await parts.corpus(), await parts.retriever()];
  const gold = await goldPassages(run.questions, { passages: corpus.passages(), retriever });
  const wanted = (question: Question, limit: number) => (gold.get(question.id) ?? []).slice(0, limit);
  if (usesAdapters(run.name)) {
    const passages = run.questions.flatMap((question) => wanted(question, run.limit));
    await encodeMissing(parts, passages, run.signal);
  }
  return withRetriever(parts, async (question, _query, limit) =>
    wanted(question, limit).map((passage): Hit => ({ passage, score: 1 })),
  );
}

async function encodeMissing(
  parts: EngineParts,
  passages: readonly Passage[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const distinct = [...new Map(passages.map((passage) => [passage.id, passage])).values()];
  if (distinct.length === 0) return;
  await asWriter(parts.folder, "encode for a control", () => encodeEvery(parts, distinct, { signal }));
}

/** Parts with a retriever that knows which question is asked: two may have the same words, and other answers. */
function withRetriever(
  parts: EngineParts,
  find: (question: Question, query: string, limit: number) => Promise<Hit[]>,
): PartsOf {
  return (question) => {
    const retriever: Retriever = { retrieve: (query, limit) => find(question, query, limit) };
    return { ...parts, retriever: async () => retriever };
  };
}
