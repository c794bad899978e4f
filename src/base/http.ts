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
  signal?: AbortSignal | undefined;
  fetch?: typeof fetch | undefined;
  /** The time, in ms since 1970, for a Retry-After that is a date. */
  now?: () => number;
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
    now = Date.now,
  }: RetryOptions = {},
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const waitMs = firstWaitMs * 2 ** (attempt - 1);
    signal?.throwIfAborted();
    const outcome = await tryOnce(url, init, { timeoutMs, signal, send, now });
    if (outcome instanceof Response) return outcome;
    const { error, retryAfterMs } = outcome;
    const wait = retryAfterMs ?? waitMs;
    if (!error.retryable || attempt >= attempts || wait > maxWaitMs) throw error;
    await sleep(wait, undefined, { signal });
  }
}

interface Attempt {
  timeoutMs: number;
  signal: AbortSignal | undefined;
  send: typeof fetch;
  now: () => number;
}

async function tryOnce(
  url: string,
  init: RequestInit,
  { timeoutMs, signal, send, now }: Attempt,
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
    const body = hideSecrets(await readBeginning(response).catch(() => ""), init);
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), now());
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

const messageCharacters = 300;

/** Enough of an error's body for a message; a server may send without end. */
async function readBeginning(response: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= messageCharacters) break;
  }
  return text.slice(0, messageCharacters);
}

/** Some servers repeat the request in their answer. */
function hideSecrets(text: string, init: RequestInit): string {
  const authorization = new Headers(init.headers).get("authorization");
  const secret = authorization?.split(" ").at(-1);
  return secret ? text.replaceAll(secret, "***") : text;
}

/** Seconds or an HTTP date → milliseconds from now. */
function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
