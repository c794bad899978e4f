import { ConfigError, InputError, PromptTooLongError, UnsupportedError } from "../base/errors.ts";
import type { MemorySession } from "../memory/memory-session.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { DecodingSession } from "./decoding-session.ts";
import type { GeneratedToken, GenerationRequest, Generator } from "./generator.ts";
import { continueMemory, hasMemory, promptOverMemory } from "./memory-continuation.ts";
import { Row } from "./row.ts";
import { createScheduler } from "./scheduler.ts";
import type { Scorer } from "./scorer.ts";

/** What a local generator is made from. */
export interface LocalGeneratorParts {
  /** Name of the model, as recorded with results. */
  model: string;
  session: DecodingSession;
  tokenizer: Tokenizer;
  contextLength: number;
  /** Requests that share decode steps, at most; others wait. */
  batchSize?: number;
  /** Opened when a text is first looked at; without it, `score` and `attention` are refused. */
  scorer?: (() => Promise<Pick<Scorer, "score" | "attention">>) | undefined;
  /** Opened for the first request with a memory; without it, they are refused. */
  memories?: (() => Promise<MemorySession>) | undefined;
}

/** Generates with a model in this process. */
export function createLocalGenerator({
  model,
  session,
  tokenizer,
  contextLength,
  batchSize = 16,
  scorer = () =>
    Promise.reject(new UnsupportedError(`${model} was opened without a scorer: it only generates`)),
  memories = () =>
    Promise.reject(
      new UnsupportedError(
        `${model} was opened without memory weights; name a memory model that belongs to it`,
      ),
    ),
}: LocalGeneratorParts): Generator {
  const scheduler = createScheduler({ session, ends: tokenizer.eosTokenIds, maxRows: batchSize });
  const promptOf = (request: GenerationRequest): number[] => {
    checkRequest(request);
    if (hasMemory(request)) return promptOverMemory(request, tokenizer);
    const ids = request.messages.length
      ? tokenizer.tokenizeChat(request.messages, { addGenerationPrompt: true })
      : [tokenizer.bosTokenId ?? []].flat();
    if (request.prefix) ids.push(...tokenizer.tokenize(request.prefix));
    if (ids.length + request.maxTokens > contextLength) {
      throw new PromptTooLongError(
        `the prompt has ${ids.length} tokens and up to ${request.maxTokens} are to be generated, but ${model} takes ${contextLength} in all; use fewer or shorter passages, or a smaller maxTokens`,
      );
    }
    return ids;
  };
  const rowOf = (request: GenerationRequest) => new Row(request, { prompt: promptOf(request), tokenizer });
  const ends = new Set(tokenizer.eosTokenIds);
  const run = async function* (row: Row, signal: AbortSignal | undefined) {
    const { memory } = row.request;
    if (memory) yield* continueMemory(await memories(), row, { memory, ends, signal });
    else yield* scheduler.run(row, signal);
  };
  return {
    model,
    contextLength,
    async countPromptTokens(request) {
      return promptOf(request).length;
    },
    async *generate(request, { signal } = {}) {
      const row = rowOf(request);
      for await (const tokens of run(row, signal)) yield* tokens;
      return row.generation();
    },
    async generateBatch(requests, { signal } = {}) {
      const rows = requests.map(rowOf);
      // One memory at a time is in the cache: they are large, and one worker reads them anyway.
      const [withMemory, others] = [rows.filter(isRemembering), rows.filter((row) => !isRemembering(row))];
      const failed = new AbortController();
      const either = AbortSignal.any(signal ? [signal, failed.signal] : [failed.signal]);
      const tasks = [...others.map((row) => [row]), withMemory].map(async (inTurn) => {
        for (const row of inTurn) await finish(run(row, either));
      });
      // The first failure ends the others too; it is told when they have ended.
      for (const task of tasks) task.catch((error: unknown) => failed.abort(error));
      await Promise.allSettled(tasks);
      failed.signal.throwIfAborted();
      return rows.map((row) => row.generation());
    },
    score: async (request, options) => (await scorer()).score(request, options),
    attention: async (request, options) => (await scorer()).attention(request, options),
  };
}

function isRemembering({ request }: Row): boolean {
  return request.memory !== undefined;
}

/** Lets a row run to its end; it keeps what comes. */
async function finish(steps: AsyncGenerator<GeneratedToken[]>): Promise<void> {
  for await (const _tokens of steps);
}

function checkRequest({ maxTokens, messages, prefix, sampling = {} }: GenerationRequest): void {
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new ConfigError(`maxTokens must be a whole number of at least 1, got ${maxTokens}`);
  }
  if (messages.length === 0 && !prefix) throw new InputError("a conversation needs at least one message");
  const { temperature = 0, topP = 1, topK = 0, repetitionPenalty = 1 } = sampling;
  if (!(temperature >= 0)) throw new ConfigError(`temperature must be at least 0, got ${temperature}`);
  if (!(topP > 0 && topP <= 1)) throw new ConfigError(`topP must be in (0, 1], got ${topP}`);
  if (!Number.isInteger(topK) || topK < 0)
    throw new ConfigError(`topK must be a whole number of at least 0, got ${topK}`);
  if (!(repetitionPenalty > 0))
    throw new ConfigError(`repetitionPenalty must be above 0, got ${repetitionPenalty}`);
}
