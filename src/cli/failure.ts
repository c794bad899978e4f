import { CommanderError } from "commander";
import { ConfigError, EngineError, messageOf, systemCode } from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import { bugExitCode, exitCodes, interruptedExitCode } from "./exit-codes.ts";
import { Interrupted } from "./interrupt.ts";
import type { Terminal } from "./terminal.ts";

/** Ends a command that has printed its result, which tells of a failure. */
export class ReportedFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("what failed was printed");
    this.exitCode = exitCode;
  }
}

/** Says why a command failed, in one line or as one JSON value, and returns the exit code. */
export function reportFailure(
  thrown: unknown,
  { terminal, json, signal }: { terminal: Terminal; json: boolean; signal: AbortSignal },
): number {
  const error = explain(thrown, signal);
  if (error instanceof CommanderError || error instanceof ReportedFailure) return error.exitCode; // all is said
  const [code, exitCode] = classify(error);
  const isBug = exitCode === bugExitCode;
  const message = messageOf(error).replace(/\s+/g, " ").trim();
  if (json) terminal.print(JSON.stringify({ error: { code, message } }, null, 2));
  else if (!isBug) terminal.note(`prag: ${message}`);
  if (isBug) {
    terminal.note(error instanceof Error ? (error.stack ?? message) : message);
    terminal.note("prag: this is a bug; please report it with the lines above and what you did");
  }
  return exitCode;
}

function classify(error: unknown): [code: string, exitCode: number] {
  if (error instanceof EngineError) return [error.code, exitCodes[error.code]];
  if (error instanceof Interrupted) return ["interrupted", interruptedExitCode];
  return ["internal", bugExitCode];
}

/** Turns what other libraries and the system throw into errors of ours. */
function explain(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return error;
    // A command with subcommands was called without one: its help was printed.
    if (error.code === "commander.help") return new ReportedFailure(exitCodes.config);
    return new ConfigError(error.message.replace(/^error: /, ""));
  }
  if (signal.aborted && (error === signal.reason || (error instanceof Error && error.name === "AbortError")))
    return signal.reason;
  if (systemCode(error) !== undefined && error instanceof Error && "path" in error)
    return explainSystemError(error, String(error.path));
  return error;
}
