import type { Hono } from "hono";
import { methodNames } from "../engine/create-method.ts";
import { findTarget, type Target } from "./answers.ts";
import {
  type ChoiceEnd,
  type ChoiceRequest,
  checkChoice,
  type Piece,
  samplingOf,
  together,
  writeChoice,
} from "./choices.ts";
import { eventResponse, type ServerEvent } from "./events.ts";
import { describeFailure, RequestError } from "./failures.ts";
import {
  type AnswerFormat,
  chatFormat,
  createEnvelope,
  type Envelope,
  type FinishedChoice,
  textFormat,
  usageOf,
} from "./openai-format.ts";
import {
  type ChatBody,
  type CompletionBody,
  chatSchema,
  completionSchema,
  embeddingSchema,
} from "./openai-requests.ts";
import { readJsonBody } from "./read-body.ts";
import { addRoute } from "./routes.ts";
import { admit, bodyLimits, type Services, type Ticket, withTicket } from "./services.ts";

/** Adds what OpenAI's clients speak to. */
export function addOpenAiRoutes(app: Hono, services: Services): void {
  const { engines } = services;
  const limits = bodyLimits(services);
  addRoute(app, "/v1/models", {
    GET: async (c) => c.json({ object: "list", data: await listModels(services) }),
  });
  addRoute(app, "/v1/models/:id{.+}", {
    GET: async (c) => {
      const found = (await listModels(services)).find(({ id }) => id === c.req.param("id"));
      if (!found)
        throw new RequestError(404, "there is no such model", { code: "model_not_found", param: "model" });
      return c.json(found);
    },
  });
  addRoute(app, "/v1/chat/completions", {
    POST: async (c) => {
      const body = await readJsonBody(c.req.raw, chatSchema, limits);
      const target = await findTarget(services, body.model, body.prag?.method);
      return answer(services, body, {
        format: chatFormat,
        client: c.req.raw.signal,
        idPrefix: "chatcmpl",
        requests: chatRequests(body, target),
        target,
      });
    },
  });
  addRoute(app, "/v1/completions", {
    POST: async (c) => {
      const body = await readJsonBody(c.req.raw, completionSchema, limits);
      const target = await findTarget(services, body.model, body.prag?.method);
      return answer(services, body, {
        format: textFormat,
        client: c.req.raw.signal,
        idPrefix: "cmpl",
        requests: textRequests(body, target),
        target,
      });
    },
  });
  addRoute(app, "/v1/embeddings", {
    POST: async (c) => {
      const {
        model,
        input,
        encoding_format: format,
      } = await readJsonBody(c.req.raw, embeddingSchema, limits);
      if (!engines.main.config.embedder)
        throw new RequestError(501, "no embedder is configured; name one in prag.config.json", {
          code: "unsupported",
        });
      const vectors = await withTicket(services, c.req.raw.signal, async (signal) =>
        (await engines.main.embedder()).embed(input, { kind: "query", signal }),
      );
      const shown = (vector: Float32Array) =>
        format === "base64"
          ? Buffer.from(
              Uint8Array.from(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)),
            ).toString("base64")
          : [...vector];
      const data = vectors.map((vector, index) => ({ object: "embedding", index, embedding: shown(vector) }));
      return c.json({ object: "list", data, model, usage: { prompt_tokens: 0, total_tokens: 0 } });
    },
  });
}

async function listModels({ engines }: Services) {
  const { name } = await engines.main.model();
  const suffixes = ["", ...(await engines.names()).map((collection) => `@${collection}`)];
  const ids = [name, ...suffixes.flatMap((suffix) => methodNames.map((method) => `${method}${suffix}`))];
  return ids.map((id) => ({ id, object: "model", created: 0, owned_by: "parametric-rag" }));
}

function chatRequests(body: ChatBody, target: Target): ChoiceRequest[] {
  return Array.from({ length: body.n ?? 1 }, (_, index) => ({
    target,
    messages: body.messages.map(({ role, content }) => ({ role, content })),
    sampling: samplingOf(body, index),
    stop: body.stop,
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    limit: body.prag?.limit,
    wantsLogProbabilities: body.logprobs ?? false,
  }));
}

/** The base model goes on with each prompt as plain text; to a method each is a question. */
function textRequests(body: CompletionBody, target: Target): ChoiceRequest[] {
  return body.prompt.flatMap((prompt) =>
    Array.from({ length: body.n ?? 1 }, (_, index) => ({
      target,
      ...(target.method === undefined
        ? { messages: [], prefix: prompt }
        : { messages: [{ role: "user" as const, content: prompt }] }),
      sampling: samplingOf(body, index),
      stop: body.stop,
      maxTokens: body.max_tokens ?? undefined,
      limit: body.prag?.limit,
      wantsLogProbabilities: typeof body.logprobs === "number",
    })),
  );
}

