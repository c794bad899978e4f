import { isLong, isPlain, type ReportRun, type RunGroup } from "./runs.ts";

/**
 * Tells datasets of one name apart: runs are of one dataset if they share its name, its format and a question. Where a name
 * means several datasets, the beginning of a hash is put behind it.
 */
export function nameDatasets(runs: readonly ReportRun[]): ReportRun[] {
  const datasets: ReportRun[][] = [];
  // The largest samples first: two small ones may share no question.
  for (const run of [...runs].sort((a, b) => b.questions.length - a.questions.length)) {
    const known = datasets.find(([first]) => areOfOneDataset(first!, run));
    if (known) known.push(run);
    else datasets.push([run]);
  }
  const names = new Map<ReportRun, string>();
  for (const members of datasets) {
    const [first] = members;
    const isAlone = datasets.every(([other]) => other === first || nameOf(other!) !== nameOf(first!));
    const name = isAlone ? first!.dataset : `${first!.dataset} ${first!.config.dataset.hash.slice(0, 8)}`;
    for (const run of members) names.set(run, name);
  }
  return runs.map((run) => {
    const dataset = names.get(run)!;
    return { ...run, dataset, label: dataset };
  });
}

/** Long texts have tables of their own, where the same name is no other dataset's. */
function nameOf(run: ReportRun): string {
  return `${isLong(run) ? "long" : "short"} ${run.config.dataset.name}`;
}

function areOfOneDataset(a: ReportRun, b: ReportRun): boolean {
  const [one, other] = [a.config.dataset, b.config.dataset];
  if (one.name !== other.name || one.format !== other.format) return false;
  if (one.hash === other.hash || a.questions.length === 0 || b.questions.length === 0) return true;
  return b.questions.some(({ id, hash }) => a.questionById.get(id)?.hash === hash);
}

/** Groups runs by model and compatibility; the main run of a dataset is, of those without a variant, the one with most answers of plain methods. */
export function groupRuns(runs: readonly ReportRun[]): RunGroup[] {
  const groups = new Map<string, ReportRun[]>();
  for (const run of runs) {
    const { model, compat } = run.config;
    const key = `${model.name} ${model.fingerprint} ${compat}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].map((members) => {
    const { model, compat } = members[0]!.config;
    const main = partition(members).map((candidates) => {
      const plain = candidates.filter((run) => run.variant === undefined);
      return largest(plain.length ? plain : candidates);
    });
    return { model: model.name, compat, runs: members, main, columns: main };
  });
}

/** Runs by their dataset, in the order in which datasets first come. */
function partition(runs: readonly ReportRun[]): ReportRun[][] {
  const datasets = new Map<string, ReportRun[]>();
  for (const run of runs) {
    const key = `${isLong(run) ? "long" : "short"} ${run.dataset}`;
    datasets.set(key, [...(datasets.get(key) ?? []), run]);
  }
  return [...datasets.values()];
}

function largest(runs: readonly ReportRun[]): ReportRun {
  return runs.reduce((a, b) => (answersOf(b) > answersOf(a) ? b : a));
}

/** Answers of plain methods. */
export function answersOf({ byMethod }: ReportRun): number {
  return [...byMethod].reduce((total, [id, records]) => total + (isPlain(id) ? records.size : 0), 0);
}
