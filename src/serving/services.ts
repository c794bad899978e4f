import type { Background } from "../jobs/background.ts";
import type { Engines } from "../jobs/engines.ts";
import type { Heat } from "../jobs/heat.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import type { Traffic } from "../jobs/traffic.ts";
import { DeadlineError, RequestError } from "./failures.ts";
import type { GuardOptions } from "./guard.ts";
import type { Metrics } from "./metrics.ts";
import type { BodyLimits } from "./read-body.ts";

/** How a server behaves. */
export interface ServerOptions extends GuardOptions {
  port: number;
  /** Folders, which must be there, that documents may be ingested from by path. */
  allowedPaths: readonly string[];
  /** Where reports of evaluations lie. */
  reportsFolder: string;
  /** The built page. */
  pageFolder: string;
  maxUploadBytes: number;
  /** Of a JSON body. */
  maxBodyBytes: number;
  /** Time for a body to arrive. */
  bodyTimeoutMs: number;
  /** Answers under way and waiting together; more are refused. */
  maxInFlight: number;
  /** Time for one answer. */
  deadlineMs: number;
}

/** What routes work with. */
export interface Services {
  options: ServerOptions;
  engines: Engines;
  queue: JobQueue;
  heat: Heat;
  traffic: Traffic;
  background: Background | undefined;
  metrics: Metrics;
  /** Milliseconds, for durations. */
  clock: () => number;
  /** Aborted when the server begins to end. */
  closing: AbortSignal;
  /** Hears of failures that are ours. */
  onBug(error: unknown): void;
}

/** Limits of JSON bodies. */
export function bodyLimits({ options }: Services): BodyLimits {
  return { maxBytes: options.maxBodyBytes, timeoutMs: options.bodyTimeoutMs };
}

/** A place among the answers under way. */
export interface Ticket {
  /** Aborted when the client has gone or the time is over. */
  signal: AbortSignal;
  /** When the request was taken, by the services' clock. */
  startedMs: number;
  /** Gives the place back and ends what still works for it; may be called twice. */
  close(): void;
}

/** Runs a task that takes a place of those for answers; its signal ends with the client and the deadline. */
export async function withTicket<T>(
  services: Services,
  client: AbortSignal,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ticket = admit(services, client);
  try {
    return await task(ticket.signal);
  } finally {
    ticket.close();
  }
}

/** Refuses what comes while the server ends. */
export function checkOpen(closing: AbortSignal): void {
  if (!closing.aborted) return;
  throw new RequestError(503, "the server is shutting down", {
    code: "shutting_down",
    headers: { Connection: "close" },
  });
}

/** Refuses with 409 what would write beside a job: a data folder has one writer. */
export function checkNoJob({ queue }: Services): void {
  if (!queue.current) return;
  const { kind, collection } = queue.current;
  throw new RequestError(
    409,
    `a job is writing: ${kind} of "${collection}"; wait until it has ended, or cancel it`,
  );
}

/** Takes a place, or refuses with 503 where all are taken. */
export function admit({ traffic, metrics, options, clock, closing }: Services, client: AbortSignal): Ticket {
  checkOpen(closing);
  if (traffic.inFlight >= options.maxInFlight) {
    metrics.refused();
    throw new RequestError(503, `${traffic.inFlight} requests are being answered already; try again soon`, {
      code: "queue_full",
      headers: { "Retry-After": "1" },
    });
  }
  const leave = traffic.enter();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new DeadlineError(options.deadlineMs)), options.deadlineMs);
  const onGone = () => stop.abort(new RequestError(499, "the client has gone"));
  client.addEventListener("abort", onGone, { once: true });
  if (client.aborted) onGone();
  return {
    signal: stop.signal,
    startedMs: clock(),
    close() {
      clearTimeout(timer);
      client.removeEventListener("abort", onGone);
      stop.abort(new RequestError(499, "the answer is over"));
      leave();
    },
  };
}
