import type { Adapter } from "../adapters/adapter.ts";
import type { Memory } from "../memory/memory.ts";
import type { ChatMessage } from "../weights/chat.ts";

/** How the next token is chosen; the defaults are greedy. */
export interface Sampling {
  /** 0 (default) is greedy. */
  temperature?: number | undefined;
  topK?: number | undefined;
  topP?: number | undefined;
  /** 1 (default) is none; above 1 divides positive and multiplies negative logits of tokens seen so far. */
  repetitionPenalty?: number | undefined;
  seed?: number | undefined;
}

/**
 * What to continue: a conversation, with the beginning of the assistant's answer if it is given; without any message, the
 * prefix as plain text.
 */
export interface GenerationRequest {
  messages: readonly ChatMessage[];
  /** The assistant's answer so far; the generated text goes on from here and does not contain it. */
  prefix?: string | undefined;
  /** Applied while this request is generated; other requests of the same batch may have others. */
  adapter?: Adapter | undefined;
  /** A text that was read before: the conversation goes on from it. Not together with an adapter. */
  memory?: Memory | undefined;
  maxTokens: number;
  sampling?: Sampling | undefined;
  /** Generation ends before the first of these in the text; what is returned does not contain it. */
  stop?: readonly string[] | undefined;
  /** Tell what the model thought of each token. It takes a pass over the vocabulary for each, which is saved otherwise. */
  probabilities?: boolean | undefined;
}

/** What a model thought of a token. */
export interface TokenStatistics {
  /** Natural logarithm of its probability before sampling changed the distribution. */
  logProbability: number;
  /** Entropy of that distribution, in nats. */
  entropy: number;
}

/**
 * One generated token. `text` is what it adds; it may be empty while a character is incomplete. Numbers that a remote
 * service does not tell are NaN, and those that nobody asked for may be; an unknown id is -1.
 */
export interface GeneratedToken extends TokenStatistics {
  id: number;
  text: string;
}

/** A finished text. */
export interface Generation {
  text: string;
  tokens: GeneratedToken[];
  /** Tokens of the prompt, the prefix included. */
  promptTokens: number;
  finishReason: "stop" | "length";
}

/** A text to look at, by itself or as what the assistant says in a conversation; the base model alone looks. */
export interface ScoringRequest {
  /** The text; ids of generated tokens are taken as they are. */
  text: string | readonly number[];
  /** What stands before it, as in a `GenerationRequest`; without messages, nothing. */
  messages?: readonly ChatMessage[] | undefined;
  prefix?: string | undefined;
  /** Without messages: set the model's BOS before the text, where it has one. */
  startToken?: boolean | undefined;
}

/** What the tokens of a text attend to in the last layer. */
export interface AttentionMap {
  /** Tokens of the text; `text` as in `GeneratedToken`. */
  tokens: { id: number; text: string }[];
  /** Tokens that stand before the text. */
  offset: number;
  heads: number;
  /** [H, T, offset + T]: row t is what token t attends to, itself included; each sums to 1. */
  weights: Float32Array;
}

/**
 * Continues conversations. An implementation that cannot do something (adapters of a remote service, log-probabilities)
 * throws an `UnsupportedError`. Law: with the same request, seed and model the tokens are the same, and what else is in
 * the batch does not change them beyond floating-point rounding.
 */
export interface Generator {
  /** Name of the model, as recorded with results. */
  readonly model: string;
  /** Tokens that a prompt and its answer may have together. */
  readonly contextLength: number;
  /** How many tokens the prompt of this request has. */
  countPromptTokens(request: GenerationRequest): Promise<number>;
  /** Yields the tokens as they come; the last value of `return` is the whole. A prompt that does not fit is an `InputError`. */
  generate(
    request: GenerationRequest,
    options?: { signal?: AbortSignal | undefined },
  ): AsyncGenerator<GeneratedToken, Generation>;
  /** Many requests at once, answered in the order given. */
  generateBatch(
    requests: readonly GenerationRequest[],
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Generation[]>;
  /** The text's tokens with what the model thought of them; numbers of one before which nothing stands are NaN. */
  score(request: ScoringRequest, options?: { signal?: AbortSignal | undefined }): Promise<GeneratedToken[]>;
  /** What the text's tokens attend to. A text that does not fit is an `InputError`, here as everywhere. */
  attention(request: ScoringRequest, options?: { signal?: AbortSignal | undefined }): Promise<AttentionMap>;
}
