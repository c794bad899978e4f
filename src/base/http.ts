import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, RemoteError } from "./errors.ts";

/** How often and how long to try; the first wait doubles with every attempt, a Retry-After header wins over it. */
export interface RetryOptions {
  attempts?: number;
  firstWaitMs?: number;
  /** A Retry-After beyond this is not waited for: the error is thrown at once. */
  maxWaitMs?: number;
  /** Time for one attempt until the answer's headers have come. */
  timeoutMs?: number;
  signal?: AbortSignal;
  fetch?: typeof fetch;
}

const retryableStatuses = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * `fetch` with retries for failed connections, 408, 425, 429 and 5xx. The answer has an ok status, or a `RemoteError`
 * with status and the beginning of the body is thrown. Secrets in headers never enter a message.
 */
export async function fetchWithRetry(
  url: string,
  init: RequestInit = {},
  {
    attempts = 4,
    firstWaitMs = 500,
    maxWaitMs = 60_000,
    timeoutMs = 60_000,
    signal,
    fetch: send = fetch,
  }: RetryOptions = {},
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const waitMs = firstWaitMs * 2 ** (attempt - 1);
    signal?.throwIfAborted();
    const outcome = await tryOnce(url, init, { timeoutMs, signal, send });
    if (outcome instanceof Response) return outcome;
    const { error, retryAfterMs } = outcome;
    const wait = retryAfterMs ?? waitMs;
    if (!error.retryable || attempt >= attempts || wait > maxWaitMs) throw error;
    await sleep(wait, undefined, { signal });
  }
}

async function tryOnce(
  url: string,
  init: RequestInit,
  { timeoutMs, signal, send }: { timeoutMs: number; signal?: AbortSignal | undefined; send: typeof fetch },
): Promise<Response | { error: RemoteError; retryAfterMs?: number }> {
  // The time-out covers the way to the headers; a long body may follow.
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(), timeoutMs);
  try {
    const response = await send(url, {
      ...init,
      signal: AbortSignal.any(signal ? [signal, timer.signal] : [timer.signal]),
    });
    if (response.ok || response.status === 304) return response;
    const body = (await response.text().catch(() => "")).slice(0, 300);
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"));
    const error = new RemoteError(
      `${url} answered ${response.status} ${response.statusText}: ${body}`.trim(),
      {
        url,
        status: response.status,
        retryable: retryableStatuses.has(response.status),
      },
    );
    return retryAfterMs === undefined ? { error } : { error, retryAfterMs };
  } catch (error) {
    signal?.throwIfAborted();
    const what = timer.signal.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error);
    const cause = error instanceof Error && error.cause ? ` (${messageOf(error.cause)})` : "";
    return {
      error: new RemoteError(`${url} could not be reached: ${what}${cause}`, {
        url,
        retryable: true,
        cause: error,
      }),
    };
  } finally {
    clearTimeout(timeout);
  }
}

/** Seconds or an HTTP date → milliseconds from now. */
function parseRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
