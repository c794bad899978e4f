import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { streamSummary } from "../../engine/ask.ts";
import { locateInputs } from "../../engine/ingest.ts";
import { deleteMemory, listMemories, type MemoryRow, showMemory } from "../../engine/memories.ts";
import { makeClues } from "../../engine/memory-clues.ts";
import { memoryStages, type TrainMemoryReport, weighings } from "../../engine/memory-training-request.ts";
import { rewardNames } from "../../engine/sample-clues.ts";
import { trainMemoryModel } from "../../engine/train-memory.ts";
import { count, describeUnread, formatBytes, formatDuration } from "../format.ts";
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
import { formatTable, printable } from "../terminal.ts";
import { runMemorize } from "./memorize.ts";

/** `prag memory`: look at memories, go on with them, and train the weights that they are made with. */
export function addMemory(program: Command, shell: Shell): void {
  const command = program
    .command("memory")
    .description("List, show, extend, summarise and delete memories; train memory weights.");
  addExamples(command, ["prag memory list", "prag memory append book part2.txt", "prag memory train --help"]);
  addList(command, shell);
  addShow(command, shell);
  addAppend(command, shell);
  addSummarise(command, shell);
  addDelete(command, shell);
  addClues(command, shell);
  addTrain(command, shell);
}

function addList(memory: Command, shell: Shell): void {
  const command = memory
    .command("list")
    .description("List the memories of the data folder.")
    .action((_options: unknown, self: Command) =>
      withEngine(shell, { command: self }, async (context) => {
        const rows = await listMemories(context.parts);
        context.print(rows, () => describeList(rows));
      }),
    );
  addExamples(command, ["prag memory list", "prag memory list --json"]);
}

function describeList(rows: readonly MemoryRow[]): string[] {
  if (!rows.length) return ['no memories yet; "prag memorize FILE --memory NAME" makes one'];
  const head = ["name", "text", "tokens", "ratio", "size", "passages", "model"];
  const body = rows.map((row) =>
    row.problem === null
      ? [
          row.name,
          printable(row.title).slice(0, 40),
          row.tokens ?? "-",
          row.ratio ?? "notes",
          row.bytes === null ? "-" : formatBytes(row.bytes),
          row.passages,
          row.baseModel ?? "any",
        ]
      : [row.name, "cannot be read", "-", "-", "-", "-", "-"],
  );
  return formatTable([head, ...body]);
}

function addShow(memory: Command, shell: Shell): void {
  const command = memory
    .command("show")
    .description("Show what a memory is of and how large it is.")
    .argument("<name>", "name of the memory")
    .action((name: string, _options: unknown, self: Command) =>
      withEngine(shell, { command: self }, async (context) => {
        const row = await showMemory(context.parts, name);
        context.print(row, () => describeMemory(row));
      }),
    );
  addExamples(command, ["prag memory show book", "prag memory show book --json"]);
}

function describeMemory(row: MemoryRow): string[] {
  const { name, title, sources, characters, passages, tokens, entries, ratio, window, bytes, fullBytes } =
    row;
  const number = (value: number | null) => (value ?? 0).toLocaleString("en");
  return [
    `${name}: ${printable(title)}`,
    `text           ${number(characters)} characters of ${sources.map(printable).join(", ")}; ${count(passages, "passage")}`,
    ...(row.lite
      ? [
          "memory         notes of at most half the context of the model that wrote them, for any model that has room for them",
        ]
      : [
          `memory         ${number(tokens)} tokens, windows of ${window}, ratio ${ratio}: ${number(entries)} entries`,
          `size           ${formatBytes(bytes ?? 0)} in place of ${formatBytes(fullBytes ?? 0)}`,
          `made by        ${row.memoryModel} over ${row.baseModel}`,
        ]),
  ];
}

function addAppend(memory: Command, shell: Shell): void {
  const command = memory
    .command("append")
    .description("Go on with a memory: read more text without reading the old one again.")
    .argument("<name>", "name of the memory")
    .argument("<files...>", "files, folders or globs")
    .option("--ratio <count>", "of the new text (default: as before)", wholeNumber)
    .option("--memory-model <folder>", "memory weights (default: those that belong to the model)")
    .action((name: string, files: string[], _options: unknown, self: Command) => {
      const schema = z.object({ ratio: z.number().optional(), memoryModel: z.string().optional() });
      const { ratio, memoryModel } = readOptions(self, schema);
      return withEngine(shell, { command: self, settings: { memoryModel } }, (context) =>
        runMemorize(context, files, { name, ratio, append: true, cwd: shell.cwd }),
      );
    });
  addExamples(command, ["prag memory append book chapter-2.txt"]);
}

function addSummarise(memory: Command, shell: Shell): void {
  const command = memory
    .command("summarise")
    .description("Summarise a remembered text: key points from memory, passages by them, a summary of these.")
    .argument("<name>", "name of the memory")
    .option("--max-tokens <count>", "tokens of the summary, at most (default: 256)", wholeNumber)
    .option("--memory-model <folder>", "memory weights (default: those that belong to the model)")
    .action((name: string, _options: unknown, self: Command) => {
      const schema = z.object({ maxTokens: z.number().optional(), memoryModel: z.string().optional() });
      const { maxTokens, memoryModel } = readOptions(self, schema);
      return withEngine(shell, { command: self, settings: { memoryModel } }, async (context) => {
        const { parts, signal } = context;
        for await (const event of streamSummary(parts, { memory: name, maxTokens, signal })) {
          if (event.type !== "end") continue;
          const summary = event.text.trim();
          context.print({ summary, usage: event.usage, timings: event.timings }, () => [printable(summary)]);
        }
      });
    });
  addExamples(command, ["prag memory summarise book"]);
}

function addDelete(memory: Command, shell: Shell): void {
  const command = memory
    .command("delete")
    .description("Delete a memory with its passages.")
    .argument("<name>", "name of the memory")
    .action((name: string, _options: unknown, self: Command) =>
      withEngine(shell, { command: self }, async (context) => {
        await deleteMemory(context.parts, name);
        context.print({ deleted: name }, () => [`${name} deleted`]);
      }),
    );
  addExamples(command, ["prag memory delete book"]);
}

function addClues(memory: Command, shell: Shell): void {
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

function addTrain(memory: Command, shell: Shell): void {
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
