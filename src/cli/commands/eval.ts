import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { ConfigError } from "../../base/errors.ts";
import { choices, type EngineSettings } from "../../engine/config.ts";
import { methodNames, onMissingChoices } from "../../engine/create-method.ts";
import { marksOf } from "../../evaluation/compare-runs.ts";
import { datasetFormats } from "../../evaluation/load-dataset.ts";
import { sampleOrders } from "../../evaluation/sample.ts";
import { count, formatBytes, formatDuration, formatPercent } from "../format.ts";
import {
  addExamples,
  checkNames,
  choiceOption,
  nameList,
  readOptions,
  refuseIdle,
  wholeNumber,
} from "../options.ts";
import { type EvalPlan, type EvalSource, planEval } from "../plan-eval.ts";
import { type EvalReport, runEval } from "../run-eval.ts";
import { loadCommandConfig, type Shell, withEngine } from "../shell.ts";
import { formatTable } from "../terminal.ts";

const schema = z.object({
  dataset: z.string(),
  format: z.enum(datasetFormats).optional(),
  aliases: z.string().optional(),
  corpus: z.array(z.string()).optional(),
  augmentations: z.string().optional(),
  methods: z.array(z.string()),
  methodOptions: z.string().optional(),
  out: z.string(),
  sample: z.number().optional(),
  sampleOrder: z.enum(sampleOrders),
  seed: z.number(),
  limit: z.number().optional(),
  maxTokens: z.number().optional(),
  maxWords: z.number().optional(),
  cot: z.boolean().optional(),
  shots: z.number().optional(),
  retriever: z.enum(choices.retriever).optional(),
  augmenter: z.enum(choices.augmenter).optional(),
  without: z.enum(choices.without).optional(),
  initAdapter: z.string().optional(),
  onMissing: z.enum(onMissingChoices),
  inFlight: z.number(),
  texts: z.boolean(),
});
type Options = z.infer<typeof schema>;

/** `prag eval`: methods on a dataset, with every number that a report needs. */
export function addEval(program: Command, shell: Shell): void {
  const command = program
    .command("eval")
    .description(
      "Ask methods the questions of a dataset and score the answers. Everything is kept in the folder of the run: the same command goes on after an interruption, and answers nothing twice. Passages that are retrieved are encoded first, all others are not.",
    );
  addMethodOptions(addDataOptions(command)).action(async (_options: unknown, self: Command) => {
    await run(shell, self, readOptions(self, schema));
  });
  addExamples(command, [
    "prag eval --dataset hotpot_dev_distractor_v1.json --corpus contexts --sample 300 --out runs/hotpot",
    "prag eval --dataset popQA.tsv --corpus psgs_w100.tsv --methods standard-rag,prag --sample 300 --sample-order stratified --out runs/popqa --json",
    "prag eval --dataset questions.jsonl --corpus ./docs --compat reference --cot --out runs/mine",
  ]);
}

/** What is asked, from which corpus. */
function addDataOptions(command: Command): Command {
  return command
    .requiredOption(
      "--dataset <file>",
      "2WikiMultihopQA, HotpotQA, PopQA, ComplexWebQuestions as published, or JSONL {question, answers, type?, contexts?}; .gz too",
    )
    .addOption(choiceOption("--format <name>", "of the dataset (default: by its content)", datasetFormats))
    .option("--aliases <file>", "id_aliases.json of 2WikiMultihopQA (default: beside the dataset)")
    .option(
      "--corpus <paths...>",
      'files or folders to retrieve from, or "contexts" for the questions\' own paragraphs (default: the collection)',
    )
    .option("--augmentations <file>", "ready-made augmentations of the corpus")
    .option("--sample <count>", "ask so many questions (default: all)", wholeNumber)
    .addOption(
      choiceOption(
        "--sample-order <order>",
        "the first, the first of each type, or a seeded draw in which each type has its share",
        sampleOrders,
      ).default("first"),
    )
    .option("--seed <number>", "of the sample and of the statistics", wholeNumber, 42);
}

