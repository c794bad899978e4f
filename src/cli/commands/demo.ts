import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { ConfigError } from "../../base/errors.ts";
import { count, formatBytes, formatDuration } from "../format.ts";
import { addExamples, readOptions, wholeNumber } from "../options.ts";
import { type DemoReport, runDemo } from "../run-demo.ts";
import { type CommandContext, type Shell, withEngine } from "../shell.ts";
import { formatTable } from "../terminal.ts";

const schema = z.object({
  all: z.boolean().default(false),
  questions: z.number(),
  seed: z.number(),
  workFolder: z.string(),
});

/** `prag demo`: everything once, on the example corpus of the package. */
export function addDemo(program: Command, shell: Shell): void {
  const command = program
    .command("demo")
    .description(
      "Encode the example corpus (articles about invented things, so that no model knows them) and compare the methods on its questions. A second run finds the adapters of the first.",
    )
    .option("--all", "ask all questions")
    .option("--questions <count>", "how many to ask", wholeNumber, 80)
    .option("--seed <number>", "of the choice of questions", wholeNumber, 42)
    .option("--work-folder <folder>", "where the demo's data lies", ".prag-demo")
    .action((_options: unknown, self: Command) => {
      const { all, questions, seed, workFolder } = readOptions(self, schema);
      if (questions < 1) throw new ConfigError(`--questions must be at least 1, got ${questions}`);
      const settings = { dataFolder: resolve(shell.cwd, workFolder), collection: "atlas" };
      return withEngine(shell, { command: self, settings, ignoreFile: true }, async (context) => {
        const { parts, signal } = context;
        const wanted = all ? undefined : questions;
        const { methods, ...report } = await runDemo(parts, { questions: wanted, seed, signal });
        const rows = methods.map(({ fallbacks: _fallbacks, failed: _failed, ...row }) => row);
        context.print({ ...report, methods: rows }, () => describe({ ...report, methods }, context));
      });
    });
  addExamples(command, ["prag demo", "prag demo --all --json", "prag demo --questions 20"]);
}

function describe(
  { model, corpus, augmenter, encode, methods }: DemoReport,
  { parts }: CommandContext,
): string[] {
  const head = ["method", "EM", "F1", "precision", "recall", "prompt tokens", "p50 ms", "p95 ms"];
  const table = methods.map(({ name, em, f1, precision, recall, promptTokens, latencyMs, fallbacks }) => [
    fallbacks ? `${name}*` : name,
    ...[em, f1, precision, recall].map((score) => score.toFixed(3)),
    Math.round(promptTokens),
    Math.round(latencyMs.p50),
    Math.round(latencyMs.p95),
  ]);
  const fallbacks = methods.reduce((sum, one) => sum + one.fallbacks, 0);
  return [
    `${model} on the atlas: ${count(corpus.documents, "document")}, ${count(corpus.passages, "passage")}, augmented by: ${augmenter}`,
    `adapters: trained in ${formatDuration(encode.seconds)} (${encode.passagesPerSecond.toFixed(2)} passages per second), ${formatBytes(encode.bytesPerAdapter)} each`,
    "",
    ...formatTable([head, ...table]),
    ...methods.flatMap(({ name, failed }) =>
      failed ? [`${name}: ${count(failed, "question")} did not fit into the model's context`] : [],
    ),
    ...(fallbacks ? [`* ${count(fallbacks, "passage")} had no adapter and stood in the prompt`] : []),
    "",
    `the adapters lie in ${parts.folder.adapters}`,
  ];
}
