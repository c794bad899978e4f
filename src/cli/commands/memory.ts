import type { Command } from "commander";
import { z } from "zod";
import { streamSummary } from "../../engine/ask.ts";
import { deleteMemory, listMemories, type MemoryRow, showMemory } from "../../engine/memories.ts";
import { count, formatBytes } from "../format.ts";
import { addExamples, readOptions, wholeNumber } from "../options.ts";
import { type Shell, withEngine } from "../shell.ts";
import { formatTable, printable } from "../terminal.ts";
import { runMemorize } from "./memorize.ts";
import { addClues, addTrain } from "./memory-train.ts";

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
