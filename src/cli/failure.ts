import { CommanderError } from "commander";
import { ConfigError, EngineError, messageOf, systemCode } from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import { bugExitCode, exitCodes, interruptedExitCode } from "./exit-codes.ts";
import { Interrupted } from "./interrupt.ts";
import type { Terminal } from "./terminal.ts";

/** Says why a command failed, in one line or as one JSON value, and returns the exit code. */
export function reportFailure(
  thrown: unknown,
  { terminal, json, signal }: { terminal: Terminal; json: boolean; signal: AbortSignal },
): number {
  const error = explain(thrown, signal);
  if (error instanceof CommanderError) return error.exitCode; // help or version was asked for and printed
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
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? error : new ConfigError(error.message.replace(/^error: /, ""));
  if (signal.aborted && (error === signal.reason || (error instanceof Error && error.name === "AbortError")))
    return signal.reason;
  if (systemCode(error) !== undefined && error instanceof Error && "path" in error)
    return explainSystemError(error, String(error.path));
  return error;
}
