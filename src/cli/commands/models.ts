import type { Command } from "commander";
import { noProgress } from "../../base/progress.ts";
import { listModels, pullModel } from "../../engine/model-library.ts";
import { formatBytes } from "../format.ts";
import { addExamples, readGlobalOptions } from "../options.ts";
import { createProgressBar } from "../progress-bar.ts";
import { loadCommandConfig, type Shell, speechOf } from "../shell.ts";
import { formatTable } from "../terminal.ts";

/** `prag models`: which models are at hand, and fetching others. */
export function addModels(program: Command, shell: Shell): void {
  const command = program
    .command("models")
    .description("List the models at hand, or fetch one from the hub.");
  addExamples(command, ["prag models list", "prag models pull Qwen/Qwen2.5-0.5B-Instruct"]);
  addList(command, shell);
  addPull(command, shell);
}

function addList(models: Command, shell: Shell): void {
  const command = models
    .command("list")
    .description("List the models of this package and those in the cache folder.")
    .action(async (_options: unknown, self: Command) => {
      const found = await listModels(await loadCommandConfig(shell, { command: self }));
      speechOf(shell, readGlobalOptions(self)).print(found, () =>
        formatTable([
          ["model", "revision", "size", "folder"],
          ...found.map(({ name, revision, bytes, folder }) => [
            name,
            revision.slice(0, 12),
            formatBytes(bytes),
            folder,
          ]),
        ]),
      );
    });
  addExamples(command, ["prag models list", "prag models list --json"]);
}

function addPull(models: Command, shell: Shell): void {
  const command = models
    .command("pull")
    .description("Fetch a model into the cache folder; a fetch that was cut goes on where it ended.")
    .argument("<id>", "hub id, org/name or org/name@revision")
    .action(async (id: string, _options: unknown, self: Command) => {
      const globals = readGlobalOptions(self);
      const bar = createProgressBar({ ...shell.terminal.bar, clock: shell.clock });
      const progress = globals.quiet ? noProgress : bar.progress;
      const config = await loadCommandConfig(shell, { command: self });
      try {
        const folder = await pullModel(id, config, { env: shell.env, progress, signal: shell.signal });
        bar.clear();
        speechOf(shell, globals).print({ model: id, folder }, () => [folder]);
      } finally {
        bar.clear();
      }
    });
  addExamples(command, [
    "prag models pull Qwen/Qwen2.5-0.5B-Instruct",
    "HF_TOKEN=… prag models pull meta-llama/Llama-3.2-1B-Instruct",
  ]);
}
