import type { ErrorCode } from "../base/errors.ts";

/** How the process ends for each kind of failure: the one place where this is decided. */
export const exitCodes: Record<ErrorCode, number> = {
  config: 2,
  input: 2,
  format: 3,
  "not-found": 4,
  unsupported: 5,
  shape: 6,
  remote: 7,
  capacity: 8,
};

/** A bug of this program: `EX_SOFTWARE` of sysexits.h. */
export const bugExitCode = 70;
/** Ended by Ctrl-C: 128 + SIGINT, as shells have it. */
export const interruptedExitCode = 130;
