import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Argument, type Command } from "commander";
import { NotFoundError } from "../../base/errors.ts";
import type { EngineSettings } from "../../engine/config.ts";
import { methodNames } from "../../engine/create-method.ts";
import { writeReport } from "../../evaluation/report.ts";
import { estimateRuns, type RunEstimate } from "../estimate-reproduce.ts";
import { count, formatDuration } from "../format.ts";
import { addExamples, nameList, readGlobalOptions, readOptions, wholeNumber } from "../options.ts";
import { checkOptions, type ReproduceOptions, reproduceOptions } from "../reproduce-options.ts";
import { longMethods, planRuns, type ReproduceRun, type Target, targets } from "../reproduce-plan.ts";
import { type EvalSet, findLongSets, findSets, setNames, setsLackingTexts } from "../reproduce-sets.ts";
import type { EvalReport } from "../run-eval.ts";
import { doRun, type ReproduceContext, warmUpFor } from "../run-reproduce.ts";
import { loadCommandConfig, type Shell, type Speech, speechOf } from "../shell.ts";
import { formatTable } from "../terminal.ts";

/** `prag reproduce`: a table or figure of the paper in one command. */
export function addReproduce(program: Command, shell: Shell): void {
  const command = program
    .command("reproduce")
    .description(
      "Run what a table or figure of the paper needs (or the controls and the sweep that it lacks), and write the report with the paper's numbers beside ours. Interrupted, the same command goes on. The example corpus is always among the datasets, unless --sets leaves it out.",
    )
    .addArgument(new Argument("<target>", "what to reproduce").choices(targets))
    .option("--data <folder>", "with the published files of the datasets or JSONL, and a corpus")
    .option(
      "--sets <names>",
      `which datasets, of ${setNames.join(", ")}; for memorag, names of files in LongBench's layout (default: all that are found)`,
      nameList,
    )
    .option(
      "--sample <count>",
      "the first questions of each dataset (default: 300 for table1; 50 for table4, sweep and memorag; else 100; of the atlas all, 50 for table4)",
      wholeNumber,
    )
    .option(
      "--methods <names>",
      `for tables 1 and 4, of ${methodNames.join(", ")}; for memorag, of ${longMethods.join(", ")} (default: all)`,
      nameList,
    )
    .option("--out <folder>", "where runs and reports go, a folder for each target", "runs")
    .option("--cot", "reason step by step, then answer")
    .option("--shots <count>", "worked examples in the prompt", wholeNumber)
    .option("--limit <count>", "passages to retrieve (default: 3)", wholeNumber)
    .option("--max-words <count>", "words of a passage of the corpus, at most (default: 100)", wholeNumber)
    .option(
      "--in-flight <count>",
      "questions at a time, but for table 4 and memorag (default: 1)",
      wholeNumber,
    )
    .option("--seed <number>", "of samples, controls and statistics", wholeNumber, 42)
    .option("--init-adapter <folder>", "table 2: the start that prag warmup wrote")
    .option("--warm-data <file>", "table 2: questions to warm up on, in place of --init-adapter")
    .option("--warm-count <pairs>", "of them, drawn by the seed (default: 2000)", wholeNumber)
    .option("--augment-models <models>", "table 3: more models that augment, separated by commas", nameList)
    .option("--ratio <count>", "memorag: tokens to an entry of a memory (default: 8)", wholeNumber)
    .option("--memory-model <folder>", "memorag: memory weights (default: those of the model)")
    .option("--answer-model <model>", "memorag: another model answers, in all methods (default: the same)")
    .option("--plan", "say which runs, how many passages and about how long, and run nothing")
    .action((target: Target, _options: unknown, self: Command) => run(shell, self, target));
  addExamples(command, [
    "prag reproduce table1 --data ./data --plan",
    "prag reproduce table1 --model prag-mini --data ./data --out runs",
    "prag reproduce table2 --data ./data --warm-data train.jsonl",
    "prag reproduce controls --sets atlas",
    "prag reproduce memorag --data ./longbench --sets narrativeqa,qasper --sample 50",
  ]);
}

async function run(shell: Shell, command: Command, target: Target): Promise<void> {
  const options = readOptions(command, reproduceOptions);
  checkOptions(options, target);
  const context: ReproduceContext = {
    shell,
    command,
    settings: settingsOf(options),
    out: join(resolve(shell.cwd, options.out), target),
    seed: options.seed,
    inFlight: options.inFlight ?? 1,
  };
  const speech = speechOf(shell, readGlobalOptions(command));
  const runs = planRuns(target, await targetOptions(context, options, target));
  if (target === "memorag" && !runs.some(({ methods }) => methods.some(({ id }) => id.endsWith(":dense"))))
    speech.note("dense retrieval is not run: the settings name no embedder");
  if (options.plan) {
    const print = target === "memorag" ? printTextPlan : printPlan;
    return print(speech, await estimateRuns(context, runs));
  }
  const reports: EvalReport[] = [];
  for (const [i, one] of runs.entries()) {
    speech.note(`${target}, run ${i + 1} of ${runs.length}: ${one.name}`);
    reports.push(await doRun(context, one));
  }
  const files = await writeReport(
    runs.map(({ name }) => join(context.out, name)),
    join(context.out, "report"),
    { title: titles[target] },
  );
  printRuns(speech, { runs, reports, files });
}

const titles: Readonly<Record<Target, string>> = {
  table1: "Table 1: methods",
  table2: "Table 2: the start of adapters",
  table3: "Table 3: who augments",
  table4: "Table 4: time per question",
  figure3: "Figure 3: parts of the augmentation",
  controls: "Controls",
  sweep: "Number of passages, 1 to 10",
  memorag: "MemoRAG and its baselines on long texts",
};

