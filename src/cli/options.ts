import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { ConfigError } from "../base/errors.ts";
import { choices, type EngineSettings } from "../engine/config.ts";

/** Parses a whole number of an option. */
export function wholeNumber(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

/** Parses a number of an option. */
export function decimalNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number)) throw new InvalidArgumentError("It must be a number.");
  return number;
}

/** Parses a JSON object of an option. */
export function jsonObject(text: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    throw new InvalidArgumentError(`It must be a JSON object, as '{"theta":0.6}'.`);
  }
}

/** Parses whole numbers separated by commas. */
export function numberList(text: string): number[] {
  return text.split(",").map((number) => wholeNumber(number.trim()));
}

/** Parses names separated by commas. */
export function nameList(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.some((name) => name === ""))
    throw new InvalidArgumentError("It must be names separated by commas.");
  return names;
}

/** Refuses a name that is none of the known ones; `kind` says what they name. */
export function checkNames(
  names: readonly string[] | undefined,
  { kind, known }: { kind: string; known: readonly string[] },
): void {
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ConfigError(`${kind} "${unknown}" is not known; ${kind}s are ${known.join(", ")}`);
}

/** Refuses an option that was given, but has no effect; `why` says so behind its name. */
export function refuseIdle(
  options: Readonly<Record<string, unknown>>,
  idle: readonly string[],
  why: string,
): void {
  const given = idle.find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw new ConfigError(`--${given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${why}`);
}

/** An option with one of several words. */
export function choiceOption(flags: string, description: string, words: readonly string[]): Option {
  return new Option(flags, description).choices(words);
}

/** The options of every command. */
export function addGlobalOptions(program: Command): Command {
  return program
    .option("--config <file>", "settings file (default: prag.config.json in this folder, if there is one)")
    .option("--data-folder <folder>", "where corpus, index and adapters lie (default: .prag)")
    .option("--collection <name>", "which collection of the data folder (default: default)")
    .option("--model <model>", "model of this package, folder, or hub id org/name (default: prag-mini)")
    .option("--revision <revision>", "branch, tag or commit of a model on the hub")
    .option("--cache-folder <folder>", "where fetched models lie (default: ~/.cache/parametric-rag)")
    .option("--offline", "never ask the hub")
    .addOption(choiceOption("--device <device>", "where the model runs (default: cpu)", choices.device))
    .option("--threads <count>", "processor threads (default: all)", wholeNumber)
    .addOption(choiceOption("--weights <kind>", "weights in use (default: auto)", choices.weights))
    .addOption(
      choiceOption("--adapter-dtype <type>", "how adapters are stored (default: f16)", choices.adapterDtype),
    )
    .addOption(
      choiceOption("--compat <mode>", "do what the paper's code does (default: none)", choices.compat),
    )
    .option("--json", "print one JSON value, for programs")
    .option("--quiet", "no progress and no notes");
}

const globalSchema = z.object({
  config: z.string().optional(),
  dataFolder: z.string().optional(),
  collection: z.string().optional(),
  model: z.string().optional(),
  revision: z.string().optional(),
  cacheFolder: z.string().optional(),
  offline: z.boolean().optional(),
  device: z.enum(choices.device).optional(),
  threads: z.number().optional(),
  weights: z.enum(choices.weights).optional(),
  adapterDtype: z.enum(choices.adapterDtype).optional(),
  compat: z.enum(choices.compat).optional(),
  json: z.boolean().default(false),
  quiet: z.boolean().default(false),
});

/** The options of every command, read. */
export interface GlobalOptions {
  configFile: string | undefined;
  json: boolean;
  quiet: boolean;
  settings: EngineSettings;
}

/** Reads the options of every command. */
export function readGlobalOptions(command: Command): GlobalOptions {
  const { config, json, quiet, ...settings } = readOptions(command, globalSchema);
  return { configFile: config, json, quiet, settings };
}

/** Reads a command's own options; their form is what its definition says, so a mismatch is a bug. */
export function readOptions<T>(command: Command, schema: z.ZodType<T>): T {
  const result = schema.safeParse(command.optsWithGlobals());
  if (result.success) return result.data;
  throw new Error(`internal: options of ${command.name()}: ${z.prettifyError(result.error)}`);
}

/** Examples at the end of a command's help. */
export function addExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${examples.map((line) => `  $ ${line}\n`).join("")}`);
}
