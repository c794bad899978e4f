import { join } from "node:path";
import { z } from "zod";
import type { EngineSettings } from "../engine/config.ts";
import { tinySettings } from "../engine/engine.suite.ts";
import { resolveConfig } from "../engine/settings.ts";
import { defaultPolicy } from "../jobs/background.ts";
import { type OpenServer, openServer, type ServerParts } from "./server.ts";
import type { ServerOptions } from "./services.ts";

/** How a test's server differs from the usual one. */
export interface TestServerOptions {
  settings?: EngineSettings;
  options?: Partial<ServerOptions>;
  background?: Partial<NonNullable<ServerParts["background"]>>;
  parsing?: ServerParts["engines"]["environment"]["parsing"];
  /** How long its end waits for what is under way. */
  graceMs?: number;
}

/** A server on a free port of this machine, over a tiny model and a folder; what is a bug of ours fails the test. */
export async function withServer<T>(
  folder: string,
  { settings = {}, options = {}, background, parsing, graceMs = 500 }: TestServerOptions,
  task: (server: OpenServer) => Promise<T>,
): Promise<T> {
  const bugs: unknown[] = [];
  const server = await openServer({
    options: {
      host: "127.0.0.1",
      port: 0,
      allowedPaths: [],
      reportsFolder: join(folder, "runs"),
      pageFolder: join(folder, "page"),
      maxUploadBytes: 100_000,
      maxBodyBytes: 50_000,
      bodyTimeoutMs: 2000,
      maxInFlight: 64,
      deadlineMs: 30_000,
      ...options,
    },
    engines: {
      collection: "default",
      settingsOf: (collection) => resolveConfig(tinySettings(folder, { collection, ...settings })),
      environment: { trainingThreads: 1, parsing },
    },
    background: background && { ...defaultPolicy, halfLifeMs: 3_600_000, pollMs: 20, ...background },
    onBug: (error) => bugs.push(error),
    onProblem: () => {},
  });
  const outcome = await Promise.allSettled([task(server)]);
  await server.close({ graceMs });
  const [result] = outcome;
  if (result.status === "rejected") throw result.reason;
  if (bugs.length) throw bugs[0];
  return result.value;
}

const jobAnswer = z.object({ job: z.looseObject({ id: z.string(), state: z.string() }) });

/** The last state of a job that an answer tells of. */
export async function endOfJob({ url }: OpenServer, answer: Response): Promise<unknown> {
  const told: unknown = await answer.json();
  if (answer.status !== 202) throw new Error(`wanted a job, got ${answer.status} ${JSON.stringify(told)}`);
  const { job } = jobAnswer.parse(told);
  const events = await readEvents(await fetch(`${url}/api/jobs/${job.id}/events`));
  return events.at(-1)?.data;
}

/** Posts JSON. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** Uploads texts as files. */
export function upload(url: string, files: Record<string, string | Uint8Array>): Promise<Response> {
  const form = new FormData();
  for (const [name, content] of Object.entries(files))
    form.append("file", new File([typeof content === "string" ? content : Uint8Array.from(content)], name));
  return fetch(url, { method: "POST", body: form });
}

/** The events of a stream of server-sent events, by type and parsed data. */
export async function readEvents(response: Response): Promise<{ event: string; data: unknown }[]> {
  const text = await response.text();
  return text
    .split("\n\n")
    .filter((block) => block.includes("data: "))
    .map((block) => ({
      event: /^event: (.*)$/m.exec(block)?.[1] ?? "",
      data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "null"),
    }));
}
