import { numberIn, type PaperRow, paperDataset, paperTable4 } from "../paper-numbers.ts";
import { effortRow, retrievalRow, scoreRow } from "../summarise-run.ts";
import { mean, percentile } from "../summary.ts";
import {
  type Block,
  type Cell,
  duration,
  nothing,
  percent,
  type Section,
  type TableRow,
  text,
} from "./blocks.ts";
import { plainMethods, tradeOffBlocks } from "./main-tables.ts";
import { type Answers, answeredIds, isComplete, type ReportRun, type RunGroup } from "./runs.ts";

/** Table 4: time per question, one question at a time. */
export function timeSection(group: RunGroup, suffix: string): Section {
  const runs = group.columns.map((column) =>
    group.main.includes(column) ? timedRun(group, column) : column,
  );
  const timed = runs.filter((run) => run.config.answering.inFlight === 1);
  const left = runs.filter((run) => !timed.includes(run)).map(({ name }) => name);
  const why = `Not timed: ${left.join(", ")}; several questions shared decode steps there.`;
  const blocks: Block[] = timed.map(timeTable);
  return {
    title: `Table 4: time${suffix}`,
    blocks: left.length ? [...blocks, { kind: "text", text: why }] : blocks,
  };
}

/** A dataset's run that was made for timing, else its main run. */
export function timedRun(group: RunGroup, main: ReportRun): ReportRun {
  const made = group.runs.find((run) => run.dataset === main.dataset && run.variant === "table4");
  return made ?? main;
}

interface Times {
  /** Mean milliseconds, without loading and merging. */
  answer: number;
  /** Of loading and merging. */
  update: number;
  totals: number[];
}

function timesOf(answers: Answers, ids: readonly string[] = [...answers.keys()]): Times {
  const timings = ids.flatMap((id) => answers.get(id)?.timings ?? []);
  const update = mean(timings.map(({ loadMs, mergeMs }) => loadMs + mergeMs));
  const totals = timings.map(({ totalMs }) => totalMs);
  return { answer: mean(totals) - update, update, totals };
}

function timeTable(run: ReportRun): Block {
  const paperHead = paperSeconds("standard-rag", paperDataset(run.dataset)).length
    ? ["paper, 8B (s)", "paper, 8B (×)"]
    : [];
  return {
    kind: "table",
    caption: `Table 4, ${run.label}: time per question`,
    head: [
      "method",
      "questions",
      "answer",
      "load and merge",
      "p50",
      "p95",
      "speed-up",
      "with loading",
      ...paperHead,
    ],
    rows: timeRows(run),
    note: `Means but for p50 and p95, which include loading and merging. Speed-up against standard RAG, by the questions that both answered; the paper's, computed from its seconds, leaves loading and merging (${paperTable4.updateSeconds} s) out, as the first column does.`,
  };
}

function timeRows(run: ReportRun): TableRow[] {
  const speedUps = (name: string): Cell[] => {
    const [base, own] = [run.byMethod.get("standard-rag"), run.byMethod.get(name)];
    if (!base || !own || ![name, "standard-rag"].every((one) => isComplete(run, one)))
      return [nothing, nothing];
    const ids = answeredIds([own, base]);
    const [{ answer, update }, before] = [timesOf(own, ids), timesOf(base, ids)];
    const detail = ids.length < run.questions.length ? { detail: `${ids.length} questions` } : {};
    return [answer, answer + update].map((ms) =>
      ms > 0 ? { ...text(`${((before.answer + before.update) / ms).toFixed(2)} ×`), ...detail } : nothing,
    );
  };
  return plainMethods(run).map((name): TableRow => {
    const { answer, update, totals } = timesOf(run.byMethod.get(name)!);
    const theirs = paperSeconds(name, paperDataset(run.dataset));
    return {
      cells: [
        text(name),
        text(totals.length),
        totals.length ? text(duration(answer)) : nothing,
        update > 0 ? text(`+${duration(update)}`) : nothing,
        ...[0.5, 0.95].map((share) => (totals.length ? text(duration(percentile(totals, share))) : nothing)),
        ...speedUps(name),
        ...theirs,
      ],
    };
  });
}

function paperSeconds(method: string, dataset: string): Cell[] {
  const rows = new Map<string, PaperRow>(Object.entries(paperTable4.seconds));
  const baseline = numberIn(rows.get("standard-rag"), dataset);
  if (baseline === undefined) return [];
  const seconds = numberIn(rows.get(method), dataset);
  return seconds === undefined
    ? [nothing, nothing]
    : [text(seconds.toFixed(2)), text((baseline / seconds).toFixed(2))];
}

