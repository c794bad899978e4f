import { Random } from "../base/random.ts";
import { compareRuns } from "./compare-runs.ts";
import type {
  MethodRow,
  QuestionRow,
  RetrievalRow,
  RunConfig,
  RunCost,
  RunRecord,
  RunSummaryFile,
  ScoreRow,
  Session,
} from "./run-format.ts";
import { bootstrapMeans } from "./statistics.ts";
import { largest, mean, percentile } from "./summary.ts";

const bootstrapRounds = 10_000;

/** What a summary is made from. */
export interface SummaryParts {
  config: RunConfig;
  questions: readonly QuestionRow[];
  records: readonly RunRecord[];
  /** What adapters cost; `null` where no method uses any. */
  cost: RunCost | null;
}

/** The tables of a run, but for where its time went. */
export function summariseRun({
  config,
  questions,
  records,
  cost,
}: SummaryParts): Omit<RunSummaryFile, "time"> {
  const order = new Map(questions.map(({ id }, i) => [id, i]));
  const byMethod = config.methods.map(({ id }) => ({
    id,
    records: records
      .filter((record) => record.method === id)
      .sort((a, b) => order.get(a.id)! - order.get(b.id)!),
  }));
  const begun = byMethod.filter((method) => method.records.length > 0);
  const complete = byMethod.filter((method) => method.records.length === questions.length);
  const isRetrieving = config.corpus !== null;
  return {
    format: config.format,
    dataset: config.dataset.name,
    model: config.model.name,
    compat: config.compat,
    isComplete: complete.length === byMethod.length,
    methods: begun.map(({ id, records: some }) => methodRow(id, some, config.seed)),
    comparisons: compareRuns(complete, config.seed),
    retrieval: isRetrieving
      ? { ...retrievalRow(questions), byType: mapTypes(questions, (some) => retrievalRow(some)) }
      : null,
    cost: cost && { ...cost, ...breakEven(complete, cost, config.answering.inFlight === 1) },
  };
}

/** The scores of some records of one method. */
export function scoreRow(records: readonly RunRecord[]): ScoreRow {
  const means = (pick: (record: RunRecord) => RunRecord["scores"]) => {
    const scores = records.map(pick);
    return {
      em: mean(scores.map(({ em }) => em)),
      f1: mean(scores.map(({ f1 }) => f1)),
      precision: mean(scores.map(({ precision }) => precision)),
      recall: mean(scores.map(({ recall }) => recall)),
    };
  };
  const failed = records.filter(({ error }) => error);
  const tooLong = failed.filter(({ error }) => error?.kind === "prompt-too-long").length;
  return {
    questions: records.length,
    ...means(({ scores }) => scores),
    lenient: means(({ lenient }) => lenient),
    answerPresence: mean(records.map(({ isPresent }) => Number(isPresent))),
    tooLong,
    failed: failed.length - tooLong,
  };
}

function methodRow(name: string, records: readonly RunRecord[], seed: number): MethodRow {
  const times = records.flatMap(({ error, timings }) => (error || !timings ? [] : [timings]));
  const interval = (score: "em" | "f1") =>
    intervalOf(
      records.map(({ scores }) => scores[score]),
      new Random(`interval/${seed}/${name}/${score}`),
    );
  return {
    name,
    ...scoreRow(records),
    intervals: { em: interval("em"), f1: interval("f1") },
    byType: mapTypes(records, scoreRow),
    ...effortRow(records),
    latencyMs: quantiles(times.map(({ totalMs }) => totalMs)),
    loadMs: quantiles(times.map(({ loadMs }) => loadMs)),
    mergeMs: quantiles(times.map(({ mergeMs }) => mergeMs)),
  };
}

/** What answering took: means over the questions that were answered, and all passages without an adapter. */
export function effortRow(
  records: readonly RunRecord[],
): Pick<MethodRow, "promptTokens" | "generatedTokens" | "rounds" | "adapters" | "fallbacks"> {
  const answered = records.filter(({ error }) => !error);
  const meanOf = (pick: (record: RunRecord) => number) => mean(answered.map(pick));
  return {
    promptTokens: meanOf(({ promptTokens }) => promptTokens),
    generatedTokens: meanOf(({ generatedTokens }) => generatedTokens),
    rounds: meanOf(({ rounds }) => rounds),
    adapters: meanOf(({ adapters }) => adapters),
    fallbacks: records.reduce((total, { fallbacks }) => total + fallbacks, 0),
  };
}

function intervalOf(scores: readonly number[], random: Random): { low: number; high: number } {
  const means = bootstrapMeans(scores, bootstrapRounds, random);
  return { low: percentile(means, 0.025), high: percentile(means, 0.975) };
}

