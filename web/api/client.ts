import { ApiFailure } from "./failure.ts";
import { type Call, check, type Http, toConnectionFailure } from "./http.ts";
import { readMessages } from "./sse.ts";
import * as wire from "./wire.ts";

/** One question to one method. */
export interface Question {
  question: string;
  collection: string;
  method: string;
  /** Passages to retrieve. */
  limit: number;
}

/** Everything the page asks of the server, one function per route. */
export type Client = ReturnType<typeof createClient>;

/** The client over a connection. */
export function createClient(http: Http) {
  const within = (collection: string) => `api/collections/${encodeURIComponent(collection)}`;
  const adapter = (collection: string, key: string) =>
    `${within(collection)}/adapters/${encodeURIComponent(key)}`;
  const startJob = async (path: string, body: unknown) =>
    (await http.json(path, wire.jobStarted, { method: "POST", body })).job;
  const remove = async (path: string) => void (await http.send(path, { method: "DELETE" }));
  const job = (id: string) => `api/jobs/${encodeURIComponent(id)}`;

  return {
    health: (signal: AbortSignal) => http.send("healthz", { signal }),
    /** Without a name, of the server's main collection. */
    status: (collection?: string) => {
      const query = collection === undefined ? "" : `?collection=${encodeURIComponent(collection)}`;
      return http.json(`api/status${query}`, wire.serverStatus);
    },

    collections: async () => (await http.json("api/collections", wire.collectionList)).collections,
    createCollection: (name: string) =>
      http.json("api/collections", wire.collectionCreated, { method: "POST", body: { name } }),
    deleteCollection: (name: string) => remove(within(name)),
    documents: async (collection: string) =>
      (await http.json(`${within(collection)}/documents`, wire.documentList)).documents,
    upload: (collection: string, files: readonly File[]) =>
      startJob(`${within(collection)}/documents`, toForm(files)),
    encode: (collection: string) => startJob(`${within(collection)}/encode`, {}),

    jobs: async () => (await http.json("api/jobs", wire.jobList)).jobs,
    cancelJob: (id: string) => http.json(job(id), wire.jobRow, { method: "DELETE" }),
    watchJob: (id: string, signal: AbortSignal) =>
      readEvents(http, `${job(id)}/events`, { schema: wire.jobRow, call: { signal } }),

    ask: (question: Question, signal: AbortSignal) =>
      readEvents(http, "api/ask", {
        schema: wire.askEvent,
        call: { method: "POST", body: question, signal },
      }),

    adapters: async (collection: string) =>
      (await http.json(`${within(collection)}/adapters`, wire.adapterList)).adapters,
    adapter: (collection: string, key: string) => http.json(adapter(collection, key), wire.adapterDetail),
    deleteAdapter: (collection: string, key: string) => remove(adapter(collection, key)),
    encodeAgain: (collection: string, key: string) => startJob(`${adapter(collection, key)}/encode`, {}),
    peft: async (collection: string, key: string) =>
      (await http.send(`${adapter(collection, key)}/peft`)).blob(),
    similarity: (collection: string, limit: number) =>
      http.json(`${within(collection)}/similarity?limit=${limit}`, wire.similarityMap),

    reports: async () => (await http.json("api/reports", wire.reportList)).reports,
    report: async (path: string) => (await http.send(reportPath(path))).blob(),
    /** Where a frame finds a report: the address that it loads cannot carry the key. */
    reportAddress: async (path: string) => {
      const { ticket } = await http.json("api/report-tickets", wire.reportTicket, {
        method: "POST",
        body: { path },
      });
      return `${reportPath(path)}?ticket=${encodeURIComponent(ticket)}`;
    },
  };
}

/** Where a report is read, relative to the page. */
export function reportPath(path: string): string {
  return `api/reports/${path.split("/").map(encodeURIComponent).join("/")}`;
}

function toForm(files: readonly File[]): FormData {
  const form = new FormData();
  for (const file of files) form.append("file", file, file.name);
  return form;
}

/** The events of a stream, checked. A stream that breaks off is a lost connection. */
async function* readEvents<Schema extends Parameters<typeof check>[1]>(
  http: Http,
  path: string,
  { schema, call }: { schema: Schema; call: Call },
) {
  const response = await http.send(path, call);
  if (!response.body) throw new ApiFailure(`The answer of ${path} is empty.`, { kind: "response" });
  try {
    for await (const { data } of readMessages(response.body)) yield check(parse(data, path), schema, path);
  } catch (error) {
    throw toConnectionFailure(error);
  }
}

function parse(data: string, source: string): unknown {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new ApiFailure(`An event of ${source} is not JSON.`, { kind: "response", cause });
  }
}
