import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** Answers one request of a test. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A server on this machine, for a test. */
export interface LocalServer {
  url: string;
  /** Replaces the handler. */
  handle(handler: Handler): void;
  /** What came in since the last `handle`. */
  requests: { method: string; url: string; headers: IncomingMessage["headers"] }[];
  close(): Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startLocalServer(): Promise<LocalServer> {
  let current: Handler = (_request, response) => void response.writeHead(404).end();
  const requests: LocalServer["requests"] = [];
  const server: Server = createServer((request, response) => {
    requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
    Promise.resolve(current(request, response)).catch((error: unknown) =>
      response.destroy(new Error(String(error))),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    handle(handler) {
      current = handler;
      requests.length = 0;
    },
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
