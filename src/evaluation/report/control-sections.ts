import type { SimilarityReport } from "../controls.ts";
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
import { comparisonCells } from "./comparisons.ts";
import { lineChart, type Point, type Series } from "./plot.ts";
import {
  type Answers,
  commonIds,
  compareMethods,
  estimate,
  f1Of,
  type ReportRun,
  type RunGroup,
} from "./runs.ts";
import { differences, numbered } from "./settings.ts";

/** `prag:k4`: a method with another number of passages. */
const passagesOf = /^([a-z-]+):k(\d+)$/;

/** Controls: what is left when the adapters are not those of the retrieved passages, or retrieval makes no mistake. */
export function controlSection(group: RunGroup, suffix: string): Section | undefined {
  const blocks = group.runs.flatMap((run): Block[] => {
    const rows = controlRows(run);
    if (rows.length === 0) return [];
    return [
      {
        kind: "table",
        caption: `${captionOf(run)}: controls against their method`,
        head: [
          "control",
          "F1",
          "method itself",
          "questions",
          "difference",
          "p (bootstrap)",
          "p (t-test)",
          "wins / ties / losses",
        ],
        rows,
        note: "shuffled: every passage has the adapter of another; irrelevant: adapters of passages that have nothing to do with the question; oracle: the passages that the dataset names; k1: the first passage alone.",
      },
    ];
  });
  return blocks.length ? { title: `Controls${suffix}`, blocks } : undefined;
}

/** A column's label tells how it differs; another run is known by its variant. */
function captionOf({ label, dataset, variant }: ReportRun): string {
  return label === dataset && variant !== undefined ? `${label} (${variant})` : label;
}

/** Controls of a run that have an answer: methods with another setting, but for those of a sweep. */
export function controlsOf(run: ReportRun): string[] {
  const isInSweep = (id: string) => passagesOf.test(id) && (!id.endsWith(":k1") || hasSweep(run));
  return [...run.byMethod]
    .flatMap(([id, { size }]) => (size && id.includes(":") && !isInSweep(id) ? [id] : []))
    .sort(compareMethods);
}

function controlRows(run: ReportRun): TableRow[] {
  return controlsOf(run).map((id): TableRow => {
    const base = id.split(":")[0]!;
    const [own, plain] = [run.byMethod.get(id)!, run.byMethod.get(base)];
    const { mean: value, ...interval } = estimate(f1Of(own, [...own.keys()]), `${run.name}/${id}`, run);
    const ids = commonIds([own, plain]);
    const compared = plain && ids.length > 1 ? comparisonCells(run, [id, base], ids) : [];
    return {
      cells: [
        text(id),
        { text: percent(value), detail: percentInterval(interval) },
        plain && ids.length ? text(percent(mean(f1Of(plain, ids)))) : nothing,
        ...compared,
      ],
    };
  });
}

/** Whether a run asks with many numbers of passages. */
export function hasSweep(run: ReportRun): boolean {
  return [...run.byMethod.keys()].filter((id) => passagesOf.test(id)).length > 2;
}

interface Curve {
  /** The method, and how its run differs from the others of the sweep. */
  name: string;
  run: ReportRun;
  /** By number of passages. */
  answers: Map<number, Answers>;
}

/** k = 1 … 10: quality, prompt and time by the number of passages, with and without negatives in training. */
export function sweepSection(group: RunGroup, suffix: string): Section | undefined {
  const datasets = [...new Set(group.runs.filter(hasSweep).map((run) => run.dataset))];
  if (datasets.length === 0) return undefined;
  const blocks = datasets.flatMap((dataset) => {
    const runs = group.runs.filter((run) => run.dataset === dataset && hasSweep(run));
    return sweepBlocks(dataset, curvesOf(runs), runs);
  });
  return { title: `More passages${suffix}`, blocks };
}

function curvesOf(runs: readonly ReportRun[]): Curve[] {
  const names = namesInSweep(runs);
  return runs.flatMap((run, i) => {
    const label = names[i] ? `, ${names[i]}` : "";
    const curves = new Map<string, Map<number, Answers>>();
    for (const [id, answers] of run.byMethod) {
      const [, method, k] = passagesOf.exec(id) ?? [];
      if (method === undefined || !answers.size) continue;
      curves.set(method, (curves.get(method) ?? new Map<number, Answers>()).set(Number(k), answers));
    }
    return [...curves]
      .sort(([a], [b]) => compareMethods(a, b))
      .map(([method, answers]) => ({
        name: `${method}${label}`,
        run,
        answers: new Map([...answers].sort(([a], [b]) => a - b)),
      }));
  });
}

