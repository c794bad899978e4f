import { longBenchTaskOf, memoragNumbersOf } from "../longbench.ts";
import { mean } from "../summary.ts";
import { type Block, type Cell, nothing, percent, percentInterval, type Section, text } from "./blocks.ts";
import { comparisonCells } from "./comparisons.ts";
import { commonIds, estimate, f1Of, type ReportRun, type RunGroup } from "./runs.ts";

/** MemoRAG and its baselines on questions about long texts, with the published numbers beside them. */
export function longTextSection(group: RunGroup, suffix: string): Section {
  const runs = group.columns;
  const methods = [...new Set(runs.flatMap((run) => [...run.byMethod.keys()]))];
  return {
    title: `Long texts: MemoRAG and its baselines${suffix}`,
    blocks: [scoreTable(runs, methods), differenceTable(runs, methods)],
  };
}

function scoreTable(runs: readonly ReportRun[], methods: readonly string[]): Block {
  const columns = runs.map((run) => {
    const ids = commonIds([...run.byMethod.values()].filter(({ size }) => size > 0));
    const scores = methods.map((name) => f1Of(run.byMethod.get(name) ?? new Map(), ids));
    const best = Math.max(...scores.map((own) => (own.length ? mean(own) : -1)));
    return scores.map((own, i): Cell => {
      if (own.length === 0) return nothing;
      const { mean: value, ...interval } = estimate(own, `${run.name}/long/${methods[i]}`, run);
      return { text: percent(value), detail: percentInterval(interval), isBest: value === best };
    });
  });
  const published = ["full context", "retrieval (BGE-M3)", "MemoRAG"].map((name, i) => ({
    isPaper: true,
    cells: [
      text(`published: ${name}`),
      ...runs.map(({ config: { dataset } }) => {
        const number = memoragNumbersOf(dataset.name)[i];
        return number === undefined ? nothing : text(number.toFixed(1));
      }),
    ],
  }));
  const isAnyPublished = runs.some(({ config: { dataset } }) => memoragNumbersOf(dataset.name).length);
  return {
    kind: "table",
    caption: "Scores by method and dataset: F1, or ROUGE-L of summaries",
    head: ["method", ...runs.map(headOf)],
    rows: [
      ...methods.map((name, row) => ({ cells: [text(name), ...columns.map((column) => column[row]!)] })),
      ...(isAnyPublished ? published : []),
    ],
    note: "In per cent, small: 95 % interval of the bootstrap; only questions that all methods have answered. Best of a column in bold. In italics: MemoRAG's published numbers with Llama3-8B-8K as the generator, on whole datasets.",
  };
}

function headOf({ label, config: { dataset }, questions }: ReportRun): string {
  const metric = longBenchTaskOf(dataset.name)?.metric === "rouge-l" ? "ROUGE-L" : "F1";
  return `${label} (${metric}, ${questions.length})`;
}

function differenceTable(runs: readonly ReportRun[], methods: readonly string[]): Block {
  const rows = runs.flatMap((run) =>
    methods
      .filter((name) => name !== "memorag")
      .flatMap((name) => {
        const ids = commonIds([run.byMethod.get("memorag"), run.byMethod.get(name)]);
        if (!run.byMethod.has(name) || ids.length < 2) return [];
        const label = text(`${run.label}: memorag − ${name}`);
        return [{ cells: [label, ...comparisonCells(run, ["memorag", name], ids)] }];
      }),
  );
  return {
    kind: "table",
    caption: "Differences in points, on the same questions",
    head: ["comparison", "questions", "difference", "p (bootstrap)", "p (t-test)", "wins / ties / losses"],
    rows,
    note: "Small: 95 % interval of the paired bootstrap. An interval that contains 0 tells nothing about the order.",
  };
}
