import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { choices, type EngineSettings } from "../../engine/config.ts";
import { type DryRun, dryRun } from "../../engine/dry-run.ts";
import { describeFailed, type EncodeReport, encode } from "../../engine/encode.ts";
import { exitCodes } from "../exit-codes.ts";
import { ReportedFailure } from "../failure.ts";
import { count, formatBytes, formatDuration } from "../format.ts";
import { addExamples, choiceOption, decimalNumber, nameList, readOptions, wholeNumber } from "../options.ts";
import { type CommandContext, type Shell, withEngine } from "../shell.ts";

const schema = z.object({
  dryRun: z.boolean().optional(),
  recipe: z.enum(choices.recipe).optional(),
  pattern: z.enum(choices.pattern).optional(),
  mask: z.enum(choices.mask).optional(),
  rank: z.number().optional(),
  alpha: z.number().optional(),
  learningRate: z.number().optional(),
  updates: z.number().optional(),
  epochs: z.number().optional(),
  negatives: z.number().optional(),
  without: z.enum(choices.without).optional(),
  targetModules: z.array(z.string()).optional(),
  initAdapter: z.string().optional(),
});

/** `prag encode`: passages → adapters. */
export function addEncode(program: Command, shell: Shell): void {
  const command = program
    .command("encode")
    .description(
      "Train one adapter per passage; passages that are not augmented yet are augmented first. What is there already is not trained again. The training options are remembered with the collection.",
    )
    .option("--dry-run", "say what it would cost in time, disk and memory, and change nothing")
    .addOption(
      choiceOption(
        "--recipe <name>",
        "how updates see the sequences (default of this and the numbers below: the model's preset, else the paper's)",
        choices.recipe,
      ),
    )
    .addOption(
      choiceOption("--pattern <name>", "which versions of a passage meet which pairs", choices.pattern),
    )
    .addOption(choiceOption("--mask <name>", "which tokens count in the loss", choices.mask))
    .option("--rank <rank>", "rank of the adapters", wholeNumber)
    .option("--alpha <alpha>", "their scaling is alpha / rank", decimalNumber)
    .option("--learning-rate <rate>", "of AdamW", decimalNumber)
    .option("--updates <count>", "updates of recipe packed", wholeNumber)
    .option("--epochs <count>", "passes of recipe reference", wholeNumber)
    .option(
      "--negatives <count>",
      "questions on other things per passage, to keep adapters silent there",
      wholeNumber,
    )
    .addOption(choiceOption("--without <part>", "leave a part of the augmentation out", choices.without))
    .option("--target-modules <names>", "linear layers to adapt, separated by commas", nameList)
    .option("--init-adapter <folder>", "PEFT folder that training starts from")
    .action(async (_options: unknown, self: Command) => {
      const options = readOptions(self, schema);
      await withEngine(shell, { command: self, settings: settingsOf(options, shell) }, (context) =>
        options.dryRun ? runDry(context) : run(context),
      );
    });
  addExamples(command, ["prag encode", "prag encode --dry-run", "prag encode --rank 4 --updates 10"]);
}

function settingsOf(
  { dryRun: _dryRun, recipe: name, negatives, initAdapter, ...numbers }: z.infer<typeof schema>,
  { cwd }: Shell,
): EngineSettings {
  const recipe = { name, ...numbers, negatives: negatives === undefined ? undefined : { count: negatives } };
  const isGiven = Object.values(recipe).some((value) => value !== undefined);
  return {
    recipe: isGiven ? recipe : undefined,
    initAdapter: initAdapter === undefined ? undefined : resolve(cwd, initAdapter),
  };
}

async function run(context: CommandContext): Promise<void> {
  const { parts, signal } = context;
  const report = await encode(parts, { signal });
  context.print(report, () => describe(report));
  const { failed } = report;
  if (!failed.length) return;
  for (const { title, id, problem } of failed) context.note(`failed "${title}" (${id}): ${problem}`);
  context.note(`prag: ${describeFailed(failed)}`);
  throw new ReportedFailure(exitCodes.config);
}

function describe(report: EncodeReport): string[] {
  const { passages, encoded, reused, skipped, seconds, passagesPerSecond, bytesPerAdapter } = report;
  const speed = encoded ? ` (${formatDuration(seconds)}, ${passagesPerSecond.toFixed(2)} per second)` : "";
  const lines = [
    `${count(passages, "passage")}: ${encoded} encoded now${speed}, ${reused} encoded before`,
    `augmented by ${Object.keys(report.augmentation.augmenters).join(", ") || "nobody"}; ${formatBytes(bytesPerAdapter)} per adapter`,
  ];
  if (skipped)
    lines.push(
      `${count(skipped, "passage")} without any usable pair: nothing to train on; "prag augment" says why`,
    );
  return lines;
}

async function runDry(context: CommandContext): Promise<void> {
  const report = await dryRun(context.parts, { signal: context.signal });
  context.print(report, () => describeDry(report));
  if (report.disk.fits) return;
  context.note("prag: the disk is too small; free some space, or choose another data folder");
  throw new ReportedFailure(exitCodes.capacity);
}

function describeDry(report: DryRun): string[] {
  const { passages, encoded, toEncode, notAugmented, feedForward, disk } = report;
  const numbers = (value: number) => value.toLocaleString("en");
  return [
    `passages       ${numbers(passages)}: ${numbers(encoded)} encoded, ${numbers(toEncode)} to encode`,
    ...(notAugmented
      ? [`               ${numbers(notAugmented)} not augmented yet: estimated; augmenting comes on top`]
      : []),
    `training       ${numbers(report.trainingTokens)} tokens, about ${formatDuration(report.expectedSeconds)}`,
    `adapter        ${numbers(report.parametersPerAdapter)} parameters, ${formatBytes(report.bytesPerAdapter)}`,
    `               on gate, up and down 3nr(h+l) = ${numbers(feedForward.parameters)}; the paper's 2nr(h+l) = ${numbers(feedForward.paperParameters)}`,
    `disk           ${formatBytes(disk.neededBytes)} needed, ${formatBytes(disk.freeBytes)} free${disk.fits ? "" : ": too small"}`,
    `peak memory    ${formatBytes(report.peakMemoryBytes)}`,
  ];
}
