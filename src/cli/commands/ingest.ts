import type { Command } from "commander";
import { z } from "zod";
import { prune } from "../../engine/collections.ts";
import { choices } from "../../engine/config.ts";
import { type IngestReport, ingest, locateInputs } from "../../engine/ingest.ts";
import { count, describeUnread, formatDuration } from "../format.ts";
import { addExamples, choiceOption, readOptions, wholeNumber } from "../options.ts";
import { type CommandContext, type Shell, withEngine } from "../shell.ts";

const schema = z.object({
  maxWords: z.number().optional(),
  overlapWords: z.number().optional(),
  analyzer: z.enum(choices.analyzer).optional(),
  prune: z.boolean().default(false),
});

/** `prag ingest`: documents → passages and their index. */
export function addIngest(program: Command, shell: Shell): void {
  const command = program
    .command("ingest")
    .description(
      "Read documents (.txt .md .html .jsonl .csv .tsv .pdf .docx), cut them into passages and index them.",
    )
    .argument("<paths...>", "files, folders or globs")
    .option("--max-words <count>", "words of a passage, at most (default: 100)", wholeNumber)
    .option("--overlap-words <count>", "words that neighbours share (default: 0)", wholeNumber)
    .addOption(
      choiceOption("--analyzer <name>", "how words are indexed (default: english)", choices.analyzer),
    )
    .option("--prune", "delete the adapters of passages that have gone from every collection")
    .action(async (paths: string[], _options: unknown, self: Command) => {
      const { maxWords, overlapWords, analyzer, prune: isPruned } = readOptions(self, schema);
      const settings = { ingest: { maxWords, overlapWords }, analyzer };
      await withEngine(shell, { command: self, settings }, (context) =>
        run(context, { paths, isPruned, cwd: shell.cwd }),
      );
    });
  addExamples(command, ["prag ingest ./docs notes.md", 'prag ingest "reports/**/*.pdf" --max-words 150']);
}

async function run(
  context: CommandContext,
  { paths, isPruned, cwd }: { paths: string[]; isPruned: boolean; cwd: string },
): Promise<void> {
  const { parts, signal } = context;
  const { base, inputs } = locateInputs(paths, { cwd, dataFolder: parts.config.dataFolder });
  const report = await ingest(parts, inputs, { base, signal });
  const pruned = isPruned ? await prune(parts) : undefined;
  context.print({ ...report, ...(pruned && { pruned }) }, () => [
    ...describe(report),
    ...(pruned ? [`pruned: ${count(pruned.deleted, "adapter")} deleted`] : []),
  ]);
  for (const line of describeUnread(report)) context.note(line);
}

function describe(report: IngestReport): string[] {
  const { collection, documents, passages, added, changed, removed, unchanged, skipped, seconds } = report;
  return [
    `${collection}: ${count(documents, "document")}, ${count(passages, "passage")}`,
    `files: ${added} added, ${changed} changed, ${removed} removed, ${unchanged} unchanged, ${skipped.length} skipped (${formatDuration(seconds)})`,
  ];
}
