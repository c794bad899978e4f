import { EngineError, messageOf, RemoteError, UnsupportedError } from "../base/errors.ts";
import { fetchWithRetry, type RetryOptions } from "../base/http.ts";
import type { GeneratedToken, Generation, GenerationRequest, Generator } from "./generator.ts";
import { AnswerCollector } from "./remote-answer.ts";
import { bodyOf, readAnswer, readChunk } from "./remote-protocol.ts";
import { readEvents } from "./server-sent-events.ts";

/** An OpenAI-compatible chat endpoint: https://platform.openai.com/docs/api-reference/chat. */
export interface RemoteGeneratorOptions {
  /** Up to and with the version, as `http://127.0.0.1:8080/v1`. */
  baseUrl: string;
  model: string;
  /** Sent as a bearer token; it never enters a message or a log. */
  apiKey?: string | undefined;
  /** Tokens of prompt and answer together, where known. */
  contextLength?: number;
  /** Requests of a batch that are under way at the same time. */
  concurrency?: number;
  /** The service knows `top_k` and `repetition_penalty` (vLLM, llama.cpp); else a request with them is refused. */
  extendedSampling?: boolean;
  /** Ask for log-probabilities, of every answer: they tell its tokens apart, which are counted. A few services refuse to be asked. */
  logProbabilities?: boolean;
  /** Further fields of every request, e.g. vLLM's `{continue_final_message: true, add_generation_prompt: false}`. */
  extraBody?: Readonly<Record<string, unknown>>;
  /** No byte for so long (ms), at the beginning or in the middle of an answer, is a failure. */
  timeoutMs?: number;
  retry?: Pick<RetryOptions, "attempts" | "firstWaitMs" | "maxWaitMs" | "fetch">;
}

type Settings = Required<Omit<RemoteGeneratorOptions, "apiKey" | "baseUrl" | "model">> & {
  url: string;
  model: string;
  apiKey: string | undefined;
};

/**
 * Generates with another service. It applies no adapters and counts no tokens; log-probabilities are told where it tells
 * them. A prefix is sent as a last assistant message, which most local servers continue; where the answer repeats it,
 * the repetition is left out. With temperature 0 or a seed it is as deterministic as the service is.
 */
export function createRemoteGenerator({
  baseUrl,
  model,
  apiKey,
  ...options
}: RemoteGeneratorOptions): Generator {
  const settings: Settings = {
    contextLength: Number.POSITIVE_INFINITY,
    concurrency: 4,
    extendedSampling: false,
    logProbabilities: true,
    extraBody: {},
    timeoutMs: 120_000,
    retry: {},
    ...options,
    model,
    apiKey,
    url: `${baseUrl.replace(/\/+$/, "")}/chat/completions`,
  };
  return {
    model,
    contextLength: settings.contextLength,
    async countPromptTokens() {
      throw new UnsupportedError(`${model} at ${settings.url} counts no prompt tokens before it generates`);
    },
    generate: (request, { signal } = {}) => generateStreamed(request, settings, signal),
    generateBatch: (requests, { signal } = {}) => generateAll(requests, settings, signal),
    score: () => refuse("log-probabilities of a given text", settings),
    attention: () => refuse("what its model attends to", settings),
  };
}

function refuse(what: string, { model, url }: Settings): Promise<never> {
  return Promise.reject(
    new UnsupportedError(`${model} at ${url} does not tell ${what}; use a local model, or another method`),
  );
}

async function* generateStreamed(
  request: GenerationRequest,
  settings: Settings,
  signal: AbortSignal | undefined,
): AsyncGenerator<GeneratedToken, Generation> {
  const idle = new IdleTimer(settings, signal);
  try {
    const response = await send(request, { settings, idle, stream: true });
    const collector = new AnswerCollector(request);
    for await (const data of readEvents(idle.watch(response.body), settings)) {
      if (data.trim() === "[DONE]") break;
      signal?.throwIfAborted(); // also when all has arrived already
      yield* collector.add(readChunk(data, settings.url));
      // What comes after a stop string or the limit is not wanted; leaving the loop closes the connection.
      if (collector.cut) break;
    }
    if (!collector.finished)
      throw new RemoteError(`${settings.url} ended its stream before the answer was complete`, {
        url: settings.url,
        retryable: true,
      });
    yield* collector.end();
    return collector.generation();
  } catch (error) {
    throw explain(error, { settings, idle, signal });
  } finally {
    idle.stop();
  }
}

