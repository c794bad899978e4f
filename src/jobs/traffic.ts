import { setTimeout as sleep } from "node:timers/promises";

/** Counts the requests that are being answered, so that training can give way to them. */
export class Traffic {
  #inFlight = 0;
  #wake: (() => void)[] = [];

  get inFlight(): number {
    return this.#inFlight;
  }

  /** A request begins; call what comes back, once, when it has ended. */
  enter(): () => void {
    this.#inFlight++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--this.#inFlight > 0) return;
      for (const wake of this.#wake.splice(0)) wake();
    };
  }

  /**
   * Waits until nothing has been in flight for `quietMs`, or `maxPauseMs` are over, so that steady traffic cannot stop
   * training for ever. Returns at once where nothing is in flight and `quietMs` is 0.
   */
  async whenQuiet({
    quietMs = 0,
    maxPauseMs = Number.POSITIVE_INFINITY,
    signal,
  }: {
    quietMs?: number;
    maxPauseMs?: number;
    signal?: AbortSignal | undefined;
  } = {}): Promise<void> {
    if (this.#inFlight === 0 && quietMs === 0) return;
    const limit = new AbortController();
    const stop = () => limit.abort();
    const timer = Number.isFinite(maxPauseMs) ? setTimeout(stop, maxPauseMs) : undefined;
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    try {
      while (!limit.signal.aborted) {
        await this.#whenEmpty(limit.signal);
        if (limit.signal.aborted || quietMs === 0) return;
        await sleep(quietMs, undefined, { signal: limit.signal }).catch(() => {}); // aborted: seen above
        if (this.#inFlight === 0) return;
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
  }

  #whenEmpty(signal: AbortSignal): Promise<void> {
    if (this.#inFlight === 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}
