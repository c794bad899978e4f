import { systemCode } from "../base/errors.ts";
import { reportFailure } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { createProgram } from "./program.ts";
import type { Shell } from "./shell.ts";
import { createTerminal } from "./terminal.ts";

// A reader that has seen enough (`prag … | head`) is no failure.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error) => {
    if (systemCode(error) === "EPIPE") process.exit(0);
    throw error;
  });

const shell: Shell = {
  terminal: createTerminal(process.stdout, process.stderr, process.env),
  signal: listenForInterrupt(process),
  env: process.env,
  cwd: process.cwd(),
  clock: () => performance.now(),
  stdin: process.stdin,
};
const words = process.argv.slice(2);
try {
  await createProgram(shell).parseAsync(words, { from: "user" });
} catch (error) {
  const json = words.includes("--json");
  process.exitCode = reportFailure(error, { terminal: shell.terminal, json, signal: shell.signal });
}