function quantiles(values: readonly number[]): MethodRow["latencyMs"] {
  return { mean: mean(values), p50: percentile(values, 0.5), p95: percentile(values, 0.95) };
}

function mapTypes<T extends { type: string }, R>(
  rows: readonly T[],
  make: (rows: readonly T[]) => R,
): Record<string, R> {
  const types = [...new Set(rows.map(({ type }) => type))].sort();
  return Object.fromEntries(types.map((type) => [type, make(rows.filter((row) => row.type === type))]));
}

/** The depths at which recall is told, as far as was retrieved. */
const depths = [1, 2, 3, 5, 10, 20, 50, 100];

/** What retrieval finds for some questions; without passages it says of no depth how often. */
export function retrievalRow(rows: readonly QuestionRow[]): RetrievalRow {
  const depth = largest(rows.map(({ retrieved }) => retrieved.length));
  const shareOf = (some: readonly QuestionRow[]) => {
    const known = some.filter(({ answerInCorpus }) => answerInCorpus !== null);
    return known.length ? mean(known.map(({ answerInCorpus }) => Number(answerInCorpus))) : null;
  };
  const open = rows.filter(({ isClosed }) => !isClosed); // "yes" stands in most passages
  const supported = rows.filter(({ supportRanks }) => supportRanks.length > 0);
  const within = (rank: number | null, k: number) => Number(rank !== null && rank <= k);
  const atEach = (value: (k: number) => number) =>
    Object.fromEntries(depths.filter((k) => k <= depth).map((k) => [String(k), value(k)]));
  return {
    questions: rows.length,
    answerInCorpus: shareOf(rows),
    answerInCorpusOpen: shareOf(open),
    answerRecall: open.length ? atEach((k) => mean(open.map(({ answerRank }) => within(answerRank, k)))) : {},
    supportRecall: supported.length
      ? atEach((k) =>
          mean(supported.map(({ supportRanks }) => mean(supportRanks.map((rank) => within(rank, k))))),
        )
      : {},
    withSupport: supported.length,
  };
}

/**
 * From how many questions per passage on an adapter is cheaper than its passage in the prompt, by the questions that both methods
 * answered; by the clock only where questions were asked one at a time.
 */
function breakEven(
  methods: readonly { id: string; records: readonly RunRecord[] }[],
  { trainingTokensPerPassage, encodeSecondsPerPassage }: RunCost,
  isTimed: boolean,
): Pick<RunCost, "savedPromptTokens" | "breakEvenByTokens" | "breakEvenBySeconds" | "comparedQuestions"> {
  const recordsOf = (name: string) => methods.find(({ id }) => id === name)?.records ?? [];
  const prags = new Map(recordsOf("prag").map((record) => [record.id, record]));
  // A prompt that is too long is often the longest one: means over other questions would compare other texts.
  const pairs = recordsOf("standard-rag").flatMap((rag) => {
    const prag = prags.get(rag.id);
    return !prag || prag.error || rag.error ? [] : [{ rag, prag }];
  });
  if (pairs.length === 0)
    return { savedPromptTokens: null, breakEvenByTokens: null, breakEvenBySeconds: null };
  const savedOf = (cost: (record: RunRecord) => number) =>
    mean(pairs.map(({ rag }) => cost(rag))) - mean(pairs.map(({ prag }) => cost(prag)));
  const savedTokens = savedOf(({ promptTokens }) => promptTokens);
  const savedSeconds = savedOf(({ timings }) => (timings?.totalMs ?? 0) / 1000);
  const isTrained = trainingTokensPerPassage !== null;
  const canTell = isTimed && savedSeconds > 0 && encodeSecondsPerPassage !== null;
  return {
    savedPromptTokens: savedTokens,
    // Training costs 4P per token (forward 2P, backward through a frozen weight 2P), a prompt 2P per token.
    breakEvenByTokens: savedTokens > 0 && isTrained ? (2 * trainingTokensPerPassage) / savedTokens : null,
    breakEvenBySeconds: canTell ? encodeSecondsPerPassage / savedSeconds : null,
    comparedQuestions: pairs.length,
  };
}

/** Where the time of all calls went. */
export function sumSessions(sessions: readonly Session[]): RunSummaryFile["time"] {
  const sum = (pick: (session: Session) => number) => sessions.reduce((total, one) => total + pick(one), 0);
  const totalSeconds = sum((one) => one.totalSeconds);
  const harnessSeconds = sum((one) => one.harnessSeconds);
  return {
    totalSeconds,
    prepareSeconds: sum((one) => one.prepareSeconds),
    answerSeconds: sum((one) => one.answerSeconds),
    harnessSeconds,
    answered: sum((one) => one.answered),
    harnessShare: totalSeconds > 0 ? harnessSeconds / totalSeconds : 0,
  };
}
