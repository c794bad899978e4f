import { setMaxListeners } from "node:events";

/** Why a command ends: somebody pressed Ctrl-C. */
export class Interrupted extends Error {
  constructor() {
    super("interrupted; run the same command again to go on from here");
    this.name = "Interrupted";
  }
}

/** The part of a process that is used here. */
export interface SignalSource {
  on(signal: "SIGINT", listener: () => void): unknown;
  removeAllListeners(signal: "SIGINT"): unknown;
}

/**
 * The first Ctrl-C aborts the signal, so that a task ends between two steps; from then on the system's own handling is
 * back, and a second one ends the process at once, even while native code runs.
 */
export function listenForInterrupt(source: SignalSource): AbortSignal {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // every row of a batch listens, which Node.js takes for a leak
  source.on("SIGINT", () => {
    source.removeAllListeners("SIGINT");
    controller.abort(new Interrupted());
  });
  return controller.signal;
}
