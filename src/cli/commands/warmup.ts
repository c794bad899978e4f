import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { ConfigError } from "../../base/errors.ts";
import { runWarmUp, type WarmUpReport } from "../../engine/warm-up.ts";
import { writeLossCurve } from "../../evaluation/report.ts";
import { count, formatDuration } from "../format.ts";
import { addExamples, choiceOption, decimalNumber, readOptions, wholeNumber } from "../options.ts";
import { type Shell, withEngine } from "../shell.ts";
import { loadWarmUpRows } from "../warm-up-rows.ts";

const schema = z.object({
  data: z.string(),
  out: z.string(),
  cot: z.boolean().default(false),
  skip: z.number(),
  count: z.number().optional(),
  learningRate: z.number().optional(),
  decay: z.enum(["constant", "linear"]).optional(),
  epochs: z.number().optional(),
  batch: z.number().optional(),
  seed: z.number(),
});
type WarmUpOptions = z.infer<typeof schema>;

/** `prag warmup`: a better start for every adapter. */
export function addWarmup(program: Command, shell: Shell): void {
  const command = program
    .command("warmup")
    .description(
      'Train one adapter to answer questions in the form of this product, without any passage; "prag encode --init-adapter" then starts every passage\'s adapter from it. Interrupted, the same command goes on.',
    )
    .requiredOption(
      "--data <file>",
      "questions with answers: JSONL or an original file of a dataset; not those that will be asked in an evaluation",
    )
    .requiredOption("--out <folder>", "where the adapter goes, as a PEFT folder")
    .option("--cot", 'learn chains of thought: JSONL with question, answers and "reasoning"')
    .option("--skip <rows>", "leave out the first rows, which an evaluation asks", wholeNumber, 0)
    .option("--count <pairs>", "how many, drawn by the seed (default: all)", wholeNumber)
    .option("--learning-rate <rate>", "of AdamW (default: 3e-4)", decimalNumber)
    .addOption(choiceOption("--decay <how>", "of the rate (default: constant)", ["constant", "linear"]))
    .option("--epochs <passes>", "passes over the pairs (default: 1)", wholeNumber)
    .option("--batch <pairs>", "pairs whose mean loss is one update (default: 1)", wholeNumber)
    .option("--seed <number>", "of the order of the pairs", wholeNumber, 42)
    .action((_options: unknown, self: Command) => run(shell, self));
  addExamples(command, [
    "prag warmup --data train.jsonl --count 2000 --out ./warm",
    "prag encode --init-adapter ./warm",
    "prag warmup --data reasoned.jsonl --cot --out ./warm-cot",
  ]);
}

async function run(shell: Shell, self: Command): Promise<void> {
  const options = readOptions(self, schema);
  check(options);
  const { cot: chainOfThought, skip, count: wanted, seed } = options;
  const path = resolve(shell.cwd, options.data);
  const folder = resolve(shell.cwd, options.out);
  await withEngine(shell, { command: self }, async ({ parts, signal, print }) => {
    const report = await runWarmUp(parts, {
      rows: await loadWarmUpRows(path, { chainOfThought }),
      data: basename(path),
      folder,
      chainOfThought,
      skip,
      count: wanted,
      seed,
      schedule: scheduleOf(options),
      signal,
    });
    await writeLossCurve(folder, report.losses);
    print(report, () => describe(report));
  });
}

function check({ skip, count: wanted = 1, learningRate = 1, epochs = 1, batch = 1 }: WarmUpOptions): void {
  const wrong = Object.entries({ count: wanted, "learning-rate": learningRate, epochs, batch }).find(
    ([, value]) => value <= 0,
  );
  if (wrong) throw new ConfigError(`--${wrong[0]} must be above 0, got ${wrong[1]}`);
  if (skip < 0) throw new ConfigError(`--skip must not be negative, got ${skip}`);
}

/** Only what was given, so that the rest stays as it is by default. */
function scheduleOf({ learningRate, decay, epochs, batch }: WarmUpOptions) {
  return {
    ...(learningRate !== undefined && { learningRate }),
    ...(decay !== undefined && { decay }),
    ...(epochs !== undefined && { epochs }),
    ...(batch !== undefined && { batch }),
  };
}

function describe({ folder, pairs, dropped, updates, resumedAt, seconds, losses }: WarmUpReport): string[] {
  const share = Math.max(1, Math.ceil(losses.length / 10));
  const meanOf = (some: readonly number[]) => some.reduce((a, b) => a + b, 0) / Math.max(1, some.length);
  const before = resumedAt ? `, ${resumedAt} of them before` : "";
  return [
    `${count(pairs, "pair")}${dropped ? ` (${count(dropped, "row")} could not be used)` : ""}: ${count(updates, "update")}${before}, ${formatDuration(seconds)}`,
    `loss ${meanOf(losses.slice(0, share)).toFixed(3)} in the first tenth, ${meanOf(losses.slice(-share)).toFixed(3)} in the last`,
    `the start is in ${folder}; use it with: prag encode --init-adapter ${folder}`,
  ];
}
