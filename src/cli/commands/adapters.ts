import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { ConfigError } from "../../base/errors.ts";
import { type AdapterRow, deleteAdapters, listAdapters, verifyAdapters } from "../../engine/adapters.ts";
import { type ExportChoice, exportAdapter, importAdapter } from "../../engine/exchange.ts";
import { exitCodes } from "../exit-codes.ts";
import { ReportedFailure } from "../failure.ts";
import { count, formatBytes } from "../format.ts";
import { addExamples, nameList, readOptions, wholeNumber } from "../options.ts";
import { type CommandContext, type Shell, withEngine } from "../shell.ts";
import { formatTable, printable } from "../terminal.ts";

/** `prag adapters`: look at adapters, check them, delete them, take them out and in. */
export function addAdapters(program: Command, shell: Shell): void {
  const command = program
    .command("adapters")
    .description("List, verify and delete adapters; export and import them as PEFT folders.");
  addExamples(command, ["prag adapters list", "prag adapters verify", "prag adapters import ./my-lora"]);
  addList(command, shell);
  addVerify(command, shell);
  addDelete(command, shell);
  addExport(command, shell);
  addImport(command, shell);
}

function addList(adapters: Command, shell: Shell): void {
  const command = adapters
    .command("list")
    .description("List the adapters of the data folder, of every collection, model and recipe.")
    .action((_options: unknown, self: Command) =>
      withEngine(shell, { command: self }, async (context) => {
        const rows = await listAdapters(context.parts);
        context.print(rows, () => describeList(rows));
      }),
    );
  addExamples(command, ["prag adapters list", "prag adapters list --json"]);
}

function describeList(rows: readonly AdapterRow[]): string[] {
  if (!rows.length) return ['no adapters yet; "prag encode" makes them'];
  const head = ["key", "passage", "bytes", "dtype", "rank", "recipe", "model", "used"];
  const body = rows.map(({ key, title, bytes, dtype, rank, recipeHash, model, isUsed, problem }) =>
    problem === null
      ? [
          key.slice(0, 16),
          printable(title ?? "-"),
          bytes,
          dtype ?? "-",
          rank ?? "-",
          recipeHash?.slice(0, 8) ?? "-",
          model ?? "-",
          isUsed ? "yes" : "no",
        ]
      : [key.slice(0, 16), "cannot be read", bytes, "-", "-", "-", "-", isUsed ? "yes" : "no"],
  );
  const total = rows.reduce((sum, { bytes }) => sum + bytes, 0);
  return [...formatTable([head, ...body]), `${count(rows.length, "adapter")}, ${formatBytes(total)}`];
}

function addVerify(adapters: Command, shell: Shell): void {
  const command = adapters
    .command("verify")
    .description("Read adapters as a whole and check them: form, checksum, numbers.")
    .argument("[keys...]", "beginnings of keys (default: all adapters)")
    .action((keys: string[], _options: unknown, self: Command) =>
      withEngine(shell, { command: self }, (context) => verify(context, keys)),
    );
  addExamples(command, ["prag adapters verify", "prag adapters verify 3fa9"]);
}

async function verify(context: CommandContext, keys: string[]): Promise<void> {
  const report = await verifyAdapters(context.parts, keys, { signal: context.signal });
  const { checked, bad } = report;
  context.print(report, () => [
    ...bad.map(({ key, problem }) => `${key}: ${problem}`),
    ...(bad.length
      ? ['to repair: "prag adapters delete KEY" for each, then "prag encode", which trains them again']
      : []),
    `${count(checked, "adapter")} checked, ${bad.length} bad`,
  ]);
  if (bad.length) throw new ReportedFailure(exitCodes.format);
}

function addDelete(adapters: Command, shell: Shell): void {
  const command = adapters
    .command("delete")
    .description("Delete adapters; their passages go back to the prompt until they are encoded again.")
    .argument("[keys...]", "beginnings of keys")
    .option("--orphans", "those that no collection refers to")
    .action((keys: string[], _options: unknown, self: Command) => {
      const { orphans } = readOptions(self, z.object({ orphans: z.boolean().optional() }));
      return withEngine(shell, { command: self }, async (context) => {
        const deleted = await deleteAdapters(context.parts, { keys, orphans });
        context.print({ deleted }, () => [`${count(deleted.length, "adapter")} deleted`]);
      });
    });
  addExamples(command, ["prag adapters delete 3fa91c", "prag adapters delete --orphans"]);
}

const exportSchema = z.object({
  question: z.string().optional(),
  passages: z.array(z.string()).optional(),
  limit: z.number().optional(),
  out: z.string(),
});

function addExport(adapters: Command, shell: Shell): void {
  const command = adapters
    .command("export")
    .description("Write an adapter, or several merged, as a PEFT folder that other programs load.")
    .argument("[key]", "beginning of a key")
    .option("--question <text>", "merge the adapters that this question retrieves")
    .option("--limit <count>", "passages to retrieve for the question (default: 3)", wholeNumber)
    .option("--passages <ids>", "merge the adapters of these passages, separated by commas", nameList)
    .requiredOption("--out <folder>", "the folder to write")
    .action((key: string | undefined, _options: unknown, self: Command) => {
      const { question, passages, limit, out } = readOptions(self, exportSchema);
      const choice = chooseOne({ key, question, passages });
      return withEngine(shell, { command: self, settings: { limit } }, async (context) => {
        const report = await exportAdapter(context.parts, choice, resolve(shell.cwd, out));
        context.print(report, () => [
          `${report.folder}: ${count(report.keys.length, "adapter")}, rank ${report.rank}`,
        ]);
        if (report.missing.length)
          context.note(`${count(report.missing.length, "passage")} had no adapter and are not in it`);
      });
    });
  addExamples(command, [
    "prag adapters export 3fa91c --out ./lora",
    'prag adapters export --question "Who founded the company?" --out ./lora',
  ]);
}

function chooseOne({
  key,
  question,
  passages,
}: {
  key: string | undefined;
  question: string | undefined;
  passages: string[] | undefined;
}): ExportChoice {
  const choices: ExportChoice[] = [];
  if (key !== undefined) choices.push({ key });
  if (question !== undefined) choices.push({ question });
  if (passages !== undefined) choices.push({ passages });
  const [choice] = choices;
  if (!choice || choices.length > 1)
    throw new ConfigError("give one of KEY, --question and --passages, to say which adapters to export");
  return choice;
}

function addImport(adapters: Command, shell: Shell): void {
  const command = adapters
    .command("import")
    .description(
      "Take a PEFT LoRA folder into the data folder; with --passage, that passage is answered from it.",
    )
    .argument("<folder>", "the PEFT folder")
    .option("--passage <id>", "the passage that the adapter stands for")
    .action((folder: string, _options: unknown, self: Command) => {
      const { passage } = readOptions(self, z.object({ passage: z.string().optional() }));
      return withEngine(shell, { command: self }, async (context) => {
        const path = resolve(shell.cwd, folder);
        const report = await importAdapter(context.parts, path, { passageId: passage });
        context.print(report, () => [
          `${report.key}: rank ${report.rank}, ${formatBytes(report.bytes)}${passage === undefined ? "" : `, for passage ${passage}`}`,
        ]);
        if (report.otherBase !== null)
          context.note(
            `the folder names the base model ${report.otherBase}, another than the one in use; its shapes fit, but it may have been trained for other weights`,
          );
      });
    });
  addExamples(command, [
    "prag adapters import ./lora",
    "prag adapters import ./lora --passage 521841d165a9b99a",
  ]);
}