/** Who answers, and how. */
function addMethodOptions(command: Command): Command {
  return command
    .option("--methods <names>", `separated by commas, of ${methodNames.join(", ")}`, nameList, [
      "closed-book",
      "standard-rag",
      "prag",
      "combine",
    ])
    .option("--method-options <json>", 'numbers of methods by their names: {"flare": {"theta": 0.6}}')
    .requiredOption("--out <folder>", "where the run goes")
    .option("--limit <count>", "passages to retrieve (default: 3)", wholeNumber)
    .option("--max-tokens <count>", "tokens of an answer (default: as the prompts ask)", wholeNumber)
    .option("--max-words <count>", "words of a passage of the corpus, at most (default: 100)", wholeNumber)
    .option("--cot", "reason step by step, then answer")
    .option("--shots <count>", "worked examples in the prompt", wholeNumber)
    .addOption(
      choiceOption("--retriever <name>", "how passages are found (default: bm25)", choices.retriever),
    )
    .addOption(choiceOption("--augmenter <name>", "who augments (default: auto)", choices.augmenter))
    .addOption(choiceOption("--without <part>", "leave a part of the augmentation out", choices.without))
    .option("--init-adapter <folder>", "PEFT folder that training starts from")
    .addOption(
      choiceOption("--on-missing <what>", "retrieved passages without an adapter", onMissingChoices).default(
        "encode",
      ),
    )
    .option(
      "--in-flight <count>",
      "questions at a time; above 1 is faster, but times per question mean less and roundings differ",
      wholeNumber,
      1,
    )
    .option("--no-texts", "keep questions, answers and predictions out of the run's files");
}

async function run(shell: Shell, command: Command, options: Options): Promise<void> {
  checkNames(options.methods, { kind: "method", known: methodNames });
  if (options.corpus === undefined)
    refuseIdle(
      options,
      ["augmentations", "maxWords"],
      "is for a corpus; name one with --corpus, or leave it away: the collection is asked as it is",
    );
  const settings = settingsOf(options, shell);
  const ignoreRecorded = options.corpus !== undefined; // a corpus has a collection of its own
  const config = await loadCommandConfig(shell, { command, settings, ignoreRecorded });
  const plan = await planEval(sourceOf(options, shell), config);
  const choice = { command, settings: { ...settings, ...plan.settings }, ignoreRecorded };
  await withEngine(shell, choice, async (context) => {
    for (const note of plan.dataset.notes) context.note(note);
    const { seed, onMissing, inFlight } = options;
    if (inFlight < 1) throw new ConfigError(`--in-flight must be at least 1, got ${inFlight}`);
    const report = await runEval(context.parts, plan, {
      methods: options.methods.map((id) => ({ id })),
      out: resolve(shell.cwd, options.out),
      seed,
      onMissing,
      inFlight,
      withoutTexts: !options.texts,
      signal: context.signal,
    });
    context.print(report, () => describe(report, plan));
  });
}

function sourceOf(options: Options, { cwd }: Shell): EvalSource {
  const { format, sample, sampleOrder, seed, corpus, aliases, augmentations } = options;
  if (sample !== undefined && sample < 1) throw new ConfigError(`--sample must be at least 1, got ${sample}`);
  if (sample === undefined && sampleOrder === "first-per-type")
    throw new ConfigError(
      "--sample-order first-per-type needs --sample: how many questions of each type are asked",
    );
  const full = (path: string | undefined) => (path === undefined ? undefined : resolve(cwd, path));
  const isContexts = corpus?.length === 1 && corpus[0] === "contexts";
  return {
    dataset: resolve(cwd, options.dataset),
    format,
    aliases: full(aliases),
    corpus: isContexts ? "contexts" : corpus?.map((path) => resolve(cwd, path)),
    augmentations: full(augmentations),
    sample,
    sampleOrder,
    seed,
  };
}

function settingsOf(options: Options, { cwd }: Shell): EngineSettings {
  const { limit, maxTokens, cot, shots, retriever, without, augmenter, initAdapter, maxWords } = options;
  return {
    limit,
    maxTokens,
    cot,
    shots,
    retriever,
    methodOptions: parseMethodOptions(options.methodOptions),
    ...(maxWords !== undefined && { ingest: { maxWords } }),
    ...(augmenter && { augment: { augmenter } }),
    ...(without && { recipe: { without } }),
    initAdapter: initAdapter === undefined ? undefined : resolve(cwd, initAdapter),
  };
}

