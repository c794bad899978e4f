import { randomBytes } from "node:crypto";
import type { GeneratedToken } from "../generation/generator.ts";
import type { ChoiceEnd, Piece } from "./choices.ts";

// The words of OpenAI's answers: https://platform.openai.com/docs/api-reference/chat/object.

/** What all parts of one answer have in common. */
export interface Envelope {
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: string;
}

/** How one of the two routes says what was written. */
export interface AnswerFormat {
  whole(envelope: Envelope, choices: readonly FinishedChoice[]): Record<string, unknown>;
  /** What comes before the first piece of each choice, if anything does. */
  opening(envelope: Envelope, index: number): Record<string, unknown> | undefined;
  /** `begin`: characters of the choice before the piece. */
  piece(envelope: Envelope, piece: Piece, begin: number): Record<string, unknown>;
  closing(envelope: Envelope, end: ChoiceEnd): Record<string, unknown>;
  /** A chunk without choices, for the usage. */
  empty(envelope: Envelope): Record<string, unknown>;
}

/** All that one choice said. */
export interface FinishedChoice {
  text: string;
  tokens: GeneratedToken[];
  end: ChoiceEnd;
}

export function createEnvelope(prefix: string, { model, nowMs }: { model: string; nowMs: number }): Envelope {
  return { id: `${prefix}-${randomBytes(12).toString("hex")}`, created: Math.floor(nowMs / 1000), model };
}

/** Tokens of all choices; each prompt is counted once, over its `perPrompt` choices. */
export function usageOf(ends: readonly ChoiceEnd[], perPrompt: number) {
  const prompts = new Map<number, number>();
  for (const { index, promptTokens } of ends) {
    const prompt = Math.floor(index / perPrompt);
    prompts.set(prompt, Math.max(prompts.get(prompt) ?? 0, promptTokens));
  }
  const prompt = [...prompts.values()].reduce((a, b) => a + b, 0);
  const completion = ends.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

const chatLogProbabilities = (tokens: readonly GeneratedToken[]) =>
  tokens.length
    ? {
        content: tokens.map(({ text, logProbability }) => ({
          token: text,
          logprob: logProbability,
          bytes: [...Buffer.from(text)],
          top_logprobs: [],
        })),
        refusal: null,
      }
    : null;

const chunk = (envelope: Envelope, choices: unknown[]) => ({
  ...envelope,
  object: "chat.completion.chunk",
  choices,
});

/** `/v1/chat/completions`. */
export const chatFormat: AnswerFormat = {
  whole: (envelope, choices) => ({
    ...envelope,
    object: "chat.completion",
    choices: choices.map(({ text, tokens, end }) => ({
      index: end.index,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: chatLogProbabilities(tokens),
      finish_reason: end.finishReason,
    })),
  }),
  opening: (envelope, index) =>
    chunk(envelope, [
      { index, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null },
    ]),
  piece: (envelope, { index, text, tokens }) =>
    chunk(envelope, [
      { index, delta: { content: text }, logprobs: chatLogProbabilities(tokens), finish_reason: null },
    ]),
  closing: (envelope, { index, finishReason }) =>
    chunk(envelope, [{ index, delta: {}, logprobs: null, finish_reason: finishReason }]),
  empty: (envelope) => chunk(envelope, []),
};

/** `begin`: characters of the choice before these tokens. */
const textLogProbabilities = (tokens: readonly GeneratedToken[], begin = 0) =>
  tokens.length
    ? {
        tokens: tokens.map(({ text }) => text),
        token_logprobs: tokens.map(({ logProbability }) => logProbability),
        top_logprobs: null,
        text_offset: tokens.map((_, i) =>
          tokens.slice(0, i).reduce((sum, { text }) => sum + text.length, begin),
        ),
      }
    : null;

const textAnswer = (envelope: Envelope, choices: unknown[]) => ({
  ...envelope,
  object: "text_completion",
  choices,
});

/** `/v1/completions`. */
export const textFormat: AnswerFormat = {
  whole: (envelope, choices) =>
    textAnswer(
      envelope,
      choices.map(({ text, tokens, end }) => ({
        index: end.index,
        text,
        logprobs: textLogProbabilities(tokens),
        finish_reason: end.finishReason,
      })),
    ),
  opening: () => undefined,
  piece: (envelope, { index, text, tokens }, begin) =>
    textAnswer(envelope, [
      { index, text, logprobs: textLogProbabilities(tokens, begin), finish_reason: null },
    ]),
  closing: (envelope, { index, finishReason }) =>
    textAnswer(envelope, [{ index, text: "", logprobs: null, finish_reason: finishReason }]),
  empty: (envelope) => textAnswer(envelope, []),
};
