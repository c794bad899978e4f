import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { buffer, json } from "node:stream/consumers";
import { z } from "zod";
import type { JobRow } from "../../src/index.ts";
import {
  adapterOf,
  answerEvents,
  documentRow,
  type FakePassage,
  type FakeWorld,
  fakeLosses,
  statusOf,
} from "./fake-world.ts";

/** The policy that the page has to live with. */
export const strictPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The one of reports. */
const reportPolicy =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

interface Exchange {
  world: FakeWorld;
  request: IncomingMessage;
  response: ServerResponse;
  /** Parts of the path after `/api/`. */
  parts: string[];
}

/** A server with the routes of docs/api.md over a made-up world, below `prefix`. It holds still where a test wants to look. */
export async function startFakeServer(
  world: FakeWorld,
  { folder, prefix = "", port = 0 }: { folder: string; prefix?: string; port?: number },
) {
  const server = createServer((request, response) => {
    const path = decodeURI(new URL(request.url ?? "/", "http://fake").pathname).slice(prefix.length);
    const parts = path.split("/").slice(2);
    const isNative = path.startsWith("/api/");
    const handled = isNative ? answer({ world, request, response, parts }) : sendFile(response, folder, path);
    handled.catch((error: unknown) => fail(response, 500, String(error)));
  });
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the fake server has no port");
  return {
    url: `http://127.0.0.1:${address.port}${prefix}/`,
    port: address.port,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function sendFile(response: ServerResponse, folder: string, path: string): Promise<void> {
  if (path === "/healthz") return send(response, 200, { status: "ok" });
  const name = path === "/" ? "/index.html" : path;
  const content = await readFile(join(folder, name)).catch(() => undefined);
  if (!content) return fail(response, 404, `there is no ${name}`);
  response.writeHead(200, {
    "content-type": types[extname(name)] ?? "application/octet-stream",
    "content-security-policy": strictPolicy,
  });
  response.end(content);
}

async function answer(exchange: Exchange): Promise<void> {
  const { world, request, response, parts } = exchange;
  const url = new URL(request.url ?? "/", "http://fake");
  const isAdmitted = parts[0] === "reports" && url.searchParams.get("ticket") === ticketOf(parts.slice(1));
  if (world.apiKey && request.headers.authorization !== `Bearer ${world.apiKey}` && !isAdmitted)
    return fail(response, 401, "this server needs an API key; send it as a bearer token");
  const [first, second] = parts;
  if (first === "status") {
    const name = url.searchParams.get("collection") ?? world.mainCollection;
    const isKnown = name === world.mainCollection || world.collections.has(name);
    return isKnown
      ? send(response, 200, statusOf(world, name))
      : fail(response, 404, `there is no collection "${name}"`);
  }
  if (first === "jobs") return answerJobs(exchange);
  if (first === "ask") return answerQuestion(exchange);
  if (first === "report-tickets") {
    const { path } = z.object({ path: z.string() }).parse(await json(request));
    return send(response, 201, { ticket: ticketOf([path]) });
  }
  if (first === "reports" && !second)
    return send(response, 200, {
      reports: world.reports.map(({ path, html }) => ({ path, bytes: html.length, modifiedMs: 1.7e12 })),
    });
  if (first === "reports") {
    const report = world.reports.find(({ path }) => path === parts.slice(1).join("/"));
    response.writeHead(report ? 200 : 404, {
      "content-type": "text/html",
      "content-security-policy": reportPolicy,
    });
    return void response.end(report?.html);
  }
  if (first === "collections") return second ? answerCollection(exchange) : answerCollections(exchange);
  return fail(response, 404, `there is no route ${request.url}`);
}

/** What admits to a report without the key. */
const ticketOf = (path: readonly string[]) => Buffer.from(path.join("/")).toString("hex");

async function answerCollections({ world, request, response }: Exchange): Promise<void> {
  const row = (name: string) => {
    const passages = world.collections.get(name) ?? [];
    const encoded = passages.filter(({ isEncoded }) => isEncoded).length;
    return { name, documents: passages.length, passages: passages.length, augmented: encoded, encoded };
  };
  if (request.method === "GET")
    return send(response, 200, { collections: [...world.collections.keys()].map(row) });
  const { name } = z.object({ name: z.string() }).parse(await json(request));
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    return fail(response, 400, `"${name}" cannot name a collection; use letters, digits, ".", "_" and "-"`);
  world.collections.set(name, []);
  return send(response, 201, row(name));
}

async function answerCollection(exchange: Exchange): Promise<void> {
  const { world, request, response, parts } = exchange;
  const [, name = "", third, key, deed] = parts;
  const passages = world.collections.get(name);
  if (!third) {
    world.collections.delete(name);
    return void response.writeHead(204).end();
  }
  if (third === "documents" && request.method === "POST") return upload(exchange, name);
  if (!passages) return fail(response, 404, `there is no collection "${name}"`);
  if (third === "documents") return send(response, 200, { documents: passages.map(documentRow) });
  if (third === "encode") return send(response, 202, { job: startJob(world, name, "encode") });
  const encoded = passages.filter(({ isEncoded }) => isEncoded);
  if (third === "similarity") return send(response, 200, similarity(encoded));
  if (!key) return send(response, 200, { adapters: encoded.map(adapterOf) });
  const passage = encoded.find(({ id }) => id.padEnd(64, "0") === key);
  if (!passage) return fail(response, 404, `there is no adapter ${key}`);
  if (deed === "encode") return send(response, 202, { job: startJob(world, name, "encode") });
  if (deed === "peft")
    return void response.writeHead(200, { "content-type": "application/x-tar" }).end("tar");
  if (request.method === "GET") return send(response, 200, adapterOf(passage));
  passage.isEncoded = false;
  return void response.writeHead(204).end();
}

function similarity(passages: readonly FakePassage[]) {
  const values = passages.map((_, i) =>
    passages.map((_, j) => (i === j ? 1 : Math.cos(i * 3 + j * 3) * 0.5)),
  );
  return {
    keys: passages.map(({ id }) => id),
    titles: passages.map(({ title }) => title),
    values,
    isPartial: false,
  };
}

async function upload({ world, request, response }: Exchange, name: string): Promise<void> {
  const body = await buffer(request);
  const form = await new Response(new Uint8Array(body), {
    headers: { "content-type": request.headers["content-type"] ?? "" },
  }).formData();
  const passages: FakePassage[] = [];
  for (const file of form.getAll("file")) {
    if (typeof file === "string") continue;
    if (file.name.endsWith(".exe"))
      return fail(response, 400, `${file.name}: files of this kind cannot be read; send text, PDF or Word`);
    const id = Buffer.from(file.name).toString("hex").slice(0, 40);
    passages.push({ id, title: file.name.replace(/\.\w+$/, ""), text: await file.text(), isEncoded: false });
  }
  const job = startJob(world, name, "ingest");
  world.collections.set(name, [...(world.collections.get(name) ?? []), ...passages]);
  return send(response, 202, { job, files: passages.map(({ title }) => title) });
}

function startJob(world: FakeWorld, collection: string, kind: JobRow["kind"]): JobRow {
  const job: JobRow = {
    id: `job-${world.jobs.length + 1}`,
    kind,
    collection,
    isBackground: false,
    state: "waiting",
    createdMs: 0,
    startedMs: 0,
    endedMs: null,
    progress: null,
    losses: [],
    result: null,
    error: null,
  };
  world.jobs.unshift(job);
  return job;
}

async function answerJobs({ world, request, response, parts }: Exchange): Promise<void> {
  const [, id, events] = parts;
  if (!id) return send(response, 200, { jobs: world.jobs });
  const job = world.jobs.find((one) => one.id === id);
  if (!job) return fail(response, 404, `there is no job ${id}`);
  if (request.method === "DELETE") job.state = "cancelled";
  if (!events) return send(response, 200, job);
  response.writeHead(200, { "content-type": "text/event-stream" });
  const tell = () => response.write(`event: job\ndata: ${JSON.stringify(job)}\n\n`);
  tell();
  for (let step = 1; step <= 36 && job.state !== "cancelled" && !response.destroyed; step++) {
    advance(world, job, step);
    tell();
    while (world.holdsJobs && step === 18 && !response.destroyed && job.state === "running") await pause(10);
    await pause(5);
  }
  if (job.state === "running") finish(world, job);
  tell();
  response.end();
}

function advance(world: FakeWorld, job: JobRow, step: number): void {
  const passages = world.collections.get(job.collection)?.length ?? 0;
  const note = job.kind === "encode" ? `${Math.floor((step / 36) * passages)} of ${passages} passages` : null;
  job.state = "running";
  job.progress = { task: job.kind, done: step, total: 36, note, etaMs: (36 - step) * 1000 };
  if (job.kind === "encode") job.losses = fakeLosses.slice(0, step);
}

function finish({ collections }: FakeWorld, job: JobRow): void {
  job.state = "done";
  if (job.kind === "encode") for (const one of collections.get(job.collection) ?? []) one.isEncoded = true;
}

const question = z.object({
  question: z.string(),
  collection: z.string(),
  method: z.string(),
  limit: z.number(),
});

async function answerQuestion({ world, request, response }: Exchange): Promise<void> {
  const asked = question.parse(await json(request));
  const words = world.answerOf(asked.question);
  const passages = world.collections.get(asked.collection) ?? [];
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of answerEvents(passages, { ...asked, words })) {
    while (event.type === "text-delta" && event.text === "hold" && !response.destroyed) await pause(10);
    if (response.destroyed) return;
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    await pause(5);
  }
  response.end();
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function fail(response: ServerResponse, status: number, message: string): void {
  send(response, status, { error: { message, type: "invalid_request_error", param: null, code: null } });
}
