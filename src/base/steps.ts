import { setImmediate } from "node:timers/promises";

/** Long work on a text that can be left at every `yield`, which says how many characters were gone through since the last. */
export type Steps<Result> = Generator<number, Result>;

/** Does all of the work at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Characters that are gone through before other work has its turn: some tens of milliseconds where words are counted. */
const charactersOfATurn = 1 << 15;

/**
 * Does one work after the other with other work of the process in between, be they many short ones or a long one; the
 * signal ends it at a turn.
 */
export function createTurns(signal?: AbortSignal): <Result>(steps: Steps<Result>) => Promise<Result> {
  let done = 0;
  return async (steps) => {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      done += step.value;
      if (done < charactersOfATurn) continue;
      done = 0;
      await setImmediate();
      signal?.throwIfAborted();
    }
  };
}
