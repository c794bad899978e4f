import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RemoteError } from "./errors.ts";
import { fetchWithRetry } from "./http.ts";
import { type LocalServer, startLocalServer } from "./local-server.suite.ts";

let server: LocalServer;
beforeAll(async () => {
  server = await startLocalServer();
});
afterAll(() => server.close());

const quick = { firstWaitMs: 5, attempts: 3 };
/** Answers with these statuses in turn, the last one for ever. */
function answer(...statuses: number[]): void {
  let next = 0;
  server.handle((_request, response) => {
    const status = statuses[Math.min(next++, statuses.length - 1)]!;
    response.writeHead(status).end(`status ${status}`);
  });
}

async function failureOf(promise: Promise<unknown>): Promise<RemoteError> {
  const error = await promise.catch((thrown: unknown) => thrown);
  if (error instanceof RemoteError) return error;
  throw new Error(`wanted a RemoteError, got ${String(error)}`);
}

describe("fetchWithRetry", () => {
  it("tries again after 5xx, 408, 425 and 429, and returns the good answer", async () => {
    answer(500, 408, 425, 429, 502, 503, 504, 200);
    const response = await fetchWithRetry(server.url, {}, { firstWaitMs: 1, attempts: 8 });
    expect(await response.text()).toBe("status 200");
    expect(server.requests).toHaveLength(8);
  });

  it("sends method, headers and body each time", async () => {
    let body = "";
    let tries = 0;
    server.handle(async (request, response) => {
      body = "";
      for await (const chunk of request) body += chunk;
      response.writeHead(++tries < 2 ? 500 : 200).end();
    });
    await fetchWithRetry(server.url, { method: "POST", body: "text", headers: { "x-a": "1" } }, quick);
    expect(body).toBe("text");
    expect(server.requests[1]).toMatchObject({ method: "POST", headers: { "x-a": "1" } });
  });

  it("gives up after the attempts, with status and body", async () => {
    answer(500);
    const error = await failureOf(fetchWithRetry(server.url, {}, quick));
    expect(error).toMatchObject({ status: 500, retryable: true, url: server.url });
    expect(error.message).toContain("status 500");
    expect(server.requests).toHaveLength(3);
  });

  it("does not try again what will fail again", async () => {
    for (const status of [400, 401, 403, 404, 422]) {
      answer(status);
      expect(await failureOf(fetchWithRetry(server.url, {}, quick))).toMatchObject({
        status,
        retryable: false,
      });
      expect(server.requests).toHaveLength(1);
    }
  });

  it("waits as long as Retry-After says: seconds or a date", async () => {
    const second = Date.parse("Fri, 26 Jul 2024 00:00:01 GMT");
    for (const [retryAfter, wantedMs] of [
      ["0.15", 150],
      ["Fri, 26 Jul 2024 00:00:01 GMT", 150],
      ["Fri, 26 Jul 2024 00:00:00 GMT", 0],
    ] as const) {
      let tries = 0;
      server.handle((_request, response) => {
        response.writeHead(++tries < 2 ? 429 : 200, { "retry-after": retryAfter }).end();
      });
      const start = performance.now();
      await fetchWithRetry(server.url, {}, { firstWaitMs: 20_000, now: () => second - 150 });
      const waited = performance.now() - start;
      expect(waited).toBeGreaterThanOrEqual(wantedMs - 5);
      expect(waited).toBeLessThan(wantedMs + 5000);
    }
  });

  it("does not wait longer than it may", async () => {
    server.handle((_request, response) => void response.writeHead(429, { "retry-after": "120" }).end());
    const start = performance.now();
    const error = await failureOf(fetchWithRetry(server.url, {}, { ...quick, maxWaitMs: 1000 }));
    expect(error.status).toBe(429);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it("tries again when the connection fails", async () => {
    let tries = 0;
    server.handle((request, response) => {
      if (++tries < 3) request.socket.destroy();
      else response.end("ok");
    });
    expect(await (await fetchWithRetry(server.url, {}, quick)).text()).toBe("ok");
    const gone = await startLocalServer();
    await gone.close();
    const error = await failureOf(fetchWithRetry(gone.url, {}, quick));
    expect(error).toMatchObject({ status: undefined, retryable: true });
    expect(error.message).toMatch(/could not be reached.*ECONNREFUSED/);
  });

  it("gives up an answer that does not begin in time", async () => {
    server.handle(() => {});
    const error = await failureOf(fetchWithRetry(server.url, {}, { ...quick, attempts: 2, timeoutMs: 40 }));
    expect(error.message).toContain("no answer within 40 ms");
    expect(server.requests).toHaveLength(2);
  });

  it("lets a body take longer than the time-out", async () => {
    server.handle((_request, response) => {
      response.write("a");
      setTimeout(() => response.end("b"), 150);
    });
    expect(await (await fetchWithRetry(server.url, {}, { ...quick, timeoutMs: 100 })).text()).toBe("ab");
  });

  it("stops at once when it is cancelled: before, during the request, and during a wait", async () => {
    const reason = new Error("stopped");
    answer(200);
    await expect(fetchWithRetry(server.url, {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(0);
    for (const handler of [
      () => {},
      (_: unknown, response: { writeHead(status: number): { end(): unknown } }) =>
        void response.writeHead(500).end(),
    ]) {
      server.handle(handler);
      const controller = new AbortController();
      const start = performance.now();
      setTimeout(() => controller.abort(reason), 50);
      await expect(
        fetchWithRetry(server.url, {}, { firstWaitMs: 30_000, signal: controller.signal }),
      ).rejects.toThrow();
      expect(performance.now() - start).toBeLessThan(5000);
    }
  });

  it("keeps the token out of the message, even if the server repeats it, and does not read without end", async () => {
    server.handle((request, response) => {
      response.writeHead(400);
      response.write(`you sent ${request.headers.authorization} `);
      const more = setInterval(() => response.write("x".repeat(1000)), 1);
      response.on("close", () => clearInterval(more));
    });
    const headers = { authorization: "Bearer hf_secret" };
    const error = await failureOf(fetchWithRetry(server.url, { headers }, quick));
    expect(error.message).toContain("you sent Bearer ***");
    expect(error.message).not.toContain("hf_secret");
    expect(error.message.length).toBeLessThan(400);
  });
});
