import type { Adapter } from "../adapters/adapter.ts";
import type { Generation, Generator } from "../generation/generator.ts";
import { type AnswerPrompts, answerPrompts, type PromptPassage } from "../prompts/answer.ts";
import type { Hit, Retriever } from "../retrieval/retriever.ts";
import { extractAnswer } from "../text/normalise.ts";
import type { AnswerOptions, HistoryTurn, MethodEvent, Timings } from "./method.ts";

/** A clock in milliseconds, handed in so that methods do not read the time themselves. */
export type Clock = () => number;

/** What every method needs. */
export interface AnsweringParts {
  generator: Generator;
  clock: Clock;
  prompts?: AnswerPrompts | undefined;
}

/** Passages to retrieve when nothing else is said: the paper's k. */
export const defaultLimit = 3;

/**
 * The query for retrieval in a conversation: the last two questions of the user before this one, then this one, so that
 * "and where was she born?" still finds her.
 */
export function retrievalQuery(question: string, history: readonly HistoryTurn[] = []): string {
  const earlier = history.filter((turn) => turn.role === "user").slice(-2);
  return [...earlier.map((turn) => turn.content), question].join(" ");
}

/** Retrieves for a question, timed. */
export async function retrieveFor(
  question: string,
  { history, limit = defaultLimit, signal }: AnswerOptions,
  { retriever, clock }: { retriever: Retriever; clock: Clock },
): Promise<{ query: string; hits: Hit[]; retrievalMs: number }> {
  const start = clock();
  const query = retrievalQuery(question, history);
  const hits = await retriever.retrieve(query, limit, { signal });
  return { query, hits, retrievalMs: clock() - start };
}

/** What a method has prepared before the model speaks. */
export interface Prepared {
  passages?: readonly PromptPassage[] | undefined;
  adapter?: Adapter | undefined;
  rounds: number;
  startedMs: number;
  timings?: Partial<Pick<Timings, "retrievalMs" | "loadMs" | "mergeMs">>;
}

/** Generates the answer with what was prepared, as events up to `end`. */
export async function* generateAnswer(
  question: string,
  { history = [], sampling, maxTokens, stop, signal }: AnswerOptions,
  { generator, clock, prompts = answerPrompts, prepared }: AnsweringParts & { prepared: Prepared },
): AsyncGenerator<MethodEvent> {
  const { passages, adapter, startedMs } = prepared;
  const request = {
    messages: [...history, ...prompts.messages(question, { passages })],
    prefix: prompts.prefix,
    adapter,
    maxTokens: maxTokens ?? prompts.maxTokens,
    sampling,
    stop,
  };
  const tokens = generator.generate(request, { signal });
  let firstTokenMs: number | undefined;
  let next = await tokens.next();
  while (!next.done) {
    firstTokenMs ??= clock() - startedMs;
    if (next.value.text) yield { type: "text-delta", text: next.value.text };
    next = await tokens.next();
  }
  const generation: Generation = next.value;
  yield {
    type: "end",
    text: generation.text,
    answer: extractAnswer(generation.text, prompts),
    chainOfThought: prompts.chainOfThought,
    usage: { promptTokens: generation.promptTokens, generatedTokens: generation.tokens.length },
    rounds: prepared.rounds,
    timings: {
      totalMs: clock() - startedMs,
      retrievalMs: 0,
      loadMs: 0,
      mergeMs: 0,
      ...prepared.timings,
      firstTokenMs,
    },
  };
}