const methodOptionsSchema = z.partialRecord(z.enum(methodNames), z.record(z.string(), z.unknown()));

function parseMethodOptions(text: string | undefined): z.infer<typeof methodOptionsSchema> | undefined {
  if (text === undefined) return undefined;
  try {
    return methodOptionsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new ConfigError(
      `--method-options must be JSON like {"flare": {"theta": 0.6}} with names of methods, got ${text.slice(0, 200)}`,
      { cause: error },
    );
  }
}

function describe(report: EvalReport, { dataset, questions }: EvalPlan): string[] {
  const { methods, retrieval, cost, time } = report;
  return [
    `${dataset.name}: ${count(questions.length, "question")} of ${dataset.questions.length.toLocaleString("en")}, ${report.answeredNow} answers now, model ${report.model}`,
    "",
    ...formatTable(tableOf(report)),
    "† differs from prag, ‡ from the best (paired t-test, p < 0.05)",
    ...methods.flatMap(({ name, tooLong, failed, fallbacks }) => [
      ...(tooLong ? [`${name}: ${count(tooLong, "prompt")} did not fit the model and score 0`] : []),
      ...(failed ? [`${name}: ${count(failed, "question")} could not be answered and score 0`] : []),
      ...(fallbacks ? [`${name}: ${count(fallbacks, "retrieved passage")} had no adapter`] : []),
    ]),
    ...describeRetrieval(retrieval),
    ...(cost?.adapters
      ? [
          `adapters: ${cost.adapters.toLocaleString("en")}, ${formatBytes(cost.bytesPerAdapter)} each${payOff(cost, questions.length)}`,
        ]
      : []),
    `time: ${formatDuration(time.totalSeconds)} in all, ${formatDuration(time.answerSeconds)} of it answering, ${formatPercent(time.harnessShare)} % the harness itself`,
    "",
    `the run lies in ${report.folder}`,
  ];
}

function tableOf({ methods, comparisons }: EvalReport): (string | number)[][] {
  const head = [
    "method",
    "F1",
    "95 %",
    "EM",
    "precision",
    "recall",
    "lenient F1",
    "answer in text",
    "prompt tokens",
    "p50 ms",
  ];
  const rows = methods.map((method) => [
    `${method.name}${marksOf(method.name, comparisons)}`,
    method.f1.toFixed(3),
    `${method.intervals.f1.low.toFixed(3)}–${method.intervals.f1.high.toFixed(3)}`,
    ...[method.em, method.precision, method.recall, method.lenient.f1, method.answerPresence].map((score) =>
      score.toFixed(3),
    ),
    Math.round(method.promptTokens),
    Math.round(method.latencyMs.p50),
  ]);
  return [head, ...rows];
}

function describeRetrieval(retrieval: EvalReport["retrieval"]): string[] {
  if (!retrieval) return [];
  const { answerInCorpus, answerRecall, supportRecall } = retrieval;
  const percent = (value: number | null | undefined) => (value == null ? "?" : `${formatPercent(value)} %`);
  const support = Object.keys(supportRecall).length
    ? `; of what supports it ${percent(supportRecall["3"])}`
    : "";
  return [
    `the answer stands somewhere in the corpus for ${percent(answerInCorpus)} of the questions, in the top 3 for ${percent(answerRecall["3"])} of those that are not answered by yes or no${support}`,
  ];
}

function payOff(
  {
    encodeSecondsPerPassage: seconds,
    breakEvenByTokens: tokens,
    comparedQuestions: compared = 0,
  }: NonNullable<EvalReport["cost"]>,
  questions: number,
): string {
  const where = compared < questions ? ` (by the ${compared} that both answered)` : "";
  const parts = [
    ...(seconds === null ? [] : [`${seconds.toFixed(2)} s per passage`]),
    ...(tokens === null
      ? []
      : [`cheaper than prompts from ${Math.ceil(tokens)} questions per passage on, in tokens${where}`]),
  ];
  return parts.map((part) => `, ${part}`).join("");
}
