import { dirname, isAbsolute, relative, resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { ConfigError } from "../../base/errors.ts";
import { isFile, writeJson } from "../../base/files.ts";
import { completeConfig, configFileName, type EngineSettings } from "../../engine/config.ts";
import { addExamples, readGlobalOptions, readOptions } from "../options.ts";
import { type Shell, speechOf } from "../shell.ts";

/** `prag init`: a settings file to begin with. Nothing needs it. */
export function addInit(program: Command, shell: Shell): void {
  const command = program
    .command("init")
    .description(
      "Write prag.config.json with the options given, so that later commands need not repeat them. Optional: everything has a default.",
    )
    .option("--force", "replace the file that is there")
    .action(async (_options: unknown, self: Command) => {
      const { force } = readOptions(self, z.object({ force: z.boolean().optional() }));
      const globals = readGlobalOptions(self);
      const path = resolve(shell.cwd, globals.configFile ?? configFileName);
      if (!force && (await isFile(path)))
        throw new ConfigError(`${path} is there already; edit it, or replace it with --force`);
      const settings = settingsFor(dirname(path), globals.settings, shell);
      await writeJson(path, settings);
      speechOf(shell, globals).print({ path, settings }, () => [
        `${path} written`,
        'next: "prag ingest FILES…", "prag encode", "prag ask QUESTION"',
      ]);
    });
  addExamples(command, ["prag init", "prag init --model Qwen/Qwen2.5-0.5B-Instruct --collection manuals"]);
}

/** The settings given, complete in what everybody sets; paths as seen from the file's folder. */
function settingsFor(folder: string, given: EngineSettings, { cwd }: Shell): Record<string, unknown> {
  const { model, dataFolder, collection } = completeConfig(given);
  const settings: Record<string, unknown> = { model, dataFolder, collection, ...given };
  const isPath = /^\.{0,2}[/\\]/.test(model);
  for (const name of ["dataFolder", "cacheFolder", ...(isPath ? ["model"] : [])]) {
    const path = settings[name];
    if (typeof path !== "string" || isAbsolute(path)) continue;
    const seen = relative(folder, resolve(cwd, path));
    settings[name] = name === "model" && !seen.startsWith(".") ? `./${seen}` : seen;
  }
  return settings;
}
