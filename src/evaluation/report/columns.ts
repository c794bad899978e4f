import { basename, dirname } from "node:path";
import { controlsOf, hasSweep } from "./control-sections.ts";
import { timedRun } from "./cost-tables.ts";
import { familiesOf } from "./families.ts";
import { answersOf } from "./groups.ts";
import { isLong, isPlain, type ReportRun, type RunGroup } from "./runs.ts";
import { differences, isSameAs, numbered, settingsKey } from "./settings.ts";

/** A group whose every run stands in a table, or is named with the reason why it does not. */
export interface ColumnedGroup extends RunGroup {
  /** What stands in no table: `table2/atlas (repeats atlas)`. */
  left: readonly string[];
}

/**
 * Gives columns of their own to the runs that no other section shows: another retriever, another number of passages, other
 * methods. Runs that repeat what is in a column get none.
 */
export function chooseColumns(group: RunGroup): ColumnedGroup {
  const elsewhere = runsOfSections(group);
  const columns = [...group.main];
  const left: string[] = [];
  // The larger ones first, so that none gets a column and then repeats a part of another.
  for (const run of [...group.runs].sort((a, b) => answersOf(b) - answersOf(a))) {
    if (columns.includes(run) || elsewhere.variants.has(run)) continue;
    const repeated = columns.find((column) => repeats(run, column));
    if (!repeated && methodsIn(run).length) columns.push(run);
    else if (!elsewhere.controls.has(run)) left.push(`${placeOf(run, group)} (${reason(run, repeated)})`);
  }
  const labels = labelsOf(columns, group);
  const relabel = (run: ReportRun) => {
    const label = labels.get(run);
    return label === undefined || label === run.label ? run : { ...run, label };
  };
  const runs = group.runs.map(relabel);
  const chosen = [...labels.keys()].map((run) => runs[group.runs.indexOf(run)]!);
  return { ...group, runs, columns: chosen, left };
}

/** Runs that sections beside the columns show: wholly, or their controls alone. */
function runsOfSections(group: RunGroup): { variants: Set<ReportRun>; controls: Set<ReportRun> } {
  const isShort = (run: ReportRun) => !isLong(run); // long texts have no such sections
  const own = { ...group, runs: group.runs.filter(isShort), main: group.main.filter(isShort) };
  return {
    variants: new Set([
      ...familiesOf(own).filter((run) => methodsIn(run).every((id) => id === "prag")), // other methods they leave out
      ...own.main.map((main) => timedRun(own, main)),
    ]),
    controls: new Set(own.runs.filter((run) => hasSweep(run) || controlsOf(run).length > 0)),
  };
}

function reason(run: ReportRun, repeated: ReportRun | undefined): string {
  if (run.records.length === 0) return "no answer yet";
  return repeated ? `repeats ${repeated.label}` : "only settings of methods";
}

/** A run's folder, with the one around it where another run's has the same name. */
function placeOf({ name, folder }: ReportRun, { runs }: RunGroup): string {
  const isAlone = runs.filter((run) => run.name === name).length === 1;
  return isAlone ? name : `${basename(dirname(folder))}/${name}`;
}

/** Columns in the order of datasets and of runs within; each with its dataset, and how it differs from the main run. */
function labelsOf(columns: readonly ReportRun[], { main, runs }: RunGroup): Map<ReportRun, string> {
  const pairs = main.flatMap((first) =>
    [first, ...runs.filter((run) => run !== first && columns.includes(run) && areBeside(run, first))].map(
      (run) => ({ run, first }),
    ),
  );
  const labels = numbered(
    pairs.map(({ run, first }) =>
      run === first ? run.label : `${run.label}, ${run.variant ?? differences(run, first)}`,
    ),
  );
  return new Map(pairs.map(({ run }, i) => [run, labels[i]!]));
}

function areBeside(a: ReportRun, b: ReportRun): boolean {
  return a.dataset === b.dataset && isLong(a) === isLong(b);
}

/** Methods with answers that a column shows: controls have a section of their own, but for long texts. */
function methodsIn(run: ReportRun): string[] {
  return [...run.byMethod].flatMap(([id, { size }]) => (size && (isLong(run) || isPlain(id)) ? [id] : []));
}

/** Whether all that a run's column would show was asked with the same settings in another one. */
function repeats(run: ReportRun, column: ReportRun): boolean {
  if (!areBeside(run, column) || settingsKey(run) !== settingsKey(column)) return false;
  return methodsIn(run).every((id) => {
    const entry = run.config.methods.find((one) => one.id === id);
    if (entry && !column.config.methods.some(isSameAs(entry))) return false;
    const [own, others] = [run.byMethod.get(id)!, column.byMethod.get(id)];
    return [...own.values()].every((one) => others?.get(one.id)?.questionHash === one.questionHash);
  });
}
