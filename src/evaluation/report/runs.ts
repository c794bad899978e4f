import { basename } from "node:path";
import { sha256 } from "../../base/hash.ts";
import { Random } from "../../base/random.ts";
import { methodNames } from "../../methods/method.ts";
import { significance } from "../compare-runs.ts";
import type { LoadedRun } from "../run-folder.ts";
import type { QuestionRow, RunRecord } from "../run-format.ts";
import { bootstrapMeans, pairedTTest } from "../statistics.ts";
import { mean, percentile } from "../summary.ts";

/** A run as the report sees it. */
export interface ReportRun extends LoadedRun {
  /** Name of the folder. */
  name: string;
  /** Its name, and behind it the beginning of a hash where the report has another dataset of that name. */
  dataset: string;
  /** The dataset, and how the run differs where it has a column beside the dataset's main one. */
  label: string;
  /** Of every bootstrap. */
  rounds: number;
  /** Estimates made so far by seed and scores, since several tables show the same one. */
  estimates: Map<string, Estimate>;
  /** What stands behind the last `+` of the folder's name: how the run differs, in its maker's words. */
  variant: string | undefined;
  questionById: ReadonlyMap<string, QuestionRow>;
  /** The latest record of each method and question, in the order of the questions. */
  byMethod: ReadonlyMap<string, ReadonlyMap<string, RunRecord>>;
}

/** The runs of one model and compatibility: what a table may hold side by side. */
export interface RunGroup {
  model: string;
  compat: string;
  runs: readonly ReportRun[];
  /** Of each dataset, in order: the run of the tables' main rows. */
  main: readonly ReportRun[];
  /** Runs with a column of their own: the main ones, and those that no other section shows. */
  columns: readonly ReportRun[];
}

/** Prepares a run for the report. */
export function createReportRun(run: LoadedRun, rounds: number): ReportRun {
  const name = basename(run.folder);
  const plus = name.lastIndexOf("+");
  return {
    ...run,
    name,
    rounds,
    estimates: new Map(),
    dataset: run.config.dataset.name,
    label: run.config.dataset.name,
    variant: plus < 0 ? undefined : name.slice(plus + 1),
    questionById: new Map(run.questions.map((row) => [row.id, row])),
    byMethod: recordsByMethod(run),
  };
}

/** In the order of the questions: which of several in flight was answered first means nothing. */
function recordsByMethod({ config, questions, records }: LoadedRun): ReportRun["byMethod"] {
  const latest = new Map<string, Map<string, RunRecord>>();
  for (const { id } of config.methods) latest.set(id, new Map());
  for (const record of records) {
    const own = latest.get(record.method) ?? new Map<string, RunRecord>();
    latest.set(record.method, own.set(record.id, record));
  }
  const order = new Map(questions.map(({ id }, i) => [id, i]));
  const placeOf = (id: string) => order.get(id) ?? order.size;
  return new Map(
    [...latest].map(([method, own]) => [
      method,
      new Map([...own].sort(([a], [b]) => placeOf(a) - placeOf(b))),
    ]),
  );
}

/** A dataset's name for figures: another one for long texts. */
export function nameIn(run: ReportRun): string {
  return `${run.dataset}${isLong(run) ? "-long" : ""}`;
}

/** Types have other shares in the sample than in the dataset, so that a mean over all questions is not the dataset's. */
export function isDrawnByType({ config }: ReportRun): boolean {
  const { size, order } = config.dataset.sample;
  return size !== null && order === "first-per-type";
}

/** Every type has the same number of questions in such a sample: a mean over all is the mean of the types. */
export function isBalanced(run: ReportRun): boolean {
  const counts = new Map<string, number>();
  for (const { type } of run.questions) counts.set(type, (counts.get(type) ?? 0) + 1);
  return isDrawnByType(run) && new Set(counts.values()).size === 1;
}

/** Runs over long texts have tables of their own: other datasets of the same names, other numbers beside ours. */
export function isLong({ config }: ReportRun): boolean {
  return config.dataset.format === "longbench";
}

/** Answers of one method to some questions. */
export type Answers = ReadonlyMap<string, RunRecord>;

/** Question ids that all have answered, in the order of the first; the same id must be the same question. */
export function commonIds(all: readonly (Answers | undefined)[]): string[] {
  const [first, ...rest] = all;
  if (!first) return [];
  return [...first.values()]
    .filter((record) => rest.every((other) => other?.get(record.id)?.questionHash === record.questionHash))
    .map(({ id }) => id);
}

/** Question ids that all have answered without an error: what costs are compared by. */
export function answeredIds(all: readonly Answers[]): string[] {
  return commonIds(all).filter((id) => all.every((answers) => answers.get(id)?.error === undefined));
}

/** Whether a method has answered all questions: a half-done one was asked others than the rest. */
export function isComplete({ byMethod, questions }: ReportRun, method: string): boolean {
  return (byMethod.get(method)?.size ?? 0) >= questions.length;
}

/** F1 of these questions. */
export function f1Of(answers: Answers, ids: readonly string[]): number[] {
  return ids.flatMap((id) => answers.get(id)?.scores.f1 ?? []);
}

/** A mean with the interval of its bootstrap. */
export interface Estimate {
  mean: number;
  low: number;
  high: number;
  count: number;
}

/** Mean and 95 % interval. The seed names the method and the questions: the same ones have the same interval in all tables. */
export function estimate(
  scores: readonly number[],
  seed: string,
  { rounds, estimates }: Pick<ReportRun, "rounds" | "estimates">,
): Estimate {
  const key = sha256(`${seed}/${scores.join()}`); // as many scores need not be the same ones
  const known = estimates.get(key);
  if (known) return known;
  const means = scores.length ? bootstrapMeans(scores, rounds, new Random(`report/${seed}`)) : [];
  const made = {
    mean: mean(scores),
    low: percentile(means, 0.025),
    high: percentile(means, 0.975),
    count: scores.length,
  };
  estimates.set(key, made);
  return made;
}

/** Whether the paired t-test tells two methods apart on the same questions. */
export function differs(a: readonly number[], b: readonly number[]): boolean {
  return a.length > 1 && a.length === b.length && pairedTTest(a, b).p < significance;
}

/** Methods in the order of reports, variants behind their method. */
const order: readonly string[] = [...methodNames, "memorag"];
export function compareMethods(a: string, b: string): number {
  const rank = (id: string) => {
    const at = order.indexOf(id.split(":")[0]!);
    return at < 0 ? order.length : at;
  };
  return rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true });
}

/** Whether an id is a method itself, not a control or a setting of one. */
export function isPlain(method: string): boolean {
  return !method.includes(":");
}