/** How often the answer can be found at all: the ceiling of every method that retrieves. */
export function retrievalSection(group: RunGroup, suffix: string): Section {
  return {
    title: `What can be found${suffix}`,
    blocks: [
      {
        kind: "table",
        caption:
          "Share of questions whose answer stands in the corpus, and in the passages that retrieval finds (per cent)",
        head: [
          "dataset",
          "questions",
          "passages",
          "in corpus",
          "in corpus, open",
          "in top 1",
          "in top 3",
          "in top 10",
          "support in top 3",
        ],
        rows: group.columns.map(retrievalCells),
        note: "“Open” and the top columns leave yes-or-no questions out, since “yes” stands everywhere. A text that contains the answer need not support it. “Support” is the mean share of the passages that the dataset names.",
      },
    ],
  };
}

function retrievalCells(run: ReportRun): TableRow {
  const { questions, answerInCorpus, answerInCorpusOpen, answerRecall, supportRecall } = retrievalRow(
    run.questions,
  );
  return {
    cells: [
      text(run.label),
      text(questions),
      text(run.config.corpus?.passages.toLocaleString("en") ?? "none"),
      ...[
        answerInCorpus,
        answerInCorpusOpen,
        answerRecall["1"],
        answerRecall["3"],
        answerRecall["10"],
        supportRecall["3"],
      ].map((share) => (share == null ? nothing : text(percent(share)))),
    ],
  };
}

/** Every number of every method, and quality against cost. */
export function detailSection(group: RunGroup, suffix: string): Section {
  const runs = group.columns;
  return {
    title: `Scores and costs${suffix}`,
    blocks: runs.flatMap((run) => [detailTable(run), ...costBlocks(run), ...tradeOffBlocks(run)]),
  };
}

function detailTable(run: ReportRun): Block {
  return {
    kind: "table",
    caption: `${run.label}: all scores`,
    head: [
      "method",
      "questions",
      "EM",
      "F1",
      "precision",
      "recall",
      "lenient F1",
      "answer in text",
      "prompt tokens",
      "generated",
      "rounds",
      "failed",
      "no adapter",
    ],
    rows: detailRows(run),
    note: "Scores in per cent over all questions; a question that failed (its prompt did not fit the model) counts as wrong. “Lenient” cuts the answer so that dates, numbers and initials stay whole. “No adapter”: retrieved passages for which none was there.",
  };
}

function detailRows(run: ReportRun): TableRow[] {
  return [...run.byMethod].flatMap(([name, answers]): TableRow[] => {
    if (answers.size === 0) return [];
    const records = [...answers.values()];
    const { questions, em, f1, precision, recall, lenient, answerPresence, ...failures } = scoreRow(records);
    const { promptTokens, generatedTokens, rounds, fallbacks } = effortRow(records);
    const failed = failures.tooLong + failures.failed;
    const effort = (value: number, digits = 0) =>
      failed < questions ? text(value.toFixed(digits)) : nothing;
    return [
      {
        cells: [
          text(name),
          text(questions),
          ...[em, f1, precision, recall, lenient.f1, answerPresence].map((share) => text(percent(share))),
          effort(promptTokens),
          effort(generatedTokens),
          effort(rounds, 2),
          text(failed),
          text(fallbacks),
        ],
      },
    ];
  });
}

/** What adapters cost, from the run's own summary. */
function costBlocks({ label, summary, questions }: ReportRun): Block[] {
  const cost = summary?.cost;
  if (!cost) return [];
  const number = (value: number, digits: number) =>
    value.toLocaleString("en", { maximumFractionDigits: digits });
  const { encodeSecondsPerPassage, trainingTokensPerPassage, comparedQuestions = questions.length } = cost;
  const seconds =
    encodeSecondsPerPassage === null ? "an unknown time" : `${number(encodeSecondsPerPassage, 2)} s`;
  const tokens =
    trainingTokensPerPassage === null
      ? "an unknown number of tokens"
      : `${number(trainingTokensPerPassage, 0)} tokens`;
  const where =
    comparedQuestions < questions.length
      ? ` Both are compared by the ${comparedQuestions} of ${questions.length} questions that both answered.`
      : "";
  const payOff = (value: number | null) => (value === null ? "unknown or never" : number(value, 1));
  return [
    {
      kind: "text",
      text:
        `${label}: ${cost.adapters} adapters of ${number(cost.bytesPerAdapter / 1000, 1)} kB each; encoding a passage took ${seconds} and ${tokens}. ` +
        `P-RAG pays off after ${payOff(cost.breakEvenByTokens)} questions per passage by arithmetic (training 4P a token, prompts 2P), after ${payOff(cost.breakEvenBySeconds)} by the clock of this machine (known where questions were asked one at a time).${where}`,
    },
  ];
}
