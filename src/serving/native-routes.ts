import type { Hono } from "hono";
import { z } from "zod";
import { EngineError } from "../base/errors.ts";
import type { CollectionRow, JobRow, ServerStatus } from "../engine/api.ts";
import { augment } from "../engine/augment.ts";
import { methodNames } from "../engine/create-method.ts";
import { encode } from "../engine/encode.ts";
import { encodeSome } from "../engine/encoded-adapters.ts";
import { createCollection, deleteCollection, describeCollection } from "../engine/hosted-collections.ts";
import { packageVersion } from "../engine/package-root.ts";
import { describeModel, status } from "../engine/status.ts";
import type { JobContext, JobTask } from "../jobs/job-queue.ts";
import { eventResponse, type ServerEvent } from "./events.ts";
import { RequestError } from "./failures.ts";
import { addIngestRoutes } from "./ingest-routes.ts";
import { readJsonBody } from "./read-body.ts";
import { addRoute } from "./routes.ts";
import { bodyLimits, checkNoJob, type Services } from "./services.ts";

const longestQuestion = 10_000;

/** Adds state, collections, documents and jobs. */
export function addNativeRoutes(app: Hono, services: Services): void {
  addStateRoutes(app, services);
  addCollectionRoutes(app, services);
  addIngestRoutes(app, services);
  addEncodeRoutes(app, services);
  addJobRoutes(app, services);
}

function addStateRoutes(app: Hono, services: Services): void {
  const { engines, background, options } = services;
  const none = { waiting: 0, encoded: 0, evicted: 0, diskBudgetBytes: 0, diskUsedBytes: 0 };
  const off = { state: "off" as const, ...none };
  addRoute(app, "/api/status", {
    GET: async (c) => {
      const parts = await engines.get(c.req.query("collection") ?? engines.main.config.collection);
      const { name, contextLength = null } = await describeModel(engines.main);
      const report: ServerStatus = {
        version: packageVersion,
        model: name,
        contextLength,
        methods: methodNames,
        collection: await status(parts),
        background: (await background?.status()) ?? off,
        allowedPaths: options.allowedPaths,
        limits: { uploadBytes: options.maxUploadBytes, questionCharacters: longestQuestion },
      };
      return c.json(report);
    },
  });
}

/** One broken collection (settings that name what is gone) does not hide the others. */
async function describeOrTell(engines: Services["engines"], name: string): Promise<CollectionRow> {
  try {
    return await describeCollection(await engines.open(name));
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { name, documents: 0, passages: 0, augmented: 0, encoded: 0, problem: error.message };
  }
}

const nameBody = z.strictObject({ name: z.string().max(64) });

function addCollectionRoutes(app: Hono, services: Services): void {
  const { engines, heat } = services;
  addRoute(app, "/api/collections", {
    GET: async (c) => {
      const collections: CollectionRow[] = [];
      for (const name of await engines.names()) collections.push(await describeOrTell(engines, name));
      return c.json({ collections });
    },
    POST: async (c) => {
      const { name } = await readJsonBody(c.req.raw, nameBody, bodyLimits(services));
      if ((await engines.names()).includes(name))
        throw new RequestError(409, `the collection "${name}" exists already`, { param: "name" });
      checkNoJob(services);
      await createCollection(engines.main, name);
      return c.json(await describeCollection(await engines.open(name)), 201);
    },
  });
  addRoute(app, "/api/collections/:name", {
    DELETE: async (c) => {
      const name = c.req.param("name") ?? "";
      const parts = await engines.get(name);
      checkNoJob(services);
      if (engines.isHeld(name))
        throw new RequestError(409, `"${name}" is being answered from; try again when that is over`);
      await deleteCollection(engines.main, parts.config.collection);
      await engines.close(name);
      heat.forget(name);
      return c.body(null, 204);
    },
  });
}

const encodeBody = z.strictObject({
  passages: z
    .array(z.string().regex(/^[0-9a-f]{8,64}$/, "must be ids of passages"))
    .min(1)
    .max(10_000)
    .optional(),
  again: z.boolean().optional(),
});

function addEncodeRoutes(app: Hono, services: Services): void {
  const { engines, queue } = services;
  addRoute(app, "/api/collections/:name/augment", {
    POST: async (c) => {
      const name = c.req.param("name") ?? "";
      const parts = await engines.get(name);
      await readJsonBody(c.req.raw, z.strictObject({}), bodyLimits(services));
      const run: JobTask["run"] = ({ signal, progress }) => augment({ ...parts, progress }, { signal });
      return c.json({ job: queue.add({ kind: "augment", collection: name, run }) }, 202);
    },
  });
  addRoute(app, "/api/collections/:name/encode", {
    POST: async (c) => {
      const name = c.req.param("name") ?? "";
      await engines.get(name);
      const { passages, again } = await readJsonBody(c.req.raw, encodeBody, bodyLimits(services));
      if (again && !passages) throw new RequestError(400, `"again" needs "passages"`, { param: "again" });
      return c.json({ job: await addEncode(services, name, { passages, again }) }, 202);
    },
  });
}

/** Encodes a collection or some of its passages as a job, which gives way to requests. */
export async function addEncode(
  { engines, queue, traffic }: Services,
  collection: string,
  { passages, again }: { passages?: readonly string[] | undefined; again?: boolean | undefined } = {},
): Promise<JobRow> {
  const parts = await engines.get(collection);
  const corpus = await parts.corpus();
  for (const id of passages ?? []) corpus.passageById(id);
  const run = ({ signal, progress, onLoss }: JobContext) => {
    const beforeUpdate = () => traffic.whenQuiet({ maxPauseMs: 5000, signal });
    const options = { signal, onLoss, beforeUpdate };
    const informed = { ...parts, progress };
    return passages ? encodeSome(informed, passages, { ...options, again }) : encode(informed, options);
  };
  return queue.add({ kind: "encode", collection, run });
}

function addJobRoutes(app: Hono, { queue, closing }: Services): void {
  addRoute(app, "/api/jobs", { GET: (c) => c.json({ jobs: queue.rows() }) });
  addRoute(app, "/api/jobs/:id", {
    GET: (c) => c.json(queue.row(c.req.param("id") ?? "")),
    DELETE: async (c) => c.json(await queue.cancel(c.req.param("id") ?? "")),
  });
  addRoute(app, "/api/jobs/:id/events", {
    GET: (c) => {
      const stop = new AbortController();
      const { id } = queue.row(c.req.param("id") ?? "");
      const rows = queue.watch(id, AbortSignal.any([stop.signal, closing]));
      return eventResponse(asEvents(rows), () => stop.abort());
    },
  });
}

async function* asEvents(rows: AsyncGenerator<JobRow>): AsyncGenerator<ServerEvent> {
  for await (const row of rows) yield { event: "job", data: JSON.stringify(row) };
}
