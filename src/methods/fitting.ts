import { PromptTooLongError } from "../base/errors.ts";
import { takeTurns } from "../base/take-turns.ts";
import type { GenerationRequest, Generator } from "../generation/generator.ts";
import type { PromptPassage } from "../prompts/answer.ts";
import { answerPrompts } from "../prompts/answer.ts";
import type { Hit } from "../retrieval/retriever.ts";
import type { AnsweringParts } from "./answering.ts";
import type { AnswerOptions } from "./method.ts";

/** The most of `total` parts that fit, where fewer always fit if more do. Small numbers are tried first: large ones cost more. */
export async function mostThatFit(total: number, fits: (count: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, 1];
  while (high <= total && (await fits(high))) [low, high] = [high, 2 * high];
  high = Math.min(high, total + 1);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Whether an answer to a question over these passages still has room in the model's context. */
export async function answerFits(
  question: string,
  passages: readonly PromptPassage[],
  {
    generator,
    prompts = answerPrompts,
    options: { history = [], maxTokens = prompts.maxTokens },
  }: Pick<AnsweringParts, "generator" | "prompts"> & { options: AnswerOptions },
): Promise<boolean> {
  const messages = [...history, ...prompts.messages(question, { passages })];
  return requestFits(generator, { messages, prefix: prompts.prefix, maxTokens });
}

/** Whether a prompt and what is to be generated after it have room in the model's context. */
export async function requestFits(generator: Generator, request: GenerationRequest): Promise<boolean> {
  try {
    return (await generator.countPromptTokens(request)) + request.maxTokens <= generator.contextLength;
  } catch (error) {
    if (error instanceof PromptTooLongError) return false;
    throw error;
  }
}

/** The best of every list, then the second best, …, each passage once: at most `limit`. */
export function inTurn(lists: readonly (readonly Hit[])[], limit = Number.POSITIVE_INFINITY): Hit[] {
  const chosen = new Map<string, Hit>();
  for (const hit of takeTurns(lists))
    if (chosen.size < limit && !chosen.has(hit.passage.id)) chosen.set(hit.passage.id, hit);
  return [...chosen.values()];
}