interface AnswerParts {
  format: AnswerFormat;
  client: AbortSignal;
  idPrefix: string;
  requests: ChoiceRequest[];
  target: Target;
}

async function answer(
  services: Services,
  body: ChatBody | CompletionBody,
  { format, client, idPrefix, requests, target }: AnswerParts,
): Promise<Response> {
  for (const request of requests) checkChoice(request);
  const ticket = admit(services, client);
  let isStreaming = false;
  try {
    const envelope = createEnvelope(idPrefix, { model: body.model, nowMs: services.engines.main.now() });
    const pieces = together(
      requests.map((request, index) => writeChoice(services, request, { index, ticket })),
    );
    const pragOf = pragFields(body, target);
    const perPrompt = body.n ?? 1;
    if (!body.stream) return Response.json(await collect(pieces, { format, envelope, pragOf, perPrompt }));
    const includeUsage = body.stream_options?.include_usage ?? false;
    const parts = { format, envelope, pragOf, perPrompt, includeUsage, count: requests.length };
    const response = await streamed(services, pieces, { ...parts, ticket });
    isStreaming = true;
    return response;
  } finally {
    if (!isStreaming) ticket.close();
  }
}

/** The `prag` field of an answer; the base model's has none. */
function pragFields(body: ChatBody | CompletionBody, { method, collection }: Target) {
  return ({ sources }: ChoiceEnd): Record<string, unknown> => {
    if (method === undefined) return {};
    const shown = body.prag?.return_sources === false ? {} : { sources };
    return { prag: { method, collection, ...shown } };
  };
}

interface Said {
  format: AnswerFormat;
  envelope: Envelope;
  pragOf: (end: ChoiceEnd) => Record<string, unknown>;
  /** Choices of each prompt. */
  perPrompt: number;
}

async function collect(
  pieces: AsyncGenerator<Piece, ChoiceEnd[]>,
  { format, envelope, pragOf, perPrompt }: Said,
): Promise<Record<string, unknown>> {
  const said: Piece[] = [];
  let next = await pieces.next();
  while (!next.done) {
    said.push(next.value);
    next = await pieces.next();
  }
  const ends = next.value;
  const choices = ends.map((end): FinishedChoice => {
    const own = said.filter(({ index }) => index === end.index);
    return { end, text: own.map(({ text }) => text).join(""), tokens: own.flatMap(({ tokens }) => tokens) };
  });
  return {
    ...format.whole(envelope, choices),
    usage: usageOf(ends, perPrompt),
    ...(ends[0] && pragOf(ends[0])),
  };
}

/** The answer as a stream. What goes wrong before the first piece is thrown, so that it has its status. */
async function streamed(
  services: Services,
  pieces: AsyncGenerator<Piece, ChoiceEnd[]>,
  parts: Said & { includeUsage: boolean; count: number; ticket: Ticket },
): Promise<Response> {
  const first = await pieces.next();
  return eventResponse(chunks(services, { first, pieces }, parts), parts.ticket.close);
}

async function* chunks(
  services: Services,
  {
    first,
    pieces,
  }: { first: IteratorResult<Piece, ChoiceEnd[]>; pieces: AsyncGenerator<Piece, ChoiceEnd[]> },
  {
    format,
    envelope,
    pragOf,
    perPrompt,
    includeUsage,
    count,
  }: Said & { includeUsage: boolean; count: number },
): AsyncGenerator<ServerEvent> {
  const withUsage = (chunk: Record<string, unknown>): ServerEvent => ({
    data: JSON.stringify(includeUsage ? { ...chunk, usage: null } : chunk),
  });
  try {
    for (let index = 0; index < count; index++) {
      const opening = format.opening(envelope, index);
      if (opening) yield withUsage(opening);
    }
    let next = first;
    const lengths = new Map<number, number>();
    while (!next.done) {
      const { index, text, tokens } = next.value;
      const begin = lengths.get(index) ?? 0;
      if (text !== "" || tokens.length) yield withUsage(format.piece(envelope, next.value, begin));
      lengths.set(index, begin + text.length);
      next = await pieces.next();
    }
    for (const end of next.value) yield withUsage({ ...format.closing(envelope, end), ...pragOf(end) });
    if (includeUsage)
      yield { data: JSON.stringify({ ...format.empty(envelope), usage: usageOf(next.value, perPrompt) }) };
    yield { data: "[DONE]" };
  } catch (error) {
    yield { data: JSON.stringify(describeFailure(error, services.onBug).body) };
  } finally {
    await pieces.return([]);
  }
}
