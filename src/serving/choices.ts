import { randomInt } from "node:crypto";
import type { Source } from "../engine/answer.ts";
import type { EngineParts } from "../engine/parts.ts";
import type { GeneratedToken, Generation, GenerationRequest, Sampling } from "../generation/generator.ts";
import type { ChatMessage } from "../weights/chat.ts";
import { askMethod, SourceKeeper, type Target } from "./answers.ts";
import { RequestError } from "./failures.ts";
import type { Services, Ticket } from "./services.ts";

/** One text to be written, in the words of neither client. */
export interface ChoiceRequest {
  target: Target;
  /** A conversation; without messages, `prefix` is continued as plain text. */
  messages: readonly ChatMessage[];
  prefix?: string | undefined;
  sampling: Sampling;
  stop: readonly string[];
  maxTokens: number | undefined;
  /** Passages to retrieve. */
  limit: number | undefined;
  wantsLogProbabilities: boolean;
}

/** A piece of a text. */
export interface Piece {
  index: number;
  text: string;
  /** Its tokens; empty where nobody asked for their probabilities. */
  tokens: GeneratedToken[];
}

/** How a text ended. */
export interface ChoiceEnd {
  index: number;
  finishReason: Generation["finishReason"];
  promptTokens: number;
  generatedTokens: number;
  sources: Source[];
}

/** Tokens of an answer by the base model, when nothing is said: enough for a paragraph. */
const defaultBaseTokens = 256;

/** Methods that write their answer as one text of the model, so that its tokens are the answer's. */
const plainMethods = ["closed-book", "standard-rag", "prag", "combine"];

/** Temperature, top-p and seed as a client gives them; without a seed each request has its own. */
export function samplingOf(
  {
    temperature,
    top_p,
    seed,
  }: {
    temperature?: number | null | undefined;
    top_p?: number | null | undefined;
    seed?: number | null | undefined;
  },
  index: number,
): Sampling {
  return { temperature: temperature ?? 0, topP: top_p ?? 1, seed: (seed ?? randomInt(2 ** 31)) + index };
}

/** Refuses what cannot be done before anything is begun. */
export function checkChoice({ target, messages, wantsLogProbabilities }: ChoiceRequest): void {
  if (target.method === undefined) return;
  if (wantsLogProbabilities && !plainMethods.includes(target.method))
    throw new RequestError(400, `logprobs are not known for the method ${target.method}`, {
      param: "logprobs",
    });
  if (messages.at(-1)?.role !== "user")
    throw new RequestError(400, "the last message must be the user's question", { param: "messages" });
}

/** Writes one text. */
export async function* writeChoice(
  services: Services,
  request: ChoiceRequest,
  { index, ticket }: { index: number; ticket: Ticket },
): AsyncGenerator<Piece, ChoiceEnd> {
  const { method } = request.target;
  return yield* method === undefined
    ? writeBase(services, request, { index, ticket })
    : writeMethod(services, { ...request, method }, { index, ticket });
}

async function* writeBase(
  { engines, metrics, clock }: Services,
  { target, messages, prefix, sampling, stop, maxTokens, wantsLogProbabilities }: ChoiceRequest,
  { index, ticket }: { index: number; ticket: Ticket },
): AsyncGenerator<Piece, ChoiceEnd> {
  const request = { messages, prefix, sampling, stop, probabilities: wantsLogProbabilities };
  const { generator, room } = await measure(engines.main, { ...request, maxTokens: maxTokens ?? 1 });
  const steps = generator.generate(
    { ...request, maxTokens: maxTokens ?? Math.max(1, Math.min(defaultBaseTokens, room)) },
    { signal: ticket.signal },
  );
  let isBegun = false;
  while (true) {
    const next = await steps.next();
    if (!isBegun) metrics.firstToken(target.model, (clock() - ticket.startedMs) / 1000);
    isBegun = true;
    if (next.done) {
      const { promptTokens, tokens, finishReason } = next.value;
      metrics.tokens(target.model, { prompt: promptTokens, generated: tokens.length });
      return { index, finishReason, promptTokens, generatedTokens: tokens.length, sources: [] };
    }
    yield { index, text: next.value.text, tokens: wantsLogProbabilities ? [next.value] : [] };
  }
}

/** The generator, and how many tokens fit behind the prompt. */
async function measure(engine: EngineParts, request: GenerationRequest) {
  const generator = await engine.generator();
  const prompt = await generator.countPromptTokens(request);
  return { generator, room: generator.contextLength - prompt };
}

async function* writeMethod(
  services: Services,
  request: ChoiceRequest & { method: string },
  { index, ticket }: { index: number; ticket: Ticket },
): AsyncGenerator<Piece, ChoiceEnd> {
  const { target, method, messages, sampling, stop, maxTokens, limit, wantsLogProbabilities } = request;
  const sources = new SourceKeeper();
  let written: GeneratedToken[] = [];
  let finishReason: Generation["finishReason"] = "stop";
  const events = askMethod(
    services,
    {
      text: messages.at(-1)?.content ?? "",
      history: messages.slice(0, -1),
      method,
      collection: target.collection,
      sampling,
      stop,
      maxTokens,
      limit,
      probabilities: wantsLogProbabilities,
      onToken: (token) => wantsLogProbabilities && written.push(token),
      onGeneration: (generation) => {
        finishReason = generation.finishReason;
      },
    },
    ticket,
  );
  for await (const event of events) {
    sources.add(event);
    if (event.type === "text-delta") {
      yield { index, text: event.text, tokens: written };
      written = [];
    } else if (event.type === "end") {
      if (written.length) yield { index, text: "", tokens: written };
      const { promptTokens, generatedTokens } = event.usage;
      return { index, finishReason, promptTokens, generatedTokens, sources: await sources.sources() };
    }
  }
  throw new Error("internal: a method ended without an end");
}

/** What several texts say, as it comes; the last value is how each ended. */
export async function* together(
  choices: readonly AsyncGenerator<Piece, ChoiceEnd>[],
): AsyncGenerator<Piece, ChoiceEnd[]> {
  const ends: ChoiceEnd[] = [];
  const step = async (choice: AsyncGenerator<Piece, ChoiceEnd>) => ({ choice, result: await choice.next() });
  const pending = new Map(choices.map((choice) => [choice, step(choice)]));
  try {
    while (pending.size) {
      const { choice, result } = await Promise.race(pending.values());
      if (result.done) {
        pending.delete(choice);
        ends[result.value.index] = result.value;
      } else {
        pending.set(choice, step(choice));
        yield result.value;
      }
    }
    return ends;
  } finally {
    for (const [choice, next] of pending) {
      void next.catch(() => {});
      void choice.return(nothing).catch(() => {});
    }
  }
}

const nothing: ChoiceEnd = {
  index: 0,
  finishReason: "stop",
  promptTokens: 0,
  generatedTokens: 0,
  sources: [],
};
