import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { ConfigError, systemCode } from "../base/errors.ts";
import { type Background, type BackgroundPolicy, startBackground } from "../jobs/background.ts";
import { type EnginesOptions, openEngines } from "../jobs/engines.ts";
import { openHeat } from "../jobs/heat.ts";
import { JobQueue } from "../jobs/job-queue.ts";
import { Traffic } from "../jobs/traffic.ts";
import { createApp } from "./app.ts";
import { checkBinding } from "./guard.ts";
import { realFolders } from "./ingest-routes.ts";
import { createMetrics } from "./metrics.ts";
import type { ServerOptions, Services } from "./services.ts";

/** What a server is made from. */
export interface ServerParts {
  options: ServerOptions;
  engines: EnginesOptions;
  /** Without it, nothing is encoded in the background. */
  background: (BackgroundPolicy & { halfLifeMs: number }) | undefined;
  /** Hears of failures that are ours. */
  onBug(error: unknown): void;
  /** Hears of what the background could not do now. */
  onProblem(error: unknown): void;
}

/** A server that answers. */
export interface OpenServer {
  /** Where it is reached. */
  url: string;
  /** Takes no more requests, lets those under way end for a while, and ends jobs between two steps. */
  close(options?: { graceMs?: number }): Promise<void>;
}

/** For headers, whole requests and silent connections, and how often they are checked. */
const timeouts = { headersMs: 10_000, requestMs: 120_000, keepAliveMs: 5_000, checkMs: 2_000 };
const mostConnections = 512;

/** Opens everything and listens. */
export async function openServer(parts: ServerParts): Promise<OpenServer> {
  const { background: policy, onBug, onProblem } = parts;
  checkBinding(parts.options);
  const options = { ...parts.options, allowedPaths: await realFolders(parts.options.allowedPaths) };
  const clock = () => performance.now();
  const now = () => Date.now();
  const engines = await openEngines(parts.engines);
  const traffic = new Traffic();
  const queue = new JobQueue({ now, onBug });
  const halfLifeMs = policy?.halfLifeMs ?? 86_400_000;
  const closing = new AbortController();
  let background: Background | undefined;
  try {
    const heat = await openHeat(engines.main.config.dataFolder, { halfLifeMs, now });
    background = policy && startBackground({ engines, queue, heat, traffic, clock, onProblem }, policy);
    const metrics = createMetrics({
      inFlight: () => traffic.inFlight,
      background: async () => (await background?.status()) ?? { encoded: 0, evicted: 0, waiting: 0 },
    });
    const services: Services = {
      ...{ options, engines, queue, heat, traffic, background, metrics, clock, onBug },
      closing: closing.signal,
    };
    const server = await listen(createApp(services).fetch, options);
    const unwritten = new Traffic(); // a request's ticket is given back before its last bytes are written
    server.on("request", (_request, response) => {
      if (!closing.signal.aborted) response.once("close", unwritten.enter());
    });
    return {
      url: urlOf(server, options),
      async close({ graceMs = 10_000 } = {}) {
        closing.abort();
        const limit = { maxPauseMs: graceMs };
        await Promise.all([traffic.whenQuiet(limit), unwritten.whenQuiet(limit)]);
        // Not earlier: node takes an answer that has its end, but is not written yet, for idle, and cuts it.
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeAllConnections();
        await closed;
        await background?.stop();
        await queue.close();
        await heat.save().catch(onProblem);
        await engines.dispose();
      },
    };
  } catch (error) {
    await background?.stop();
    await queue.close();
    await engines.dispose();
    throw error;
  }
}

type Fetch = Parameters<typeof createAdaptorServer>[0]["fetch"];

/** A server that slow and silent clients cannot hold. */
async function listen(fetch: Fetch, { host, port }: ServerOptions): Promise<Server> {
  const server = createAdaptorServer({
    fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      keepAliveTimeout: timeouts.keepAliveMs,
      connectionsCheckingInterval: timeouts.checkMs,
      maxHeaderSize: 16_384,
    },
  });
  if (!("maxHeadersCount" in server)) throw new Error("internal: wanted an HTTP/1 server");
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(explain(error, { host, port })));
    server.listen(port, host, resolve);
  });
  return server;
}

function explain(error: Error, { host, port }: { host: string; port: number }): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: "another program listens there; choose another --port",
    EACCES: "this user may not listen there; choose a --port above 1023",
    EADDRNOTAVAIL: "this machine has no such address; choose another --host",
  };
  const reason = reasons[systemCode(error) ?? ""];
  return reason ? new ConfigError(`cannot listen on ${host}:${port}: ${reason}`, { cause: error }) : error;
}

function urlOf(server: Server, { host }: ServerOptions): string {
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
