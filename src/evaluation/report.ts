import { join } from "node:path";
import { InputError } from "../base/errors.ts";
import { readJsonIfPresent, writeAtomic } from "../base/files.ts";
import { type SimilarityReport, similarityFile, similaritySchema } from "./controls.ts";
import type { ReportDocument, Section } from "./report/blocks.ts";
import { chooseColumns } from "./report/columns.ts";
import { orderingSection } from "./report/comparisons.ts";
import { controlSection, similaritySection, sweepSection } from "./report/control-sections.ts";
import { detailSection, retrievalSection, timeSection } from "./report/cost-tables.ts";
import { exampleSection } from "./report/example-sections.ts";
import { groupRuns, nameDatasets } from "./report/groups.ts";
import { writeHtml } from "./report/html.ts";
import { longTextSection } from "./report/long-texts.ts";
import { mainSection } from "./report/main-tables.ts";
import { figureFile, writeMarkdown } from "./report/markdown.ts";
import { lineChart, standaloneSvg } from "./report/plot.ts";
import { createReportRun, isLong, type ReportRun, type RunGroup } from "./report/runs.ts";
import { settingsSection } from "./report/settings.ts";
import { ablationSection, augmentationSection, startSection } from "./report/variant-tables.ts";
import { type LoadedRun, loadRun } from "./run-folder.ts";
import { mean } from "./summary.ts";

/** Datasets whose texts may be shown when nothing else is said: the package's own. */
export const shareableDatasets: readonly string[] = ["atlas"];

export interface ReportOptions {
  title?: string | undefined;
  /** Datasets whose questions and answers may be shown; of others ids, hashes and scores alone. */
  shareable?: readonly string[] | undefined;
  /** Of the bootstrap. */
  rounds?: number | undefined;
}

/** A report as files: `report.html` stands alone, `report.md` has its figures beside it. */
export interface Report {
  html: string;
  markdown: string;
  /** File name beside the Markdown → SVG. */
  figures: Map<string, string>;
}

/** Reads runs and writes the report into a folder; returns the paths written. */
export async function writeReport(
  folders: readonly string[],
  out: string,
  options: ReportOptions = {},
): Promise<string[]> {
  const runs: LoadedRun[] = [];
  const similarities: SimilarityReport[] = [];
  for (const folder of folders) {
    runs.push(await loadRun(folder));
    const found = await readJsonIfPresent(join(folder, similarityFile), similaritySchema);
    if (found) similarities.push(found);
  }
  const { html, markdown, figures } = createReport(runs, { ...options, similarities });
  const files = new Map([["report.html", html], ["report.md", markdown], ...figures]);
  for (const [name, content] of files) await writeAtomic(join(out, name), content);
  return [...files.keys()].map((name) => join(out, name));
}

/** Draws how the loss of a training fell: each point is the mean of a hundredth of the updates. */
export async function writeLossCurve(folder: string, losses: readonly number[]): Promise<void> {
  const width = Math.max(1, Math.ceil(losses.length / 100));
  const points = Array.from({ length: Math.ceil(losses.length / width) }, (_, i) => {
    const some = losses.slice(i * width, (i + 1) * width);
    return { x: i * width + some.length, y: mean(some) };
  });
  const axes = { title: "Loss by update", x: `updates (means of ${width})`, y: "loss" };
  await writeAtomic(join(folder, "loss.svg"), standaloneSvg(lineChart([{ name: "loss", points }], axes)));
}

/** One report over many runs. Equal runs give equal bytes. */
export function createReport(
  loaded: readonly LoadedRun[],
  {
    title = "Parametric RAG: results",
    shareable = shareableDatasets,
    rounds = 10_000,
    similarities = [],
  }: ReportOptions & { similarities?: readonly SimilarityReport[] } = {},
): Report {
  const runs = nameDatasets(loaded.map((run) => createReportRun(run, rounds)));
  if (!runs.some(({ records }) => records.length))
    throw new InputError(`none of ${runs.length} runs has an answer yet; run "prag eval" first`);
  const groups = groupRuns(runs).map(chooseColumns);
  const sections = groups.flatMap((group, i) => {
    const suffix = groups.length > 1 ? ` (${group.model}, compat ${group.compat})` : "";
    const own = sectionsOf(group, suffix, new Set(shareable));
    return i === 0 ? own : own.map((section) => renameFigures(section, i + 1));
  });
  const document: ReportDocument = {
    title,
    lead: leadOf(
      runs,
      groups.flatMap(({ left }) => left),
    ),
    sections: nameFigures([
      ...sections,
      ...present([similaritySection(similarities)]),
      settingsSection(runs),
    ]),
  };
  const figures = document.sections
    .flatMap(({ blocks }) => blocks)
    .flatMap((block): [string, string][] =>
      block.kind === "figure" ? [[figureFile(block.name), standaloneSvg(block.svg)]] : [],
    );
  return { html: writeHtml(document), markdown: writeMarkdown(document), figures: new Map(figures) };
}