function settingsOf(options: ReproduceOptions): EngineSettings {
  const { cot, shots, limit, maxWords, memoryModel, answerModel } = options;
  return {
    ...(memoryModel !== undefined && { memoryModel }),
    ...(answerModel !== undefined && { answerModel }),
    ...(cot !== undefined && { cot }),
    ...(shots !== undefined && { shots }),
    ...(limit !== undefined && { limit }),
    ...(maxWords !== undefined && { ingest: { maxWords } }),
  };
}

async function targetOptions(context: ReproduceContext, options: ReproduceOptions, target: Target) {
  const { shell, command, settings } = context;
  const { data, sets, sample, methods, augmentModels } = options;
  const full = (path: string) => resolve(shell.cwd, path);
  const { compat, embedder, model } = await loadCommandConfig(shell, {
    ...{ command, settings },
    ignoreRecorded: true,
  });
  const folder = data === undefined ? undefined : full(data);
  return {
    sets: await (target === "memorag" ? findLongSets(folder, sets) : findUsableSets(context, folder, sets)),
    ratio: options.ratio,
    hasEmbedder: embedder !== undefined,
    sample,
    methods,
    compat,
    model,
    augmentModels,
    warm: target === "table2" ? await startOf(context, options, full) : undefined,
  };
}

/** The datasets that can be asked; refused or left out now, not after hours, are those that lack a corpus. */
async function findUsableSets(
  { shell, command }: ReproduceContext,
  folder: string | undefined,
  wanted: readonly string[] | undefined,
): Promise<EvalSet[]> {
  const sets = await findSets(folder, wanted);
  const lacking = await setsLackingTexts(sets);
  const names = lacking.map(({ name }) => name).join(", ");
  const why = `${names}: the questions bring no texts along, and ${folder} has no corpus; put psgs_w100.tsv or JSONL named …passages… there`;
  if (lacking.some(({ name }) => wanted?.includes(name))) throw new NotFoundError(why);
  if (lacking.length) speechOf(shell, readGlobalOptions(command)).note(`left out: ${why}`);
  return sets.filter((set) => !lacking.includes(set));
}

/** Pairs that warm-up learns from, as in the paper's code. */
const usualWarmCount = 2000;

/** The folder of the start for table 2; a plan trains none. */
async function startOf(
  context: ReproduceContext,
  { initAdapter, warmData, warmCount = usualWarmCount, cot = false, plan }: ReproduceOptions,
  full: (path: string) => string,
): Promise<string | undefined> {
  if (initAdapter !== undefined) {
    if (!existsSync(full(initAdapter)))
      throw new NotFoundError(`--init-adapter: there is no folder ${full(initAdapter)}`);
    return full(initAdapter);
  }
  if (warmData === undefined) return undefined;
  return warmUpFor(context, { data: full(warmData), count: warmCount, chainOfThought: cot, isPlan: plan });
}

function printTextPlan({ print }: Speech, estimates: readonly RunEstimate[]): void {
  print({ runs: estimates }, () => {
    const head = ["run", "questions", "answers", "texts", "tokens", "memorizing", "answering"];
    const rows = estimates.map(({ texts, ...one }) => [
      one.name,
      one.questions,
      one.answers,
      texts?.count ?? 0,
      texts?.tokens ?? 0,
      formatDuration(one.encodeSeconds),
      formatDuration(one.answerSeconds),
    ]);
    const total = estimates.reduce((sum, one) => sum + one.encodeSeconds + one.answerSeconds, 0);
    return [
      ...formatTable([head, ...rows]),
      "",
      `about ${formatDuration(total)} in all, as measured just now on one question over the beginning of its text`,
    ];
  });
}

function printPlan({ print }: Speech, estimates: readonly RunEstimate[]): void {
  print({ runs: estimates }, () => {
    const total = estimates.reduce((sum, one) => sum + one.encodeSeconds + one.answerSeconds, 0);
    const head = ["run", "questions", "answers", "passages", "to encode", "encoding", "answering"];
    const rows = estimates.map((one) => [
      one.name,
      one.questions,
      one.answers,
      `${one.isExact ? "" : "≤ "}${one.passages}`,
      `${one.isExact ? "" : "≤ "}${one.toEncode}`,
      formatDuration(one.encodeSeconds),
      formatDuration(one.answerSeconds),
    ]);
    return [
      ...formatTable([head, ...rows]),
      "",
      `about ${formatDuration(total)} in all, as measured just now on the example corpus; passages that runs share are encoded once, but counted for each. Augmenting by a model comes on top.`,
    ];
  });
}

function printRuns(
  { print }: Speech,
  {
    runs,
    reports,
    files,
  }: { runs: readonly ReproduceRun[]; reports: readonly EvalReport[]; files: readonly string[] },
): void {
  const summaries = reports.map(({ folder, methods, isComplete }, i) => ({
    name: runs[i]!.name,
    folder,
    isComplete,
    methods: methods.map(({ name, questions, f1, em }) => ({ name, questions, f1, em })),
  }));
  print({ runs: summaries, files }, () => [
    ...formatTable([
      ["run", "method", "questions", "F1"],
      ...summaries.flatMap(({ name, methods }) =>
        methods.map((one) => [name, one.name, one.questions, one.f1.toFixed(3)]),
      ),
    ]),
    "",
    `${count(runs.length, "run")}; the page is ${files[0]}`,
  ]);
}
