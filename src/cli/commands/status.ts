import type { Command } from "commander";
import { type StatusReport, status } from "../../engine/status.ts";
import { count, formatBytes } from "../format.ts";
import { addExamples } from "../options.ts";
import { type Shell, withEngine } from "../shell.ts";

/** `prag status`: what there is, and what is missing. */
export function addStatus(program: Command, shell: Shell): void {
  const command = program
    .command("status")
    .description("Show the collection, its index, augmentation and adapters, the model, and what is missing.")
    .action(async (_options: unknown, self: Command) => {
      await withEngine(shell, { command: self }, async (context) => {
        const report = await status(context.parts);
        context.print(report, () => describe(report));
      });
    });
  addExamples(command, ["prag status", "prag status --collection manuals --json"]);
}

function describe(report: StatusReport): string[] {
  const { collection, collections, corpus, index, augmented, encoding, adapters, model, disk } = report;
  const others = collections.filter((name) => name !== collection);
  return [
    `data folder  ${report.dataFolder} (${formatBytes(disk.usedBytes)}, ${formatBytes(disk.freeBytes)} free on the disk)`,
    `collection   ${collection}${others.length ? ` (others: ${others.join(", ")})` : ""}`,
    `corpus       ${corpus ? `${count(corpus.documents, "document")}, ${count(corpus.passages, "passage")}` : "none"}`,
    `index        ${index ? `${index.analyzer}` : "none"}`,
    `augmented    ${augmented === null ? "unknown without the model" : count(augmented, "passage")}`,
    `model        ${model.name}${model.problem ? ` (${model.problem})` : ` (${model.architecture}, ${count(model.parameters ?? 0, "parameter")})`}`,
    ...(encoding
      ? [
          `recipe       ${encoding.recipe.name}, pattern ${encoding.recipe.pattern}, rank ${encoding.recipe.rank}, hash ${encoding.recipeHash}`,
        ]
      : []),
    `encoded      ${encoding ? `${count(encoding.encoded, "passage")} of ${encoding.passages}` : "unknown without the model"}`,
    `adapters     ${count(adapters.count, "file")}, ${formatBytes(adapters.bytes)}`,
    ...report.todo.map((line) => `next         ${line}`),
  ];
}
