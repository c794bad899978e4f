import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { locateInputs } from "../../engine/ingest.ts";
import { makeClues } from "../../engine/memory-clues.ts";
import { memoryStages, type TrainMemoryReport, weighings } from "../../engine/memory-training-request.ts";
import { rewardNames } from "../../engine/sample-clues.ts";
import { trainMemoryModel } from "../../engine/train-memory.ts";
import { count, describeUnread, formatDuration } from "../format.ts";
import {
  addExamples,
  choiceOption,
  decimalNumber,
  nameList,
  numberList,
  readOptions,
  wholeNumber,
} from "../options.ts";
import { type Shell, withEngine } from "../shell.ts";

/** `prag memory clues`: clue data out of documents and datasets. */
export function addClues(memory: Command, shell: Shell): void {
  const command = memory
    .command("clues")
    .description(
      "Make clue data for the stages sft and rlgf of training: questions on your documents by rule, with the sentences that answer them.",
    )
    .argument("[files...]", "documents: files, folders or globs")
    .requiredOption("--out <file>", "the JSONL file to write")
    .option(
      "--questions <file>",
      "take questions of a dataset too: JSONL with question, answers and contexts",
    )
    .option("--words <count>", "words of the text around a question (default: 300)", wholeNumber)
    .option("--seed <number>", "of what is chosen (default: 1)", wholeNumber)
    .action((files: string[], _options: unknown, self: Command) => {
      const schema = z.object({
        out: z.string(),
        questions: z.string().optional(),
        words: z.number().optional(),
        seed: z.number().optional(),
      });
      const { out, questions, words, seed } = readOptions(self, schema);
      return withEngine(shell, { command: self }, async (context) => {
        const { dataFolder } = context.parts.config;
        const { base, inputs } = locateInputs(files, { cwd: shell.cwd, dataFolder });
        const report = await makeClues(context.parts, {
          base,
          paths: inputs,
          out: resolve(shell.cwd, out),
          questions: questions && resolve(shell.cwd, questions),
          words,
          seed,
          signal: context.signal,
        });
        context.print(report, () => [
          `${count(report.examples, "example")} in ${out}: ${report.fromDocuments} from documents, ${report.fromQuestions} from questions`,
        ]);
        for (const line of describeUnread(report)) context.note(line);
      });
    });
  addExamples(command, [
    "prag memory clues ./docs --out clues.jsonl",
    "prag memory clues --questions squad.jsonl --out clues.jsonl",
  ]);
}

const trainSchema = z.object({
  stage: z.enum(memoryStages),
  data: z.array(z.string()),
  out: z.string(),
  from: z.string().optional(),
  window: z.number().optional(),
  windows: z.number().optional(),
  ratios: z.array(z.number()).optional(),
  weigh: z.enum(weighings).optional(),
  batch: z.number().optional(),
  updates: z.number().optional(),
  minutes: z.number().optional(),
  learningRate: z.number().optional(),
  seed: z.number().optional(),
  samples: z.number().optional(),
  reward: z.enum(rewardNames).optional(),
});

/** `prag memory train`: memory weights, one stage a call. */
export function addTrain(memory: Command, shell: Shell): void {
  const command = memory
    .command("train")
    .description(
      "Train memory weights over the model, one stage a call: imitate (texts; memory tokens learn to be like the tokens that they stand for), pretrain (texts), sft (clue data), rlgf (clue data; clues are sampled and rewarded by the answers that they lead to). Interrupted, the same command goes on.",
    )
    .addOption(choiceOption("--stage <name>", "which stage", memoryStages).makeOptionMandatory())
    .requiredOption("--data <paths>", "texts, or files of clue data; several separated by commas", nameList)
    .requiredOption("--out <folder>", "where the weights go, with the losses and what going on needs")
    .option("--from <folder>", "memory weights to start from: those of the stage before")
    .option("--window <tokens>", "tokens of a window (default: 256 at most)", wholeNumber)
    .option("--windows <count>", "windows of a stretch in imitate and pretrain (default: 4)", wholeNumber)
    .option(
      "--ratios <list>",
      "ratios to draw from (default: 2,4,8; in imitate and pretrain 2,4,8,16,32)",
      numberList,
    )
    .addOption(
      choiceOption(
        "--weigh <how>",
        "in pre-training, tokens count alike, or by what the text before their window tells of them (default: alike)",
        weighings,
      ),
    )
    .option("--batch <count>", "texts of an update (default: 4, in sft 8)", wholeNumber)
    .option("--updates <count>", "updates (default: one pass over the data)", wholeNumber)
    .option(
      "--minutes <count>",
      "stop after so many minutes of updates, all calls together; the learning rate falls by them",
      decimalNumber,
    )
    .option(
      "--learning-rate <rate>",
      "of AdamW (default: 2e-3 in imitate, 1e-3 in pretrain, else 3e-4)",
      decimalNumber,
    )
    .option("--seed <number>", "of what is drawn (default: 1)", wholeNumber)
    .option("--samples <count>", "clues sampled for an example of rlgf (default: 4)", wholeNumber)
    .addOption(choiceOption("--reward <name>", "how answers are judged in rlgf (default: f1)", rewardNames))
    .action((_options: unknown, self: Command) => {
      const { data, out, from, ...options } = readOptions(self, trainSchema);
      const path = (file: string) => resolve(shell.cwd, file);
      const memoryModel = from && path(from);
      return withEngine(shell, { command: self, settings: { memoryModel } }, async (context) => {
        const { parts, signal } = context;
        const { base, inputs } = locateInputs(data, { cwd: shell.cwd, dataFolder: parts.config.dataFolder });
        const report = await trainMemoryModel(parts, {
          ...options,
          base,
          paths: options.stage === "pretrain" || options.stage === "imitate" ? inputs : data.map(path),
          out: path(out),
          from: memoryModel,
          signal,
        });
        context.print(report, () => describeTraining(report, out));
        for (const line of describeUnread(report)) context.note(line);
      });
    });
  addExamples(command, [
    "prag memory train --stage pretrain --data ./books --minutes 25 --out ./memory-1",
    "prag memory train --stage sft --data clues.jsonl --from ./memory-1 --out ./memory-2",
    "prag memory train --stage rlgf --data clues.jsonl --from ./memory-2 --out ./memory-3",
  ]);
}

const whyLeft = (stage: TrainMemoryReport["stage"]) =>
  stage === "imitate" || stage === "pretrain"
    ? "texts that are shorter than a stretch (--window times --windows)"
    : "examples that do not fit into the model's positions";

function describeTraining(report: TrainMemoryReport, out: string): string[] {
  const { stage, items, left, updates, tokens, seconds, tokensPerSecond, firstLoss, lastLoss, meanReward } =
    report;
  const losses =
    firstLoss === null || lastLoss === null
      ? "nothing was left to do"
      : `loss ${firstLoss.toFixed(3)} at first, ${lastLoss.toFixed(3)} at last`;
  return [
    `${out}: ${updates} updates over ${items} items in all; now ${tokens.toLocaleString("en")} tokens in ${formatDuration(seconds)} (${Math.round(tokensPerSecond)} per second)`,
    losses,
    ...(left ? [`${left.toLocaleString("en")} left out: ${whyLeft(stage)}`] : []),
    ...(meanReward === null ? [] : [`mean reward of the sampled clues ${meanReward.toFixed(3)}`]),
  ];
}
