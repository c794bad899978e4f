import { Random } from "../../base/random.ts";
import { nearestPaperModel, numberIn, paperDataset, paperTable1 } from "../paper-numbers.ts";
import { pairedBootstrap, pairedTTest } from "../statistics.ts";
import { type Cell, nothing, points, probability, type Section, text } from "./blocks.ts";
import { type Answers, commonIds, f1Of, isDrawnByType, type ReportRun, type RunGroup } from "./runs.ts";

/** The comparisons that the paper draws, on the same questions. */
const orderings = [
  ["prag", "closed-book"],
  ["prag", "standard-rag"],
  ["prag", "da-rag"],
  ["prag", "flare"],
  ["prag", "dragin"],
  ["combine", "standard-rag"],
  ["combine", "prag"],
] as const;

/** Which of the paper's orderings hold here. */
export function orderingSection(group: RunGroup, suffix: string): Section {
  const paper = nearestPaperModel(group.model);
  const rows = group.columns.flatMap((run) =>
    orderings.flatMap(([a, b]) => {
      const [left, right] = [run.byMethod.get(a), run.byMethod.get(b)];
      const ids = commonIds([left, right]);
      if (!left || !right || ids.length < 2) return [];
      const theirs = isDrawnByType(run) ? nothing : paperDifference(paper, paperDataset(run.dataset), [a, b]);
      return [{ cells: [text(`${run.label}: ${a} − ${b}`), ...comparisonCells(run, [a, b], ids), theirs] }];
    }),
  );
  return {
    title: `Orderings${suffix}`,
    blocks: [
      {
        kind: "table",
        caption: "Differences of F1 in points, on the questions that both methods answered",
        head: [
          "comparison",
          "questions",
          "difference",
          "p (bootstrap)",
          "p (t-test)",
          "wins / ties / losses",
          `paper (${paper})`,
        ],
        rows,
        note: "Small: 95 % interval of the paired bootstrap. An interval that contains 0 tells nothing about the order.",
      },
    ],
  };
}

/** Number of questions, difference with its interval, both p-values, and how often the first is better. */
export function comparisonCells(
  run: ReportRun,
  [a, b]: readonly [string, string],
  ids: readonly string[],
): Cell[] {
  return differenceCells([run.byMethod.get(a)!, run.byMethod.get(b)!], ids, {
    seed: `${run.name}/${a}/${b}`,
    rounds: run.rounds,
  });
}

/** The same for answers of any two runs. */
export function differenceCells(
  [left, right]: readonly [Answers, Answers],
  ids: readonly string[],
  { seed, rounds }: { seed: string; rounds: number },
): Cell[] {
  const [x, y] = [f1Of(left, ids), f1Of(right, ids)];
  const { difference, interval, p } = pairedBootstrap(x, y, { random: new Random(`report/${seed}`), rounds });
  const wins = x.filter((value, i) => value > y[i]!).length;
  const losses = x.filter((value, i) => value < y[i]!).length;
  return [
    text(ids.length),
    { text: points(difference), detail: `${points(interval.low)} to ${points(interval.high)}` },
    text(probability(p)),
    text(probability(pairedTTest(x, y).p)),
    text(`${wins} / ${ids.length - wins - losses} / ${losses}`),
  ];
}

function paperDifference(
  paper: keyof typeof paperTable1,
  dataset: string,
  [a, b]: readonly [string, string],
): Cell {
  const [x, y] = [numberIn(paperTable1[paper][a], dataset), numberIn(paperTable1[paper][b], dataset)];
  return x === undefined || y === undefined ? nothing : text(points(x - y));
}
