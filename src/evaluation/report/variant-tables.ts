import {
  nearestPaperModel,
  numberIn,
  type PaperRow,
  paperDataset,
  paperFigure3,
  paperTable2,
  paperTable3,
} from "../paper-numbers.ts";
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
import { type Aspect, ablationNames, aspects, findFamily, labelsOf } from "./families.ts";
import { barChart } from "./plot.ts";
import { type Answers, commonIds, differs, estimate, f1Of, type ReportRun, type RunGroup } from "./runs.ts";

/** F1 of P-RAG in the runs of each dataset that differ in one aspect, on the questions that all of them answered. */
interface VariantTable {
  labels: string[];
  datasets: string[];
  scores(label: string, dataset: string): number[];
}

function tabulate(group: RunGroup, aspect: Aspect): VariantTable | undefined {
  const families = new Map<string, Map<string, Answers>>();
  const labels = new Set<string>();
  for (const main of group.main) {
    const { dataset } = main;
    const family = findFamily(group, main, aspect);
    if (!family) continue;
    const own = labelsOf(family, aspect);
    const answers = family.map((run, i): [string, Answers] => [own[i]!, run.byMethod.get("prag")!]);
    families.set(dataset, new Map(answers));
    for (const [label] of answers) labels.add(label);
  }
  if (families.size === 0) return undefined;
  return {
    labels: [...labels],
    datasets: [...families.keys()],
    scores(label, dataset) {
      const family = families.get(dataset)!;
      const answers = family.get(label);
      return answers ? f1Of(answers, commonIds([...family.values()])) : [];
    },
  };
}

function rowsOf(table: VariantTable, seed: string, run: ReportRun): TableRow[] {
  const columns = table.datasets.map((dataset) => {
    const scores = table.labels.map((label) => table.scores(label, dataset));
    const first = scores[0] ?? [];
    const best = Math.max(...scores.map(mean));
    return scores.map((own, i): Cell => {
      if (own.length === 0) return nothing;
      const { mean: value, ...interval } = estimate(own, `${seed}/${dataset}/${i}`, run);
      return {
        text: percent(value),
        detail: percentInterval(interval),
        marks: i > 0 && differs(own, first) ? "†" : "",
        isBest: value === best,
      };
    });
  });
  return table.labels.map((label, i) => ({ cells: [text(label), ...columns.map((column) => column[i]!)] }));
}

/** A row of the paper; nothing where it has none of these datasets. */
function paperRow(label: string, row: PaperRow, datasets: readonly string[]): TableRow[] {
  const values = datasets.map((name) => numberIn(row, paperDataset(name)));
  if (values.every((value) => value === undefined)) return [];
  const cells = values.map((value) => (value === undefined ? nothing : text(percent(value))));
  return [{ isPaper: true, cells: [text(`paper: ${label}`), ...cells] }];
}

function headOf({ datasets, labels, scores }: VariantTable, name: string): string[] {
  const counts = datasets.map((dataset) => Math.max(...labels.map((label) => scores(label, dataset).length)));
  return [name, ...datasets.map((dataset, i) => `${dataset} (${counts[i]})`)];
}

const noteOf = ({ model }: RunGroup) =>
  `F1 of P-RAG in per cent on the same questions (their number in brackets), with 95 % intervals; † differs from the first row (paired t-test, p < 0.05). In italics: the paper's numbers with ${nearestPaperModel(model)}.`;

/** Table 2: where training starts. */
export function startSection(group: RunGroup, suffix: string): Section | undefined {
  const table = tabulate(group, aspects.start);
  if (!table) return undefined;
  const paper = nearestPaperModel(group.model);
  const { random, warm } = paperTable2[paper];
  const rows = [
    ...rowsOf(table, "start", group.runs[0]!),
    ...paperRow("random", random, table.datasets),
    ...paperRow("warm", warm, table.datasets),
  ];
  const block: Block = {
    kind: "table",
    caption: "Table 2: the start of adapters",
    head: headOf(table, "start"),
    rows,
    note: noteOf(group),
  };
  return { title: `Table 2: initialisation${suffix}`, blocks: [block] };
}

/** Table 3: who augments. */
export function augmentationSection(group: RunGroup, suffix: string): Section | undefined {
  const table = tabulate(group, aspects.augmentation);
  if (!table) return undefined;
  const paper = nearestPaperModel(group.model);
  const theirs = Object.entries(paperTable3[paper]).flatMap(([name, row]) =>
    paperRow(name, row, table.datasets),
  );
  const rows = [...rowsOf(table, "augmentation", group.runs[0]!), ...theirs];
  const block: Block = {
    kind: "table",
    caption: "Table 3: who writes questions and rewrites",
    head: headOf(table, "augmented by"),
    rows,
    note: noteOf(group),
  };
  return { title: `Table 3: augmentation${suffix}`, blocks: [block] };
}

/** Figure 3: what of the augmentation matters. */
export function ablationSection(group: RunGroup, suffix: string): Section | undefined {
  const table = tabulate(group, aspects.ablation);
  if (!table) return undefined;
  const named = Object.values(ablationNames).filter((name) => table.labels.includes(name));
  const order = [...new Set([...named, ...table.labels])];
  const sorted = { ...table, labels: order };
  const series = order.map((name) => ({
    name,
    values: table.datasets.map((dataset) => {
      const scores = table.scores(name, dataset);
      return scores.length ? 100 * mean(scores) : undefined;
    }),
  }));
  return {
    title: `Figure 3: parts of the augmentation${suffix}`,
    blocks: [
      {
        kind: "figure",
        name: "figure-3",
        svg: barChart(table.datasets, series, {
          title: "F1 of P-RAG by part of the augmentation",
          y: "F1 (%)",
        }),
        caption: "F1 of P-RAG by what it is trained on.",
      },
      {
        kind: "table",
        caption: "Figure 3 in numbers",
        head: headOf(sorted, "trained on"),
        rows: rowsOf(sorted, "ablation", group.runs[0]!),
        note: noteOf(group),
      },
      { kind: "text", text: `The paper prints no numbers here; its order is ${paperFigure3}.` },
    ],
  };
}
