import { resolve } from "node:path";
import type { Command } from "commander";
import type { EngineConfig, EngineSettings } from "../engine/config.ts";
import { openConfigured } from "../engine/open-engine.ts";
import type { EngineParts } from "../engine/parts.ts";
import { loadSettings, resolveConfig } from "../engine/settings.ts";
import { readGlobalOptions } from "./options.ts";
import { createProgressBar } from "./progress-bar.ts";
import type { Terminal } from "./terminal.ts";

/** What commands take from their surroundings. */
export interface Shell {
  terminal: Terminal;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  env: Readonly<Record<string, string | undefined>>;
  /** The working folder. */
  cwd: string;
  /** Milliseconds, for durations. */
  clock: () => number;
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
}

/** How a command speaks. */
export interface Speech {
  terminal: Terminal;
  json: boolean;
  /** Prints the command's result: a JSON value for programs, or lines for people. */
  print(value: unknown, lines: () => readonly string[]): void;
  /** Says something about the result to people, on standard error. */
  note(line: string): void;
}

/** What a command works with. */
export interface CommandContext extends Speech {
  parts: EngineParts;
  signal: AbortSignal;
  /** Takes the progress bar away before something is written beside it. */
  clearBar(): void;
}

/** The voice of a command. */
export function speechOf({ terminal }: Shell, { json, quiet }: { json: boolean; quiet: boolean }): Speech {
  return {
    terminal,
    json,
    print(value, lines) {
      if (json) terminal.print(JSON.stringify(value, null, 2));
      else for (const line of lines()) terminal.print(line);
    },
    note: (line) => {
      if (!quiet) terminal.note(line);
    },
  };
}

/** Which settings a command has. */
export interface CommandSettings {
  command: Command;
  /** Those of its own options. */
  settings?: EngineSettings;
  /** The settings file of the working folder does not count; one that `--config` names does. */
  ignoreFile?: boolean;
  /** What is recorded with the collection does not count: the command works in one of its own. */
  ignoreRecorded?: boolean;
}

/** Reads the settings of a command: its options, the settings file, what is recorded with the collection. */
export async function loadCommandConfig(
  { cwd }: Shell,
  { command, settings = {}, ignoreFile = false, ignoreRecorded = false }: CommandSettings,
): Promise<EngineConfig> {
  const { configFile, settings: globals } = readGlobalOptions(command);
  const all = { ...globals, ...settings };
  if (configFile === undefined && ignoreFile) return resolveConfig(all);
  const file = configFile === undefined ? undefined : resolve(cwd, configFile);
  return loadSettings({ folder: cwd, file, settings: all, ignoreRecorded });
}

/** Opens an engine by the command's settings, runs the task, and closes the engine. */
export async function withEngine<T>(
  shell: Shell,
  choice: CommandSettings,
  task: (context: CommandContext) => Promise<T>,
): Promise<T> {
  const globals = readGlobalOptions(choice.command);
  const config = await loadCommandConfig(shell, choice);
  const bar = createProgressBar({ ...shell.terminal.bar, clock: shell.clock });
  const engine = await openConfigured(config, {
    progress: globals.quiet ? undefined : bar.progress,
    env: shell.env,
    clock: shell.clock,
    signal: shell.signal,
  });
  const speech = speechOf(shell, globals);
  try {
    return await task({
      ...speech,
      print(value, lines) {
        bar.clear();
        speech.print(value, lines);
      },
      note(line) {
        bar.clear();
        speech.note(line);
      },
      parts: engine.parts,
      signal: shell.signal,
      clearBar: bar.clear,
    });
  } finally {
    bar.clear();
    await engine.dispose();
  }
}
