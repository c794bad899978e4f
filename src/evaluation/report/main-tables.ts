import { nearestPaperModel, numberIn, paperDataset, paperTable1 } from "../paper-numbers.ts";
import type { RunRecord } from "../run-format.ts";
import { mean } from "../summary.ts";
import {
  type Block,
  type Cell,
  nothing,
  percent,
  percentInterval,
  type Section,
  type TableRow,
  text,
} from "./blocks.ts";
import { scatterPlot } from "./plot.ts";
import {
  answeredIds,
  commonIds,
  compareMethods,
  differs,
  estimate,
  f1Of,
  isBalanced,
  isComplete,
  isDrawnByType,
  isPlain,
  nameIn,
  type ReportRun,
  type RunGroup,
} from "./runs.ts";

const marksNote = (model: string) =>
  `F1 in per cent, small: 95 % interval of the bootstrap (10,000 rounds). Best of a column in bold. † differs from P-RAG, ‡ from the best of the column (paired t-test on the same questions, p < 0.05). In italics: the paper's numbers with ${nearestPaperModel(model)}.`;

/** Table 1: F1 of every method, over all questions and by type. */
export function mainSection(group: RunGroup, suffix: string): Section {
  const runs = group.columns;
  const names = [...new Set(runs.flatMap((run) => plainMethods(run)))].sort(compareMethods);
  const overview: Block = {
    kind: "table",
    caption: "Table 1, all questions: F1 by method and dataset",
    head: ["method", ...runs.map((run) => `${run.label} (${wholeOf(run)})`)],
    rows: [
      ...rowsOf(
        names,
        runs.map((run) => ({ run, ids: allIds(run), seed: run.name })),
      ),
      ...paperRows(
        group.model,
        runs.map((run) => (isDrawnByType(run) ? undefined : paperDataset(run.dataset))),
      ),
    ],
    note: marksNote(group.model),
  };
  return {
    title: `Table 1: methods${suffix}`,
    blocks: [overview, ...runs.filter((run) => typesOf(run).length > 1).map((run) => typeTable(group, run))],
  };
}

/** The same for one dataset, a column per type of question. */
function typeTable(group: RunGroup, run: ReportRun): Block {
  const shown = typesOf(run);
  const columns = [
    { run, ids: allIds(run), seed: run.name },
    ...shown.map((type) => ({ run, ids: idsOfType(run, type), seed: `${run.name}/${type}` })),
  ];
  const head = columns.map(({ ids }, i) => {
    const name = i === 0 ? (isBalanced(run) ? "mean of types" : "total") : shown[i - 1]!.replaceAll("_", " ");
    return `${name} (${ids.length})`;
  });
  const theirs = paperDataset(run.dataset);
  const paperNames = [isDrawnByType(run) ? undefined : theirs, ...shown.map((type) => `${theirs}/${type}`)];
  return {
    kind: "table",
    caption: `${run.label}: F1 by type of question (number of questions)`,
    head: ["method", ...head],
    rows: [...rowsOf(plainMethods(run), columns), ...paperRows(group.model, paperNames)],
  };
}

/** What the column of all questions is, and of how many. */
function wholeOf(run: ReportRun): string {
  return `${isBalanced(run) ? "mean of types, " : ""}${allIds(run).length}`;
}

interface Column {
  run: ReportRun;
  ids: readonly string[];
  /** Of the bootstrap. */
  seed: string;
}

/** One row per method; only questions that all methods of the run have answered are compared. */
function rowsOf(methods: readonly string[], columns: readonly Column[]): TableRow[] {
  const cells = columns.map((column) => columnCells(methods, column));
  return methods.map((name, row) => ({ cells: [text(name), ...cells.map((column) => column[row]!)] }));
}

function columnCells(methods: readonly string[], { run, ids, seed }: Column): Cell[] {
  const scores = methods.map((name) => f1Of(run.byMethod.get(name) ?? new Map(), ids));
  const best = scores.reduce((a, b) => (b.length && mean(b) > mean(a) ? b : a), []);
  const prag = scores[methods.indexOf("prag")] ?? [];
  return scores.map((own, i): Cell => {
    if (own.length === 0) return nothing;
    const { mean: value, ...interval } = estimate(own, `${seed}/${methods[i]}`, run);
    const marks = `${own !== prag && differs(own, prag) ? "†" : ""}${own !== best && differs(own, best) ? "‡" : ""}`;
    return { text: percent(value), detail: percentInterval(interval), marks, isBest: own === best };
  });
}

function paperRows(model: string, columns: readonly (string | undefined)[]): TableRow[] {
  const paper = nearestPaperModel(model);
  const rows = paperTable1[paper];
  if (!columns.some((name) => numberIn(rows.prag, name) !== undefined)) return [];
  return Object.entries(rows).map(([method, row]) => ({
    isPaper: true,
    cells: [
      text(`paper: ${method}`),
      ...columns.map((name) => {
        const value = numberIn(row, name);
        return value === undefined ? nothing : text(percent(value));
      }),
    ],
  }));
}

/** Quality against cost: F1 by tokens of the prompt and by time; costs of the questions that all methods answered. */
export function tradeOffBlocks(run: ReportRun): Block[] {
  const methods = plainMethods(run).filter((name) => isComplete(run, name));
  const costIds = answeredIds(methods.map((name) => run.byMethod.get(name)!));
  if (costIds.length === 0) return [];
  const series = (cost: (record: RunRecord) => number) =>
    methods.map((name) => {
      const answers = run.byMethod.get(name)!;
      const scores = f1Of(answers, [...answers.keys()]);
      const { mean: y, ...interval } = estimate(scores, `${run.name}/${name}`, run);
      const x = mean(costIds.map((id) => cost(answers.get(id)!)));
      return { name, points: [{ x, y: 100 * y, low: 100 * interval.low, high: 100 * interval.high }] };
    });
  const { length: all } = run.questions;
  const where =
    costIds.length < all ? ` Costs are of the ${costIds.length} of ${all} questions that all answered.` : "";
  const figure = (name: string, x: string, cost: (record: RunRecord) => number): Block => ({
    kind: "figure",
    name: `${nameIn(run)}-${name}`,
    svg: scatterPlot(series(cost), { title: `${run.label}: F1 by ${x}`, x, y: "F1 (%)" }),
    caption: `${run.label}: F1 by ${x}, with 95 % intervals. Higher and further left is better.${where}`,
  });
  return [
    figure("prompt-tokens", "prompt tokens per question", ({ promptTokens }) => promptTokens),
    ...(run.config.answering.inFlight === 1
      ? [figure("latency", "milliseconds per question", ({ timings }) => timings?.totalMs ?? 0)]
      : []),
  ];
}

/** Methods without their variants, in the order of reports. */
export function plainMethods(run: ReportRun): string[] {
  return [...run.byMethod]
    .flatMap(([id, answers]) => (isPlain(id) && answers.size ? [id] : []))
    .sort(compareMethods);
}

/** Questions that every plain method has answered. */
function allIds(run: ReportRun): string[] {
  return commonIds(plainMethods(run).map((name) => run.byMethod.get(name)));
}

function idsOfType(run: ReportRun, type: string): string[] {
  return allIds(run).filter((id) => run.questionById.get(id)?.type === type);
}

function typesOf(run: ReportRun): string[] {
  return [...new Set(run.questions.map(({ type }) => type))];
}
