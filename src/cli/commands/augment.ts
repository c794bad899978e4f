import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { type AugmentReport, augment } from "../../engine/augment.ts";
import { choices } from "../../engine/config.ts";
import { importAugmentations } from "../../engine/import-augmentations.ts";
import { count } from "../format.ts";
import { addExamples, choiceOption, readOptions, wholeNumber } from "../options.ts";
import { type CommandContext, type Shell, withEngine } from "../shell.ts";

const schema = z.object({
  augmenter: z.enum(choices.augmenter).optional(),
  rewrites: z.number().optional(),
  pairs: z.number().optional(),
  seed: z.number().optional(),
  import: z.string().optional(),
});

/** `prag augment`: passages → rewrites and question-answer pairs, checked. */
export function addAugment(program: Command, shell: Shell): void {
  const command = program
    .command("augment")
    .description(
      "Make rewrites and question-answer pairs of every passage that has none, and check them. The options are remembered with the collection; encode does this by itself where it was not done.",
    )
    .addOption(
      choiceOption("--augmenter <kind>", "who writes (default: auto, the model or rules)", choices.augmenter),
    )
    .option(
      "--rewrites <count>",
      "rewrites of each passage (default: the model's preset, else 1)",
      wholeNumber,
    )
    .option(
      "--pairs <count>",
      "question-answer pairs of each passage (default: the model's preset, else 3)",
      wholeNumber,
    )
    .option("--seed <number>", "of what is chosen (default: 42)", wholeNumber)
    .option("--import <file>", "take ready-made augmentations: JSONL, or the reference project's JSON")
    .action((_options: unknown, self: Command) => {
      const { import: file, ...settings } = readOptions(self, schema);
      return withEngine(shell, { command: self, settings: { augment: settings } }, (context) =>
        file === undefined ? make(context) : importFile(context, resolve(shell.cwd, file)),
      );
    });
  addExamples(command, [
    "prag augment",
    "prag augment --augmenter rule --pairs 8",
    "prag augment --import augmented.jsonl",
  ]);
}

async function make(context: CommandContext): Promise<void> {
  const report = await augment(context.parts, { signal: context.signal });
  context.print(report, () => describe(report));
}

function describe({ passages, madeNow, pairs, rewrites, withoutPairs, augmenters, account }: AugmentReport) {
  const by = Object.entries(augmenters).map(([name, number]) => `${name} (${number})`);
  return [
    `${count(passages, "passage")}: ${madeNow} augmented now, by ${by.join(", ") || "nobody"}`,
    `${count(pairs, "pair")} and ${count(rewrites, "rewrite")} are usable; ${withoutPairs} passages have no usable pair`,
    ...describeDropped(account.dropped),
  ];
}

async function importFile(context: CommandContext, path: string): Promise<void> {
  const report = await importAugmentations(context.parts, path);
  const { matched, unknown, account } = report;
  context.print(report, () => [
    `${count(matched, "passage")} got an augmentation; ${count(unknown, "record")} fit no passage`,
    `${account.pairs.usable} of ${account.pairs.made} pairs and ${account.rewrites.usable} of ${account.rewrites.made} rewrites are usable`,
    ...describeDropped(account.dropped),
  ]);
}

function describeDropped(dropped: Readonly<Record<string, number>>): string[] {
  const reasons = Object.entries(dropped).map(([reason, number]) => `${reason} (${number})`);
  return reasons.length ? [`dropped: ${reasons.join(", ")}`] : [];
}
