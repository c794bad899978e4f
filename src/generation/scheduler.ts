import { setMaxListeners } from "node:events";
import type { Adapter } from "../adapters/adapter.ts";
import { messageOf } from "../base/errors.ts";
import type { DecodingBatch } from "./decoding-batch.ts";
import type { DecodingSession } from "./decoding-session.ts";
import type { GeneratedToken } from "./generator.ts";

/** A sequence that is continued token by token. */
export interface Continuation {
  readonly prompt: readonly number[];
  readonly request: { adapter?: Adapter | undefined; maxTokens: number };
  readonly finished: boolean;
  /** The token chosen last, to be fed next. */
  readonly lastId: number;
  /** Chooses the next token; gives those whose text is settled. */
  advance(logits: Float32Array, ends: ReadonlySet<number>): GeneratedToken[];
}

/** Continues any number of sequences in one batch: they join and leave it between two steps. */
export interface Scheduler {
  /**
   * Continues a sequence to its end and yields what it gains. Whoever stops listening, or aborts, frees its place before
   * the next step.
   */
  run(row: Continuation, signal?: AbortSignal): AsyncGenerator<GeneratedToken[]>;
}

interface SchedulerParts {
  session: DecodingSession;
  /** Tokens that end a sequence. */
  ends: readonly number[];
  /** Rows that share a step; others wait in order. */
  maxRows: number;
  /** Prompt tokens, padding included, that are read between two steps of the others. */
  promptTokens?: number;
}

/** A sequence in the batch or before it. */
interface Entry {
  row: Continuation;
  /** Tokens of its prompt that have been fed. */
  fed: number;
  tokens: GeneratedToken[][];
  state: "going" | "finished" | "cancelled" | "failed";
  error?: unknown;
  /** Wakes the listener. */
  wake: () => void;
  isGone: boolean;
}

/** Makes a scheduler; it holds a batch only while there is something to continue. */
export function createScheduler(parts: SchedulerParts): Scheduler {
  const loop = new Loop(parts);
  return {
    async *run(row, signal) {
      signal?.throwIfAborted();
      const entry: Entry = { row, fed: 0, tokens: [], state: "going", wake: () => {}, isGone: false };
      const changed = () => new Promise<void>((resolve) => (entry.wake = resolve));
      const cancel = () => {
        if (entry.state === "going") entry.state = "cancelled";
        entry.wake();
      };
      if (signal) setMaxListeners(0, signal); // one for each sequence of a batch, removed below: no leak to warn of
      signal?.addEventListener("abort", cancel, { once: true });
      loop.add(entry);
      try {
        while (true) {
          signal?.throwIfAborted();
          if (entry.tokens.length) yield entry.tokens.splice(0).flat();
          else if (entry.state === "failed") throw entry.error;
          else if (entry.state === "finished") return;
          else await changed();
        }
      } finally {
        signal?.removeEventListener("abort", cancel);
        cancel();
        while (!entry.isGone) await changed();
      }
    },
  };
}

class Loop {
  readonly #session: DecodingSession;
  readonly #ends: ReadonlySet<number>;
  readonly #maxRows: number;
  readonly #promptTokens: number;
  #waiting: Entry[] = [];
  /** Rows of the batch; those whose prompt is not wholly fed stand last. */
  readonly #active: Entry[] = [];
  #isWorking = false;

  constructor({ session, ends, maxRows, promptTokens = 512 }: SchedulerParts) {
    this.#session = session;
    this.#ends = new Set(ends);
    this.#maxRows = maxRows;
    this.#promptTokens = promptTokens;
  }

