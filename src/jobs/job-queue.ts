import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CapacityError, EngineError, messageOf, NotFoundError } from "../base/errors.ts";
import type { Progress, ProgressEvent } from "../base/progress.ts";
import type { JobKind, JobProgress, JobRow } from "../engine/api.ts";

/** What a job is given while it runs. */
export interface JobContext {
  signal: AbortSignal;
  progress: Progress;
  /** Tells a training loss; `update` is 1 where other passages begin. */
  onLoss(update: number, loss: number): void;
}

/** A job to do. */
export interface JobTask {
  kind: JobKind;
  collection: string;
  isBackground?: boolean;
  run(context: JobContext): Promise<JobRow["result"]>;
}

interface Job {
  row: JobRow;
  task: JobTask;
  stop: AbortController;
  /** Progress when its task began, to tell how long the rest takes. */
  began: { task: string; done: number; atMs: number } | undefined;
  wake: Set<() => void>;
  ended: Promise<void>;
  settle: () => void;
}

/** Jobs that wait, at most. */
const mostWaiting = 100;
/** Finished jobs that are remembered. */
const remembered = 50;
/** Whoever watches a job hears of changes this often at most. */
const watchMs = 100;

/** Jobs, one at a time in order: a data folder has one writer. */
export class JobQueue {
  readonly #now: () => number;
  /** Hears of failures that are no `EngineError`. */
  readonly #onBug: (error: unknown) => void;
  /** Oldest first. */
  #jobs: Job[] = [];
  #running: Job | undefined;
  #isClosed = false;

  constructor({ now, onBug = () => {} }: { now: () => number; onBug?: (error: unknown) => void }) {
    this.#now = now;
    this.#onBug = onBug;
  }

  /** The job that runs, or the first of those that wait. */
  get current(): JobRow | undefined {
    return this.#jobs.find(({ row }) => !hasEnded(row))?.row;
  }

  /** Whether nothing runs and nothing waits. */
  get isIdle(): boolean {
    return this.current === undefined;
  }

  /** A `CapacityError` where too many wait. */
  add(task: JobTask): JobRow {
    if (this.#isClosed) throw new Error("internal: a job was added to a closed queue");
    const waiting = this.#jobs.filter(({ row }) => row.state === "waiting").length;
    if (waiting >= mostWaiting)
      throw new CapacityError(`${waiting} jobs wait already; try again when some have ended, or cancel some`);
    const { promise, resolve } = settled();
    const job: Job = {
      row: {
        id: randomUUID(),
        kind: task.kind,
        collection: task.collection,
        isBackground: task.isBackground ?? false,
        state: "waiting",
        createdMs: this.#now(),
        startedMs: null,
        endedMs: null,
        progress: null,
        losses: [],
        result: null,
        error: null,
      },
      task,
      stop: new AbortController(),
      began: undefined,
      wake: new Set(),
      ended: promise,
      settle: resolve,
    };
    this.#jobs.push(job);
    void this.#next();
    return snapshot(job);
  }

  /** Newest first. */
  rows(): JobRow[] {
    return this.#jobs.map(snapshot).reverse();
  }

  row(id: string): JobRow {
    return snapshot(this.#find(id));
  }

  /** Ends a job between two steps; one that has ended stays as it is. */
  async cancel(id: string): Promise<JobRow> {
    const job = this.#find(id);
    job.stop.abort();
    if (job.row.state === "waiting") this.#end(job, { state: "cancelled" });
    await job.ended;
    return snapshot(job);
  }

  /** Waits until a job has ended. */
  async end(id: string): Promise<JobRow> {
    const job = this.#find(id);
    await job.ended;
    return snapshot(job);
  }

  /** The job now and at every change until it has ended. */
  async *watch(id: string, signal?: AbortSignal): AsyncGenerator<JobRow> {
    const job = this.#find(id);
    while (true) {
      const changed = new Promise<void>((resolve) => job.wake.add(resolve));
      const row = snapshot(job);
      yield row;
      if (hasEnded(row)) return; // not job.row: it may have ended since, and that is to be told
      await untilAborted(changed, signal);
      if (signal?.aborted) return;
      if (!hasEnded(job.row)) await sleep(watchMs);
    }
  }

  /** Ends all jobs and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const open = this.#jobs.filter(({ row }) => !hasEnded(row)).reverse(); // the waiting ones first
    for (const { row } of open) await this.cancel(row.id);
  }

  #find(id: string): Job {
    const job = this.#jobs.find(({ row }) => row.id === id);
    if (!job) throw new NotFoundError(`there is no job ${id}; only the last ${remembered} are remembered`);
    return job;
  }

  async #next(): Promise<void> {
    const job = this.#jobs.find(({ row }) => row.state === "waiting");
    if (this.#running || !job || this.#isClosed) return;
    this.#running = job;
    this.#change(job, { state: "running", startedMs: this.#now() });
    try {
      const result = await job.task.run({
        signal: job.stop.signal,
        progress: (event) => this.#progress(job, event),
        onLoss: (update, loss) =>
          this.#change(job, { losses: update === 1 ? [loss] : [...job.row.losses, loss] }),
      });
      this.#end(job, { state: "done", result });
    } catch (error) {
      const isCancelled = job.stop.signal.aborted;
      if (!isCancelled && !(error instanceof EngineError)) this.#onBug(error);
      this.#end(job, isCancelled ? { state: "cancelled" } : { state: "failed", error: tell(error) });
    }
    this.#running = undefined;
    void this.#next();
  }

  #progress(job: Job, { task, done, total, note }: ProgressEvent): void {
    const atMs = this.#now();
    if (job.began?.task !== task || done < job.began.done) job.began = { task, done, atMs };
    const gained = done - job.began.done;
    const etaMs = gained > 0 ? Math.round(((atMs - job.began.atMs) / gained) * (total - done)) : null;
    const progress: JobProgress = { task, done, total, note: note ?? null, etaMs };
    this.#change(job, { progress });
  }

  #end(job: Job, end: Pick<JobRow, "state"> & Partial<JobRow>): void {
    this.#change(job, { ...end, endedMs: this.#now() });
    job.settle();
    const over = this.#jobs.filter(({ row }) => hasEnded(row)).length - remembered;
    if (over > 0) this.#jobs = this.#jobs.filter(({ row }, i) => !hasEnded(row) || i >= over);
  }

  #change(job: Job, change: Partial<JobRow>): void {
    job.row = { ...job.row, ...change };
    for (const wake of job.wake) wake();
    job.wake.clear();
  }
}

function hasEnded({ state }: JobRow): boolean {
  return state !== "waiting" && state !== "running";
}

function snapshot({ row }: Job): JobRow {
  return row;
}

/** What a failure tells the client; a bug's message stays within the server. */
function tell(error: unknown): JobRow["error"] {
  if (error instanceof EngineError)
    return { message: messageOf(error), type: "server_error", param: null, code: error.code };
  return {
    message: "internal error; the server's log tells more",
    type: "server_error",
    param: null,
    code: null,
  };
}

function settled(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((accept) => {
    resolve = accept;
  });
  return { promise, resolve };
}

function untilAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return promise;
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
    void promise.then(done);
  });
}
