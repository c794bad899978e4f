import type { Generation, GenerationRequest, Generator } from "../generation/generator.ts";
import type { AnswerOptions, MethodEvent } from "./method.ts";

/** Generates a text that an answer is prepared by; nobody sees it as it comes. */
export async function prepareText(
  generator: Generator,
  { messages, maxTokens }: Pick<GenerationRequest, "messages" | "maxTokens">,
  { history = [], sampling, signal }: AnswerOptions,
): Promise<Generation> {
  const request = { messages: [...history, ...messages], maxTokens, sampling };
  const tokens = generator.generate(request, { signal });
  let next = await tokens.next();
  while (!next.done) next = await tokens.next();
  return next.value;
}

/** Tokens of prompts and of what was generated. */
export type TokenUsage = Extract<MethodEvent, { type: "end" }>["usage"];

/** What texts took together. */
export function tokensOf(generations: readonly Pick<Generation, "promptTokens" | "tokens">[]): TokenUsage {
  return {
    promptTokens: generations.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    generatedTokens: generations.reduce((sum, { tokens }) => sum + tokens.length, 0),
  };
}

/** The events of an answer, with what its preparation took counted at the end. */
export async function* countingPreparation(
  events: AsyncGenerator<MethodEvent>,
  { promptTokens, generatedTokens }: TokenUsage,
): AsyncGenerator<MethodEvent> {
  for await (const event of events) {
    if (event.type !== "end") yield event;
    else {
      const { usage } = event;
      yield {
        ...event,
        usage: {
          promptTokens: usage.promptTokens + promptTokens,
          generatedTokens: usage.generatedTokens + generatedTokens,
        },
      };
    }
  }
}
