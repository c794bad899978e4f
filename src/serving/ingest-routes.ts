import { realpath } from "node:fs/promises";
import { isAbsolute } from "node:path";
import type { Hono } from "hono";
import { z } from "zod";
import { CapacityError, ConfigError } from "../base/errors.ts";
import { isFolder, liesIn } from "../base/files.ts";
import type { JobRow } from "../engine/api.ts";
import { checkCollectionName, listDocuments } from "../engine/hosted-collections.ts";
import { type IngestReport, ingest, locateInputs } from "../engine/ingest.ts";
import type { EngineParts } from "../engine/parts.ts";
import { ingestUploads, keepUpload, uploadName } from "../engine/uploads.ts";
import { Traffic } from "../jobs/traffic.ts";
import { RequestError } from "./failures.ts";
import { readFormBody, readJsonBody } from "./read-body.ts";
import { addRoute } from "./routes.ts";
import { bodyLimits, type Services } from "./services.ts";

/** Files of one upload. */
const mostFiles = 200;

/** Uploads at a time: their files are held in memory until they are kept. */
const mostUploads = 2;

/** Takes an upload, or refuses with 503 where too many are on their way. */
async function admitUpload(services: Services, uploads: Traffic, task: () => Promise<Response>) {
  if (uploads.inFlight >= mostUploads) {
    services.metrics.refused();
    throw new CapacityError(`${uploads.inFlight} uploads are on their way already; try again soon`);
  }
  const leave = uploads.enter();
  try {
    return await task();
  } finally {
    leave();
  }
}

/** Keeps uploaded files, and ingests them as a job. */
async function takeUpload(services: Services, name: string, request: Request) {
  const { engines, options } = services;
  checkCollectionName(name);
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
  // All names are right before any file is kept.
  const names = files.map((file) => uploadName(file.name));
  const twice = names.find((one, i) => names.indexOf(one) !== i);
  if (twice !== undefined)
    throw new RequestError(400, `two files of this upload would be kept as "${twice}"; rename one`, {
      param: "file",
    });
  const parts = await engines.open(name);
  for (const file of files)
    await keepUpload(parts, { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
  const run: Ingest = (informed, signal) => ingestUploads(informed, names, { signal });
  return { job: addIngest(services, name, run), files: names };
}

type Ingest = (parts: EngineParts, signal: AbortSignal) => Promise<IngestReport>;

function addIngest({ engines, queue }: Services, collection: string, run: Ingest): JobRow {
  return queue.add({
    kind: "ingest",
    collection,
    run: async ({ signal, progress }) => run({ ...(await engines.open(collection)), progress }, signal),
  });
}

const pathsBody = z.strictObject({ paths: z.array(z.string().min(1).max(4096)).min(1).max(100) });

/** Adds documents of collections: list, upload, ingest by path. */
export function addIngestRoutes(app: Hono, services: Services): void {
  const { engines } = services;
  const uploads = new Traffic();
  addRoute(app, "/api/collections/:name/documents", {
    GET: async (c) =>
      c.json({ documents: await listDocuments(await engines.get(c.req.param("name") ?? "")) }),
    POST: (c) =>
      admitUpload(services, uploads, async () =>
        c.json(await takeUpload(services, c.req.param("name") ?? "", c.req.raw), 202),
      ),
  });
  addRoute(app, "/api/collections/:name/ingest", {
    POST: async (c) => {
      const name = c.req.param("name") ?? "";
      checkCollectionName(name);
      const { paths } = await readJsonBody(c.req.raw, pathsBody, bodyLimits(services));
      const real: string[] = [];
      for (const path of paths) real.push(await allowedPath(path, services.options.allowedPaths));
      const run: Ingest = (parts, signal) => {
        const { base, inputs } = locateInputs(real, { cwd: ".", dataFolder: parts.config.dataFolder });
        return ingest(parts, inputs, { base, signal });
      };
      return c.json({ job: addIngest(services, name, run) }, 202);
    },
  });
}

/** The real paths of folders that documents may be ingested from; one that is no folder is a `ConfigError`. */
export async function realFolders(paths: readonly string[]): Promise<string[]> {
  const real: string[] = [];
  for (const path of paths) {
    if (!(await isFolder(path)))
      throw new ConfigError(`--allow-path: ${path} is no folder; name one that is there`);
    real.push(await realpath(path));
  }
  return real;
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
  if (!allowed.some((folder) => liesIn(folder, real))) throw refused;
  return real;
}