/** Every request by itself, a few at a time; the first failure ends them all. */
async function generateAll(
  requests: readonly GenerationRequest[],
  settings: Settings,
  signal: AbortSignal | undefined,
): Promise<Generation[]> {
  const failed = new AbortController();
  const either = AbortSignal.any(signal ? [signal, failed.signal] : [failed.signal]);
  const generations: Generation[] = [];
  let next = 0;
  const work = async () => {
    while (next < requests.length && !failed.signal.aborted) {
      const at = next++;
      generations[at] = await generateOnce(requests[at]!, settings, either);
    }
  };
  const workers = Array.from({ length: Math.min(settings.concurrency, requests.length) }, async () => {
    try {
      await work();
    } catch (error) {
      failed.abort(error);
    }
  });
  await Promise.all(workers);
  signal?.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  return generations;
}

async function generateOnce(
  request: GenerationRequest,
  settings: Settings,
  signal: AbortSignal | undefined,
): Promise<Generation> {
  const idle = new IdleTimer(settings, signal);
  try {
    const response = await send(request, { settings, idle, stream: false });
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of idle.watch(response.body)) text += decoder.decode(chunk, { stream: true });
    const answer = readAnswer(text + decoder.decode(), settings.url);
    const collector = new AnswerCollector(request);
    const [choice] = answer.choices;
    const finish = choice?.finish_reason ?? "stop";
    collector.add({
      choices: [{ delta: choice?.message, logprobs: choice?.logprobs, finish_reason: finish }],
      usage: answer.usage,
    });
    collector.end();
    return collector.generation();
  } catch (error) {
    throw explain(error, { settings, idle, signal });
  } finally {
    idle.stop();
  }
}

async function send(
  request: GenerationRequest,
  { settings, idle, stream }: { settings: Settings; idle: IdleTimer; stream: boolean },
): Promise<Response> {
  const { url, apiKey, timeoutMs, retry } = settings;
  const headers = new Headers({ "content-type": "application/json" });
  if (apiKey) headers.set("authorization", `Bearer ${apiKey}`);
  const body = JSON.stringify(bodyOf(request, { ...settings, stream }));
  return fetchWithRetry(url, { method: "POST", headers, body }, { ...retry, timeoutMs, signal: idle.signal });
}

/** Ends a request when no byte has come for too long, or when the caller wants. */
class IdleTimer {
  readonly signal: AbortSignal;
  readonly #own = new AbortController();
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor({ timeoutMs }: Settings, signal: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.signal = AbortSignal.any(signal ? [signal, this.#own.signal] : [this.#own.signal]);
  }

  get expired(): boolean {
    return this.#own.signal.aborted;
  }

  /** Passes the bytes on and waits for each no longer than the time-out. */
  async *watch(body: AsyncIterable<Uint8Array> | null): AsyncGenerator<Uint8Array> {
    this.#restart();
    for await (const chunk of body ?? []) {
      this.#restart();
      yield chunk;
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #restart(): void {
    this.stop();
    this.#timer = setTimeout(() => this.#own.abort(), this.#timeoutMs);
  }
}

/** What the caller gets to see of a failure; the key cannot be in it. */
function explain(
  error: unknown,
  {
    settings: { url, timeoutMs },
    idle,
    signal,
  }: { settings: Settings; idle: IdleTimer; signal: AbortSignal | undefined },
): unknown {
  if (signal?.aborted) return signal.reason;
  if (idle.expired)
    return new RemoteError(`${url} sent nothing for ${timeoutMs} ms in the middle of an answer`, {
      url,
      retryable: true,
      cause: error,
    });
  if (error instanceof EngineError) return error;
  if (error instanceof Error && error.message.startsWith("internal:")) return error;
  return new RemoteError(`${url} broke off in the middle of an answer: ${messageOf(error)}`, {
    url,
    retryable: true,
    cause: error,
  });
}
