import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import type { Hono } from "hono";
import { z } from "zod";
import type { CollectionRow, JobRow, ServerStatus } from "../engine/api.ts";
import { augment } from "../engine/augment.ts";
import { methodNames } from "../engine/create-method.ts";
import { encode } from "../engine/encode.ts";
import { encodeSome } from "../engine/encoded-adapters.ts";
import {
  createCollection,
  deleteCollection,
  describeCollection,
  listDocuments,
} from "../engine/hosted-collections.ts";
import { ingest } from "../engine/ingest.ts";
import { packageVersion } from "../engine/package-root.ts";
import { status } from "../engine/status.ts";
import { keepUpload, relativeTo, uploadName } from "../engine/uploads.ts";
import type { JobContext, JobTask } from "../jobs/job-queue.ts";
import { eventResponse, type ServerEvent } from "./events.ts";
import { RequestError } from "./failures.ts";
import { readFormBody, readJsonBody } from "./read-body.ts";
import { addRoute } from "./routes.ts";
import type { Services } from "./services.ts";

const longestQuestion = 10_000;
/** Files of one upload. */
const mostFiles = 200;

/** Adds state, collections, documents and jobs. */
export function addNativeRoutes(app: Hono, services: Services): void {
  addStateRoutes(app, services);
  addCollectionRoutes(app, services);
  addIngestRoutes(app, services);
  addEncodeRoutes(app, services);
  addJobRoutes(app, services);
}

/** Limits of small JSON bodies. */
export function bodyLimits({ options }: Services) {
  return { maxBytes: options.maxBodyBytes, timeoutMs: options.bodyTimeoutMs };
}

function addStateRoutes(app: Hono, services: Services): void {
  const { engines, background, options } = services;
  const off = { state: "off" as const, waiting: 0, encoded: 0, diskBudgetBytes: 0, diskUsedBytes: 0 };
  addRoute(app, "/api/status", {
    GET: async (c) => {
      const parts = await engines.get(c.req.query("collection") ?? engines.main.config.collection);
      const model = await engines.main.model();
      const { contextLength } = await engines.main.generator();
      const report: ServerStatus = {
        version: packageVersion,
        model: model.name,
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

const nameBody = z.strictObject({ name: z.string().max(64) });

function addCollectionRoutes(app: Hono, services: Services): void {
  const { engines, queue, heat } = services;
  addRoute(app, "/api/collections", {
    GET: async (c) => {
      const collections: CollectionRow[] = [];
      for (const name of await engines.names())
        collections.push(await describeCollection(await engines.open(name)));
      return c.json({ collections });
    },
    POST: async (c) => {
      const { name } = await readJsonBody(c.req.raw, nameBody, bodyLimits(services));
      if ((await engines.names()).includes(name))
        throw new RequestError(409, `the collection "${name}" exists already`, { param: "name" });
      await createCollection(engines.main, name);
      return c.json(await describeCollection(await engines.open(name)), 201);
    },
  });
  addRoute(app, "/api/collections/:name", {
    DELETE: async (c) => {
      const name = c.req.param("name") ?? "";
      const parts = await engines.get(name);
      if (queue.isBusyWith(name))
        throw new RequestError(409, `a job works on "${name}"; cancel it, or wait until it has ended`);
      await deleteCollection(engines.main, parts.config.collection);
      await engines.close(name);
      heat.forget(name);
      return c.body(null, 204);
    },
  });
  addRoute(app, "/api/collections/:name/documents", {
    GET: async (c) =>
      c.json({ documents: await listDocuments(await engines.get(c.req.param("name") ?? "")) }),
    POST: async (c) => {
      const name = c.req.param("name") ?? "";
      const { job, files } = await takeUpload(services, name, c.req.raw);
      return c.json({ job, files }, 202);
    },
  });
}

/** Keeps uploaded files, and ingests them as a job. */
async function takeUpload(services: Services, name: string, request: Request) {
  const { engines, options } = services;
  const parts = await engines.open(name);
  const form = await readFormBody(request, {
    maxBytes: options.maxUploadBytes,
    timeoutMs: options.bodyTimeoutMs,
  });
  const foreign = [...form.keys()].find((key) => key !== "file");
  if (foreign !== undefined)
    throw new RequestError(400, `the part "${foreign.slice(0, 50)}" is not known; send parts "file"`, {
      param: "file",
    });
  const files = form.getAll("file").flatMap((value) => (typeof value === "string" ? [] : [value]));
  if (!files.length || files.length > mostFiles)
    throw new RequestError(400, `wanted 1 to ${mostFiles} files as parts "file", got ${files.length}`, {
      param: "file",
    });
  for (const file of files) uploadName(file.name); // all names are right before any file is kept
  const paths: string[] = [];
  for (const file of files)
    paths.push(await keepUpload(parts, { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }));
  return { job: addIngest(services, name, paths), files: files.map((file) => uploadName(file.name)) };
}

function addIngest({ engines, queue }: Services, collection: string, paths: readonly string[]): JobRow {
  return queue.add({
    kind: "ingest",
    collection,
    async run({ signal, progress }) {
      const parts = await engines.open(collection);
      const base = dirname(resolve(parts.config.dataFolder));
      return ingest(
        { ...parts, progress },
        relativeTo(
          base,
          paths.map((path) => resolve(path)),
        ),
        { base, signal },
      );
    },
  });
}

const pathsBody = z.strictObject({ paths: z.array(z.string().min(1).max(4096)).min(1).max(100) });

function addIngestRoutes(app: Hono, services: Services): void {
  addRoute(app, "/api/collections/:name/ingest", {
    POST: async (c) => {
      const name = c.req.param("name") ?? "";
      await services.engines.open(name); // a wrong name is refused
      const { paths } = await readJsonBody(c.req.raw, pathsBody, bodyLimits(services));
      const real: string[] = [];
      for (const path of paths) real.push(await allowedPath(path, services.options.allowedPaths));
      return c.json({ job: addIngest(services, name, real) }, 202);
    },
  });
}

/** The real path, if it lies in an allowed folder; what does not exist and what may not be read look the same. */
async function allowedPath(path: string, allowed: readonly string[]): Promise<string> {
  const refused = new RequestError(
    403,
    `${path.slice(0, 200)} is not within a folder that --allow-path names`,
    {
      param: "paths",
    },
  );
  if (!isAbsolute(path) || path.includes("\0")) throw refused;
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) throw refused;
  for (const folder of allowed) {
    const within = relative(await realpath(folder), real);
    if (within !== ".." && !within.startsWith(`..${sep}`) && !isAbsolute(within)) return real;
  }
  throw refused;
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

function addJobRoutes(app: Hono, { queue }: Services): void {
  addRoute(app, "/api/jobs", { GET: (c) => c.json({ jobs: queue.rows() }) });
  addRoute(app, "/api/jobs/:id", {
    GET: (c) => c.json(queue.row(c.req.param("id") ?? "")),
    DELETE: async (c) => c.json(await queue.cancel(c.req.param("id") ?? "")),
  });
  addRoute(app, "/api/jobs/:id/events", {
    GET: (c) => {
      const stop = new AbortController();
      const { id } = queue.row(c.req.param("id") ?? "");
      const rows = queue.watch(id, stop.signal);
      return eventResponse(asEvents(rows), () => stop.abort());
    },
  });
}

async function* asEvents(rows: AsyncGenerator<JobRow>): AsyncGenerator<ServerEvent> {
  for await (const row of rows) yield { event: "job", data: JSON.stringify(row) };
}
