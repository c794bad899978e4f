import type { Command } from "commander";
import { z } from "zod";
import { ConfigError } from "../../base/errors.ts";
import { locateInputs } from "../../engine/ingest.ts";
import { type MemorizeReport, memorize } from "../../engine/memorize.ts";
import type { MemorySize } from "../../memory/memory.ts";
import { count, describeUnread, formatBytes, formatDuration } from "../format.ts";
import { addExamples, readOptions, wholeNumber } from "../options.ts";
import { type CommandContext, type Shell, withEngine } from "../shell.ts";
import { printable } from "../terminal.ts";

const schema = z.object({
  memory: z.string(),
  ratio: z.number().optional(),
  lite: z.boolean().optional(),
  dryRun: z.boolean().optional(),
  memoryModel: z.string().optional(),
});

/** `prag memorize`: a long text → a memory. */
export function addMemorize(program: Command, shell: Shell): void {
  const command = program
    .command("memorize")
    .description(
      "Read a long text into a named memory: compressed keys and values of the model, which MemoRAG recalls clues from. Interrupted, the same command goes on; notes (--lite) begin anew.",
    )
    .argument("<files...>", "files, folders or globs; all make one text, in the order of their names")
    .requiredOption("--memory <name>", "name of the memory; one of that name is replaced")
    .option("--ratio <count>", "tokens to an entry of the memory, 2 to 32 (default: 8)", wholeNumber)
    .option("--lite", "remember notes that the model writes, without memory weights")
    .option("--memory-model <folder>", "memory weights (default: those that belong to the model)")
    .option("--dry-run", "say how large it would be, and change nothing")
    .action((files: string[], _options: unknown, self: Command) => {
      const { memory, memoryModel, ...options } = readOptions(self, schema);
      if (options.lite && memoryModel !== undefined)
        throw new ConfigError(
          "notes are written without memory weights; leave out --memory-model, or --lite",
        );
      return withEngine(shell, { command: self, settings: { memoryModel } }, (context) =>
        runMemorize(context, files, { ...options, name: memory, cwd: shell.cwd }),
      );
    });
  addExamples(command, [
    "prag memorize book.txt --memory book",
    "prag memorize ./reports --memory reports --ratio 16",
    "prag memorize book.txt --memory book --dry-run --json",
  ]);
}

/** Memorizes files as they are named in the working folder, and says what came of it. */
export async function runMemorize(
  context: CommandContext,
  files: readonly string[],
  {
    cwd,
    ...options
  }: {
    name: string;
    cwd: string;
    ratio?: number | undefined;
    lite?: boolean | undefined;
    dryRun?: boolean | undefined;
    append?: boolean;
  },
): Promise<void> {
  const { parts, signal } = context;
  const { base, inputs } = locateInputs(files, { cwd, dataFolder: parts.config.dataFolder });
  const report = await memorize(parts, inputs, {
    ...options,
    base,
    signal,
    onSize: (size) => {
      if (!context.json && !options.dryRun) context.note(describeSize(size));
    },
    onWarning: (warning) => context.note(warning),
  });
  context.print(report, () => describe(report, options.dryRun ?? false));
  for (const line of describeUnread(report)) context.note(line);
}

function describe({ name, title, lite, passages, size, seconds }: MemorizeReport, isDry: boolean): string[] {
  const done = isDry ? "would be made" : `made in ${formatDuration(seconds)}`;
  return [
    `${name} (${printable(title)}): ${done}, ${count(passages, "passage")} to search`,
    lite ? `notes on ${size.tokens.toLocaleString("en")} tokens` : describeSize(size),
  ];
}

function describeSize({ tokens, ratio, entries, bytes, fullBytes }: MemorySize): string {
  const number = (value: number) => value.toLocaleString("en");
  return `${number(tokens)} tokens at ratio ${ratio}: ${number(entries)} entries and the unfinished window, ${formatBytes(bytes)} in place of ${formatBytes(fullBytes)}`;
}
