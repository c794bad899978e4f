import { z } from "zod";
import { RemoteError, UnsupportedError } from "../base/errors.ts";
import type { GenerationRequest, Sampling } from "./generator.ts";

const logProbabilities = z
  .object({ content: z.array(z.object({ token: z.string(), logprob: z.number() })).nullish() })
  .nullish();
const finishReason = z.string().nullish();
const usage = z.object({ prompt_tokens: z.int() }).nullish();
const errorSchema = z.object({ message: z.string() }).or(z.string());

const answerSchema = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.string().nullish() }),
        logprobs: logProbabilities,
        finish_reason: finishReason,
      }),
    )
    .min(1),
  usage,
});

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish() }).nullish(),
        logprobs: logProbabilities,
        finish_reason: finishReason,
      }),
    )
    .nullish(),
  usage,
  error: errorSchema.nullish(),
});

/** What an event of a stream, or a whole answer in its form, says. */
export type Chunk = z.infer<typeof chunkSchema>;

interface BodyOptions {
  url: string;
  model: string;
  stream: boolean;
  extendedSampling: boolean;
  logProbabilities: boolean;
  extraBody: Readonly<Record<string, unknown>>;
}

/** The body of a request; what the protocol has no word for is refused. */
export function bodyOf(
  { messages, prefix, adapter, memory, maxTokens, sampling = {}, stop = [] }: GenerationRequest,
  options: BodyOptions,
): Record<string, unknown> {
  if (adapter)
    throw new UnsupportedError(
      `adapters cannot be applied by ${options.url}; use a local model, or a method without adapters`,
    );
  if (memory)
    throw new UnsupportedError(
      `memories cannot be used by ${options.url}; use a local model, or a method without a memory`,
    );
  return {
    model: options.model,
    messages: prefix ? [...messages, { role: "assistant", content: prefix }] : messages,
    max_tokens: maxTokens,
    ...samplingFields(sampling, options),
    // Services take four; all of them are looked for here again.
    ...(stop.length > 0 ? { stop: stop.slice(0, 4) } : {}),
    ...(options.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...(options.logProbabilities ? { logprobs: true } : {}),
    ...options.extraBody,
  };
}

function samplingFields(
  { temperature = 0, topK = 0, topP, repetitionPenalty = 1, seed }: Sampling,
  { extendedSampling, url }: BodyOptions,
): Record<string, number | undefined> {
  const extended = {
    top_k: topK || undefined,
    repetition_penalty: repetitionPenalty === 1 ? undefined : repetitionPenalty,
  };
  // Greedy decoding has no use for top-k.
  const wantsMore = (temperature > 0 && topK > 0) || repetitionPenalty !== 1;
  if (!extendedSampling && wantsMore)
    throw new UnsupportedError(
      `topK and repetitionPenalty are no fields of the OpenAI protocol (${url}); leave them out, or set extendedSampling where the service knows them`,
    );
  return { temperature, top_p: topP, seed, ...(extendedSampling ? extended : {}) };
}

/** One event of a stream. */
export function readChunk(data: string, url: string): Chunk {
  const chunk = parseRemote(data, chunkSchema, url);
  if (chunk.error) {
    const message = typeof chunk.error === "string" ? chunk.error : chunk.error.message;
    throw new RemoteError(`${url} broke off: ${message.slice(0, 300)}`, { url, retryable: true });
  }
  return chunk;
}

/** The answer to a request without a stream. */
export function readAnswer(text: string, url: string): z.infer<typeof answerSchema> {
  return parseRemote(text, answerSchema, url);
}

function parseRemote<T>(text: string, schema: z.ZodType<T>, url: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RemoteError(`${url} answered with what is no JSON: ${text.slice(0, 100)}`, {
      url,
      cause: error,
    });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new RemoteError(
    `${url} answered in a form that is not the chat protocol's: "${issue?.path.join(".")}": ${issue?.message}`,
    { url },
  );
}