/** What runs of one sweep are told apart by, each by a name of its own: the variant, or the settings that differ; nothing for the first. */
function namesInSweep(runs: readonly ReportRun[]): string[] {
  const isNamed = ({ variant }: ReportRun) => runs.length > 1 && variant !== undefined && variant !== "sweep";
  const first = runs.find((run) => !isNamed(run));
  return numbered(
    runs.map((run) => {
      if (isNamed(run)) return run.variant!.replace(/^sweep-/, "");
      return run === first ? "" : differences(run, first!);
    }),
  );
}

function sweepBlocks(dataset: string, curves: readonly Curve[], runs: readonly ReportRun[]): Block[] {
  const series = (value: (answers: Answers, curve: Curve, seed: string) => Omit<Point, "x">) =>
    curves.map((curve) => ({
      name: curve.name,
      points: [...curve.answers].map(([x, own]) => ({
        x,
        ...value(own, curve, `${dataset}/${curve.name}/${x}`),
      })),
    }));
  const quality = series((answers, { run }, seed) => {
    const { mean: y, low, high } = estimate(f1Of(answers, [...answers.keys()]), seed, run);
    return { y: 100 * y, low: 100 * low, high: 100 * high };
  });
  const done = (answers: Answers) => [...answers.values()].filter(({ error }) => !error);
  const tokens = series((answers) => ({ y: mean(done(answers).map(({ promptTokens }) => promptTokens)) }));
  const times = series((answers) => ({
    y: mean(done(answers).flatMap(({ timings }) => timings?.totalMs ?? [])),
  }));
  // Several questions at a time share decode steps: their times are nobody's.
  const isTimed = runs.every(({ config }) => config.answering.inFlight === 1);
  const x = "passages (k)";
  const figure = (name: string, y: string, shown: typeof quality): Block => ({
    kind: "figure",
    name: `${dataset}-sweep-${name}`,
    svg: lineChart(shown, { title: `${dataset}: ${y} by ${x}`, x, y }),
    caption: `${dataset}: ${y} by number of passages.`,
  });
  return [
    figure("f1", "F1 (%)", quality),
    figure("prompt-tokens", "prompt tokens", tokens),
    ...(isTimed ? [figure("latency", "milliseconds per question", times)] : []),
    sweepTable(dataset, quality),
  ];
}

function sweepTable(dataset: string, curves: readonly Series[]): Block {
  const numbers = [...new Set(curves.flatMap(({ points }) => points.map(({ x }) => x)))].sort(
    (a, b) => a - b,
  );
  const cellOf = (point: Point | undefined): Cell =>
    point
      ? { text: point.y.toFixed(1), detail: `${point.low?.toFixed(1)} – ${point.high?.toFixed(1)}` }
      : nothing;
  return {
    kind: "table",
    caption: `${dataset}: F1 by number of passages`,
    head: ["method", ...numbers.map((k) => `k = ${k}`)],
    rows: curves.map(({ name, points }) => ({
      cells: [text(name), ...numbers.map((k) => cellOf(points.find((one) => one.x === k)))],
    })),
  };
}

/** Whether adapters of different documents are different. */
export function similaritySection(reports: readonly SimilarityReport[]): Section | undefined {
  if (reports.length === 0) return undefined;
  const head = ["adapters", "pairs", "mean cosine", "p5", "p50", "p95"];
  const row = (name: string, { pairs, mean: value, p5, p50, p95 }: SimilarityReport["within"]): TableRow => ({
    cells: [
      text(name),
      text(pairs),
      ...(pairs
        ? [value, p5, p50, p95].map((one) => text(one.toFixed(3)))
        : [nothing, nothing, nothing, nothing]),
    ],
  });
  return {
    title: "Are adapters different?",
    blocks: reports.map(
      ({ name, adapters, within, between, meanNorm }): Block => ({
        kind: "table",
        caption: `${name}: cosine of the deltas of ${adapters} adapters (mean norm ${meanNorm.toFixed(3)})`,
        head,
        rows: [row("of one document", within), row("of two documents", between)],
        note: "1: the same direction; 0: nothing in common. If adapters of two documents were alike, they would hold the form of answers rather than facts.",
      }),
    ),
  };
}
