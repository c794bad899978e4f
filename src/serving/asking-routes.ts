import type { Hono } from "hono";
import { z } from "zod";
import type { AskEvent } from "../engine/api.ts";
import {
  archiveAdapter,
  describeEncoded,
  listEncoded,
  mapSimilarity,
  passageOfAdapter,
  removeEncoded,
} from "../engine/encoded-adapters.ts";
import { search } from "../engine/search.ts";
import type { MethodEvent } from "../methods/method.ts";
import { askMethod } from "./answers.ts";
import { eventResponse, type ServerEvent } from "./events.ts";
import { describeFailure, RequestError } from "./failures.ts";
import { addEncode } from "./native-routes.ts";
import { readJsonBody } from "./read-body.ts";
import { addRoute, wholeQuery } from "./routes.ts";
import { admit, bodyLimits, checkNoJob, type Services, type Ticket, withTicket } from "./services.ts";

const text = z
  .string()
  .max(10_000)
  .refine((given) => given.trim() !== "", "must not be empty");
const limit = z.int().min(1).max(100).optional();

const searchBody = z.strictObject({ query: text, collection: z.string().max(64).optional(), limit });

const askBody = z.strictObject({
  question: text,
  collection: z.string().max(64).optional(),
  method: z.string().max(50).optional(),
  limit,
  maxTokens: z.int().min(1).max(100_000).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().gt(0).max(1).optional(),
  seed: z.int().optional(),
  history: z
    .array(z.strictObject({ role: z.enum(["user", "assistant"]), content: z.string().max(100_000) }))
    .max(100)
    .optional(),
});

/** Adds search, answers and adapters. */
export function addAskingRoutes(app: Hono, services: Services): void {
  const { engines } = services;
  const { collection: own, method: usual } = engines.main.config;
  addRoute(app, "/api/search", {
    POST: async (c) => {
      const body = await readJsonBody(c.req.raw, searchBody, bodyLimits(services));
      const parts = await engines.get(body.collection ?? own);
      const hits = await withTicket(services, c.req.raw.signal, (signal) =>
        search(parts, body.query, { limit: body.limit, signal }),
      );
      return c.json({ hits });
    },
  });
  addRoute(app, "/api/ask", {
    POST: async (c) => {
      const body = await readJsonBody(c.req.raw, askBody, bodyLimits(services));
      const { question, collection = own, method = usual, temperature, topP, seed, ...options } = body;
      const ticket = admit(services, c.req.raw.signal);
      const sampling = { temperature, topP, seed };
      const events = askMethod(
        services,
        { ...options, text: question, method, collection, sampling },
        ticket,
      );
      return streamEvents(services, events, ticket);
    },
  });
  addAdapterRoutes(app, services);
}

/** The events as they come; what goes wrong before the first is thrown, so that it has its status. */
async function streamEvents(
  { onBug }: Services,
  events: AsyncGenerator<MethodEvent>,
  ticket: Ticket,
): Promise<Response> {
  const first = await events.next().catch((error: unknown) => {
    ticket.close();
    throw error;
  });
  const all = async function* (): AsyncGenerator<ServerEvent> {
    try {
      let next = first;
      while (!next.done) {
        yield toEvent(next.value);
        next = await events.next();
      }
    } catch (error) {
      yield toEvent({ type: "error", ...describeFailure(error, onBug).body });
    } finally {
      await events.return(undefined);
    }
  };
  return eventResponse(all(), ticket.close);
}

function toEvent(event: AskEvent): ServerEvent {
  return { event: event.type, data: JSON.stringify(event) };
}

function addAdapterRoutes(app: Hono, services: Services): void {
  const { engines } = services;
  const partsOf = (name: string | undefined) => engines.get(name ?? "");
  const keyOf = (key: string | undefined) => {
    if (key === undefined || !/^[0-9a-f]{64}$/.test(key))
      throw new RequestError(400, "an adapter's key is 64 hexadecimal digits", { param: "key" });
    return key;
  };
  addRoute(app, "/api/collections/:name/adapters", {
    GET: async (c) => c.json({ adapters: await listEncoded(await partsOf(c.req.param("name"))) }),
  });
  addRoute(app, "/api/collections/:name/similarity", {
    GET: async (c) => {
      const count = wholeQuery(c, "limit", { byDefault: 64, from: 1, to: 256 });
      const parts = await partsOf(c.req.param("name"));
      return c.json(
        await withTicket(services, c.req.raw.signal, (signal) =>
          mapSimilarity(parts, { limit: count, signal }),
        ),
      );
    },
  });
  addRoute(app, "/api/collections/:name/adapters/:key", {
    GET: async (c) =>
      c.json(await describeEncoded(await partsOf(c.req.param("name")), keyOf(c.req.param("key")))),
    DELETE: async (c) => {
      const parts = await partsOf(c.req.param("name"));
      checkNoJob(services);
      await removeEncoded(parts, keyOf(c.req.param("key")));
      return c.body(null, 204);
    },
  });
  addRoute(app, "/api/collections/:name/adapters/:key/encode", {
    POST: async (c) => {
      const parts = await partsOf(c.req.param("name"));
      const passages = [await passageOfAdapter(parts, keyOf(c.req.param("key")))];
      const job = await addEncode(services, parts.config.collection, { passages, again: true });
      return c.json({ job }, 202);
    },
  });
  addRoute(app, "/api/collections/:name/adapters/:key/peft", {
    GET: async (c) => {
      const key = keyOf(c.req.param("key"));
      const bytes = await archiveAdapter(await partsOf(c.req.param("name")), key);
      return new Response(Uint8Array.from(bytes), {
        headers: {
          "Content-Type": "application/x-tar",
          "Content-Disposition": `attachment; filename="adapter-${key.slice(0, 12)}.tar"`,
        },
      });
    },
  });
}