function sectionsOf(group: RunGroup, suffix: string, shareable: ReadonlySet<string>): Section[] {
  const [own, long] = [some(group, (run) => !isLong(run)), some(group, isLong)];
  return present([
    ...(own.runs.length ? sectionsOfPaper(own, suffix) : []),
    ...(long.runs.length ? [longTextSection(long, suffix)] : []),
    detailSection(group, suffix),
    exampleSection(group, suffix, shareable),
  ]);
}

function sectionsOfPaper(group: RunGroup, suffix: string): (Section | undefined)[] {
  return [
    mainSection(group, suffix),
    orderingSection(group, suffix),
    retrievalSection(group, suffix),
    startSection(group, suffix),
    augmentationSection(group, suffix),
    ablationSection(group, suffix),
    timeSection(group, suffix),
    controlSection(group, suffix),
    sweepSection(group, suffix),
  ];
}

function some(group: RunGroup, isWanted: (run: ReportRun) => boolean): RunGroup {
  return {
    ...group,
    runs: group.runs.filter(isWanted),
    main: group.main.filter(isWanted),
    columns: group.columns.filter(isWanted),
  };
}

/** Figures of several groups lie in one folder. */
function renameFigures(section: Section, group: number): Section {
  const blocks = section.blocks.map((block) =>
    block.kind === "figure" ? { ...block, name: `${block.name}-${group}` } : block,
  );
  return { ...section, blocks };
}

/** A figure whose file another one has already gets a number. */
function nameFigures(sections: readonly Section[]): Section[] {
  const taken = new Set<string>();
  const nameOf = (wanted: string) => {
    let name = wanted;
    // Some file systems hold capitals and small letters for the same.
    for (let i = 2; taken.has(figureFile(name).toLowerCase()); i++) name = `${wanted.slice(0, 100)}-${i}`;
    taken.add(figureFile(name).toLowerCase());
    return name;
  };
  return sections.map((section) => ({
    ...section,
    blocks: section.blocks.map((block) =>
      block.kind === "figure" ? { ...block, name: nameOf(block.name) } : block,
    ),
  }));
}

function present(sections: readonly (Section | undefined)[]): Section[] {
  return sections.flatMap((section) => section ?? []);
}

function leadOf(runs: readonly ReportRun[], left: readonly string[]): string[] {
  const unfinished = runs.filter((run) => !isFinished(run)).map(({ name }) => name);
  const compat = [...new Set(runs.map(({ config }) => config.compat))];
  const answers = runs.reduce((total, { records }) => total + records.length, 0);
  const models = [...new Set(runs.map(({ config }) => config.model.name))].join(", ");
  const how = compat.map((one) =>
    one === "reference"
      ? "as the paper's code does (compat reference)"
      : "by the project's own choices (compat none)",
  );
  return [
    `${answers.toLocaleString("en")} answers in ${runs.length} runs; model ${models}; ${how.join(" and ")}. Scores are primary where the answer is cut as the paper's code cuts it.`,
    ...(unfinished.length
      ? [`Not finished: ${unfinished.join(", ")}. Their numbers are of the questions answered so far.`]
      : []),
    ...(left.length ? [`In no table: ${left.join(", ")}.`] : []),
  ];
}

/** Whether all questions are answered by all methods; the summary may be older than the records. */
function isFinished({ config, byMethod }: ReportRun): boolean {
  return config.methods.every(({ id }) => (byMethod.get(id)?.size ?? 0) >= config.dataset.questions);
}
