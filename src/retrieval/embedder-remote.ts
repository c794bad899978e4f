import { z } from "zod";
import { messageOf, RemoteError } from "../base/errors.ts";
import { fetchWithRetry, type RetryOptions } from "../base/http.ts";
import { type Embedder, type Prefixes, toUnit } from "./embedder.ts";

/** An OpenAI-compatible endpoint for vectors: https://platform.openai.com/docs/api-reference/embeddings. */
export interface RemoteEmbedderOptions {
  /** Up to and with the version, as `http://127.0.0.1:8080/v1`. */
  baseUrl: string;
  model: string;
  /** Sent as a bearer token; it never enters a message or a log. */
  apiKey?: string | undefined;
  prefixes?: Partial<Prefixes> | undefined;
  /** Texts of one request, at most. */
  batchSize?: number;
  /** Time (ms) until an answer begins, and from there until it is whole. */
  timeoutMs?: number;
  retry?: Pick<RetryOptions, "attempts" | "firstWaitMs" | "maxWaitMs">;
}

const answerSchema = z.object({
  data: z.array(z.object({ index: z.int().nonnegative(), embedding: z.array(z.number()).min(1) })),
});
type Answer = z.infer<typeof answerSchema>;

/** Embeds with another service. */
export function createRemoteEmbedder({
  baseUrl,
  model,
  apiKey,
  prefixes: { query = "", passage = "" } = {},
  batchSize = 64,
  timeoutMs = 120_000,
  retry = {},
}: RemoteEmbedderOptions): Embedder {
  const url = `${baseUrl.replace(/\/+$/, "")}/embeddings`;
  const headers = new Headers({ "content-type": "application/json" });
  if (apiKey) headers.set("authorization", `Bearer ${apiKey}`);
  const prefixes: Prefixes = { query, passage };
  let dimensions: number | undefined;
  const embedBatch = async (input: readonly string[], signal: AbortSignal | undefined) => {
    const init = { method: "POST", headers, body: JSON.stringify({ model, input }) };
    const answer = await ask(url, init, { ...retry, timeoutMs, signal });
    const vectors = vectorsOf(answer, { url, count: input.length });
    for (const { length } of vectors) {
      dimensions ??= length;
      if (length !== dimensions)
        throw new RemoteError(
          `${url} gave vectors of ${dimensions} and of ${length} dimensions; wanted one size`,
          { url },
        );
    }
    return vectors;
  };
  return {
    identity: `${model} at ${url}${passage && `, passages after ${JSON.stringify(passage)}`}`,
    async embed(texts, { kind, signal }) {
      const vectors: Float32Array[] = [];
      for (let start = 0; start < texts.length; start += batchSize) {
        const batch = texts.slice(start, start + batchSize).map((text) => prefixes[kind] + text);
        vectors.push(...(await embedBatch(batch, signal)));
      }
      return vectors;
    },
    dispose: async () => {},
  };
}

async function ask(
  url: string,
  init: RequestInit,
  { timeoutMs, signal, ...retry }: RetryOptions & { timeoutMs: number },
): Promise<Answer> {
  const stalled = new AbortController();
  const either = AbortSignal.any(signal ? [signal, stalled.signal] : [stalled.signal]);
  const response = await fetchWithRetry(url, init, { ...retry, timeoutMs, signal: either });
  const timer = setTimeout(() => stalled.abort(), timeoutMs);
  try {
    return parseAnswer(await response.json(), url);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof RemoteError) throw error;
    const what = stalled.signal.aborted
      ? `no whole answer within ${timeoutMs} ms`
      : `no JSON (${messageOf(error)})`;
    throw new RemoteError(`${url} gave ${what}`, { url, retryable: stalled.signal.aborted, cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function parseAnswer(value: unknown, url: string): Answer {
  const result = answerSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new RemoteError(
    `${url} answered in a form that is not the embeddings protocol's: "${issue?.path.join(".")}": ${issue?.message}`,
    { url },
  );
}

/** The vectors in the order of the texts, whatever the order of the answer. */
function vectorsOf({ data }: Answer, { url, count }: { url: string; count: number }): Float32Array[] {
  const vectors = new Array<Float32Array | undefined>(count);
  for (const { index, embedding } of data) vectors[index] = toUnit(embedding);
  if (data.length !== count || vectors.length !== count)
    throw new RemoteError(`${url} gave ${data.length} vectors for ${count} texts`, { url });
  return Array.from(vectors, (vector, i) => {
    if (!vector)
      throw new RemoteError(`${url} gave no vector with a direction for text ${i} of ${count}`, { url });
    return vector;
  });
}