  add(entry: Entry): void {
    this.#waiting.push(entry);
    if (!this.#isWorking) void this.#work();
  }

  /** Steps until nothing is left. Sequences that are added together begin together: the batch opens after this turn. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    let batch: DecodingBatch | undefined;
    try {
      batch = await this.#session.openBatch([], 0, { rows: this.#maxRows });
      while (this.#isNeeded()) {
        await this.#dropEnded(batch);
        await this.#admit(batch);
        await this.#readPrompts(batch);
        await this.#step(batch);
      }
    } catch (error) {
      for (const entry of [...this.#active, ...(batch ? [] : this.#waiting)]) fail(entry, error);
    }
    const gone = [...this.#active.splice(0)];
    await batch?.dispose().catch((error: unknown) => {
      for (const entry of this.#waiting) fail(entry, error);
    });
    for (const entry of gone) leave(entry);
    this.#isWorking = false;
    if (this.#isNeeded()) void this.#work();
  }

  #isNeeded(): boolean {
    this.#waiting = this.#waiting.filter((entry) => entry.state === "going" || leave(entry));
    return this.#waiting.length > 0 || this.#active.some(({ state }) => state === "going");
  }

  /** Takes out who has ended, so that the rows in use lie side by side again. */
  async #dropEnded(batch: DecodingBatch): Promise<void> {
    const active = this.#active;
    for (const entry of active.filter(({ state }) => state !== "going")) {
      const at = active.indexOf(entry);
      const ready = this.#readyCount();
      // The last row that is ready takes the place, and the last of all takes that one's.
      await this.#fill(batch, at < ready ? ready - 1 : at, at);
      await this.#fill(batch, active.length - 1, at < ready ? ready - 1 : at);
      active.pop();
      batch.truncate(active.length);
      leave(entry);
    }
  }

  async #fill(batch: DecodingBatch, from: number, to: number): Promise<void> {
    if (from === to) return;
    await batch.move(from, to);
    this.#active[to] = this.#active[from]!;
  }

  #readyCount(): number {
    const first = this.#active.findIndex(({ fed, row }) => fed < row.prompt.length);
    return first < 0 ? this.#active.length : first;
  }

  async #admit(batch: DecodingBatch): Promise<void> {
    while (this.#active.length < this.#maxRows && this.#waiting.length) {
      const entry = this.#waiting.shift()!;
      const { prompt, request } = entry.row;
      try {
        const coming = Math.min(this.#waiting.length, this.#maxRows - this.#active.length - 1);
        await batch.join([request.adapter], prompt.length + request.maxTokens, { coming });
        this.#active.push(entry);
      } catch (error) {
        fail(entry, error); // an adapter that does not fit; the others go on
        leave(entry);
      }
    }
  }

  /** Feeds prompts: a few short ones together, or a piece of a long one, so that the others need not wait long. */
  async #readPrompts(batch: DecodingBatch): Promise<void> {
    const from = this.#readyCount();
    const first = this.#active[from];
    if (!first) return;
    const group = first.fed > 0 ? [first] : this.#shortPrompts(from);
    const pieces = group.map(({ row, fed }) => row.prompt.slice(fed, fed + this.#promptTokens));
    const logits = await batch.feed(pieces, { from });
    for (const [i, entry] of group.entries()) {
      entry.fed += pieces[i]!.length;
      if (entry.fed === entry.row.prompt.length) this.#advance(entry, logits[i]!);
    }
  }

  /** The next prompts that together, padded, are short enough; at least one. */
  #shortPrompts(from: number): Entry[] {
    const group: Entry[] = [];
    let longest = 0;
    for (const entry of this.#active.slice(from)) {
      longest = Math.max(longest, entry.row.prompt.length);
      if (group.length && longest * (group.length + 1) > this.#promptTokens) break;
      group.push(entry);
    }
    return group;
  }

  /** One token for every row that is ready. */
  async #step(batch: DecodingBatch): Promise<void> {
    const ready = this.#active.slice(0, this.#readyCount());
    if (!ready.some(({ state }) => state === "going")) return;
    const logits = await batch.feed(ready.map(({ row, state }) => (state === "going" ? [row.lastId] : [])));
    for (const [i, entry] of ready.entries()) this.#advance(entry, logits[i]!);
  }

  #advance(entry: Entry, logits: Float32Array): void {
    if (entry.state !== "going") return;
    let tokens: GeneratedToken[];
    try {
      tokens = entry.row.advance(logits, this.#ends);
    } catch (error) {
      fail(entry, error); // what the model says to it is no number; the others go on
      return;
    }
    if (tokens.length) entry.tokens.push(tokens);
    if (entry.row.finished) entry.state = "finished";
    if (tokens.length || entry.row.finished) entry.wake();
  }
}

function fail(entry: Entry, error: unknown): void {
  if (entry.state !== "going") return;
  entry.state = "failed";
  entry.error = error instanceof Error ? error : new Error(messageOf(error));
  entry.wake();
}

/** Lets the listener go. Returns false, for filters. */
function leave(entry: Entry): false {
  entry.isGone = true;
  entry.wake();
  return false;
}
