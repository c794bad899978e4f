import { mkdir, writeFile } from "node:fs/promises";
import { get, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError } from "../base/errors.ts";
import { bridgeArticle, withTempFolder } from "../engine/engine.suite.ts";
import { checkBinding } from "./guard.ts";
import { endOfJob, post, readEvents, upload, withServer } from "./serving.suite.ts";

const chat = { model: "qwen2-tied", messages: [{ role: "user", content: "Tell me." }] };
const inFlight = async (url: string): Promise<number> =>
  Number(/^prag_in_flight (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error("it did not come to this");
}

describe("limits", () => {
  it("a full server says 503 with Retry-After; a client that goes frees its place at once", async () => {
    await withTempFolder((folder) =>
      withServer(folder, { options: { maxInFlight: 2 } }, async ({ url }) => {
        const path = `${url}/v1/chat/completions`;
        const long = { ...chat, stream: true, max_tokens: 200, temperature: 2 };
        const clients = [new AbortController(), new AbortController()];
        const streams = await Promise.all(
          clients.map(({ signal }) =>
            fetch(path, {
              method: "POST",
              headers: { "Content-Type": "application/json" },
              body: JSON.stringify(long),
              signal,
            }),
          ),
        );
        const refused = await post(path, chat);
        // A stream may have ended early by chance: then there is a place.
        if ((await inFlight(url)) === 2) {
          expect(refused.status).toBe(503);
          expect(refused.headers.get("retry-after")).toBe("1");
          expect(await refused.json()).toMatchObject({ error: { code: "queue_full", type: "server_error" } });
        }
        clients[0]!.abort();
        await until(async () => (await inFlight(url)) < 2);
        expect((await post(path, { ...chat, max_tokens: 1 })).status).toBe(200);
        clients[1]!.abort();
        await until(async () => (await inFlight(url)) === 0);
        expect(streams).toHaveLength(2);
      }),
    );
  });

  it("where all places are taken, a request is refused in OpenAI's shape, and counted", async () => {
    await withTempFolder((folder) =>
      withServer(folder, { options: { maxInFlight: 0 } }, async ({ url }) => {
        for (const [path, body] of [
          ["/v1/chat/completions", { ...chat, stream: true }],
          ["/api/ask", { question: "Who?" }],
        ] as const) {
          const refused = await post(`${url}${path}`, body);
          expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
          expect(await refused.json()).toMatchObject({ error: { code: "queue_full", type: "server_error" } });
        }
        expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^prag_refused_total 2$/m);
      }),
    );
  });

  it("two uploads are taken at a time; another is refused, and taken when one is over", async () => {
    await withTempFolder((folder) =>
      withServer(folder, {}, async ({ url }) => {
        const documents = `${url}/api/collections/default/documents`;
        const headers = { "Content-Type": "multipart/form-data; boundary=b" };
        const begun = [1, 2].map(() => request(documents, { method: "POST", headers }));
        for (const one of begun) {
          one.on("error", () => {}); // it is broken off below
          one.write("--b\r\n");
        }
        const status = async () => (await upload(documents, { "b.txt": bridgeArticle(1) })).status;
        await until(async () => (await status()) === 503);
        const refused = await upload(documents, { "b.txt": bridgeArticle(1) });
        expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
        expect(await refused.json()).toMatchObject({ error: { code: "capacity" } });
        begun[0]!.destroy();
        await until(async () => (await status()) === 202);
        begun[1]!.destroy();
      }),
    );
  });

  it("requests, tokens and first tokens are counted for Prometheus", async () => {
    await withTempFolder((folder) =>
      withServer(folder, {}, async ({ url }) => {
        const answer = await post(`${url}/v1/chat/completions`, { ...chat, max_tokens: 3 });
        const { usage } = z
          .object({ usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }) })
          .parse(await answer.json());
        await fetch(`${url}/api/nothing`);
        const metrics = await fetch(`${url}/metrics`);
        expect(metrics.headers.get("content-type")).toMatch(/^text\/plain; version=/);
        const lines = (await metrics.text()).split("\n");
        expect(lines).toEqual(
          expect.arrayContaining([
            `prag_tokens_total{model="qwen2-tied",kind="prompt"} ${usage.prompt_tokens}`,
            `prag_tokens_total{model="qwen2-tied",kind="generated"} ${usage.completion_tokens}`,
            'prag_first_token_seconds_count{model="qwen2-tied"} 1',
            'prag_request_seconds_count{route="/v1/chat/completions",status="200"} 1',
            "prag_in_flight 0",
          ]),
        );
        expect(lines.some((line) => /^prag_request_seconds_count\{.*status="404"\} 1$/.test(line))).toBe(
          true,
        );
      }),
    );
  });

  it("a name that was rebound to this address is refused, and one that was allowed is served", async () => {
    const status = (url: string, host: string) =>
      new Promise<number | undefined>((resolve, reject) =>
        request(`${url}/api/status`, { headers: { Host: host } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on("error", reject)
          .end(),
      );
    await withTempFolder((folder) =>
      withServer(folder, { options: { allowedHosts: ["rag.example.org"] } }, async ({ url }) => {
        const { port } = new URL(url);
        for (const host of ["rag.example.org", `RAG.example.org:${port}`, `localhost:${port}`])
          expect(await status(url, host), host).toBe(200);
        for (const host of [
          "evil.example",
          `evil.example:${port}`,
          "rag.example.org.evil.example",
          "10.0.0.1",
        ])
          expect(await status(url, host), host).toBe(403);
        const foreign = await post(`${url}/api/ask`, { question: "Who?" }, { Origin: "http://evil.example" });
        expect([foreign.status, await foreign.json()]).toMatchObject([
          403,
          { error: { code: "foreign_origin" } },
        ]);
      }),
    );
  });

  it("an answer that takes too long is ended: 504, or an event in a stream that has begun", async () => {
    await withTempFolder((folder) =>
      withServer(folder, { options: { deadlineMs: 1 } }, async ({ url }) => {
        const late = await post(`${url}/v1/chat/completions`, { ...chat, max_tokens: 200 });
        expect(late.status).toBe(504);
        expect(await late.json()).toMatchObject({ error: { code: "deadline_exceeded" } });
        expect(await inFlight(url)).toBe(0);
      }),
    );
  });

  it("a body that trickles is not waited for", async () => {
    await withTempFolder((folder) =>
      withServer(folder, { options: { bodyTimeoutMs: 200 } }, async ({ url }) => {
        const answer = await new Promise<string>((resolve, reject) => {
          const { port } = new URL(url);
          const socket = connect(Number(port), "127.0.0.1", () =>
            socket.write(
              `POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"que`,
            ),
          );
          let text = "";
          socket.setEncoding("utf8");
          socket.on("data", (chunk: string) => {
            text += chunk;
            socket.destroy();
          });
          socket.on("error", reject);
          socket.on("close", () => resolve(text));
        });
        expect(answer).toMatch(/^HTTP\/1\.1 408/);
      }),
    );
  });

  it("a body that is too large is heard out: who listens only afterwards, as a browser, learns of it", async () => {
    await withTempFolder((folder) =>
      withServer(folder, { options: { bodyTimeoutMs: 20_000 } }, async ({ url }) => {
        const piece = " ".repeat(1_000_000);
        const bodies = {
          "Content-Length: 20000000": new Array<string>(20).fill(piece),
          "Transfer-Encoding: chunked": [...new Array<string>(20).fill(`f4240\r\n${piece}\r\n`), "0\r\n\r\n"],
        };
        for (const [length, pieces] of Object.entries(bodies)) {
          const { port } = new URL(url);
          const socket = connect(Number(port), "127.0.0.1");
          const write = promisify<string, void>((text, done) => socket.write(text, done));
          await write(
            `POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\nContent-Type: application/json\r\n${length}\r\n\r\n`,
          );
          for (const one of pieces) {
            await write(one);
            await sleep(50);
          }
          expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 .*"the body is larger than 50000 bytes"/s);
        }
      }),
    );
  });

  it("a key is demanded of other machines, and of every request once there is one", async () => {
    expect(() => checkBinding({ host: "0.0.0.0" })).toThrow(ConfigError);
    expect(() => checkBinding({ host: "::" })).toThrow(ConfigError);
    expect(() => checkBinding({ host: "192.168.1.5", apiKey: "short" })).toThrow(ConfigError);
    expect(() => checkBinding({ host: "127.0.0.1" })).not.toThrow();
    await withTempFolder((folder) =>
      withServer(folder, { options: { apiKey: "a-secret-key" } }, async ({ url }) => {
        const status = async (path: string, key?: string) =>
          (await fetch(`${url}${path}`, { headers: key ? { Authorization: `Bearer ${key}` } : {} })).status;
        for (const path of ["/v1/models", "/api/status", "/api/jobs"]) {
          expect(await status(path)).toBe(401);
          expect(await status(path, "a-secret-kex")).toBe(401);
          expect(await status(path, "a-secret-key")).toBe(200);
        }
        expect(await status("/")).toBe(200);
        expect(await status("/healthz")).toBe(200);
      }),
    );
  });

  it("closing lets answers under way end, to their last byte", async () => {
    await withTempFolder(async (folder) => {
      const path = "/v1/chat/completions";
      const long = { ...chat, max_tokens: 150, temperature: 2, seed: 3 };
      const answers = await withServer(folder, { graceMs: 30_000 }, async ({ url }) => {
        const texts = [true, false, true, false].map(async (stream) => {
          const answer = await post(`${url}${path}`, { ...long, stream });
          return [answer.status, await answer.text()] as const;
        });
        for (const text of texts) text.catch(() => {}); // looked at when the server has ended
        await until(async () => (await inFlight(url)) === 4);
        return texts;
      });
      for (const [i, answer] of answers.entries()) {
        const [status, text] = await answer;
        expect(status).toBe(200);
        if (i % 2 === 0) expect(text).toMatch(/data: \[DONE\]\n\n$/);
        else expect(JSON.parse(text)).toMatchObject({ usage: { completion_tokens: 150 } });
      }
    });
  });

  it("closing lets a file be read to its end by a slow client", async () => {
    await withTempFolder(async (folder) => {
      const content = Buffer.alloc(20_000_000, "0123456789");
      await mkdir(join(folder, "page"));
      await writeFile(join(folder, "page/data.json"), content);
      const [slow] = await withServer(folder, { graceMs: 30_000 }, async ({ url }) => {
        const answer = await new Promise<IncomingMessage>((resolve, reject) =>
          get(`${url}/data.json`, resolve).on("error", reject),
        );
        const content = sleep(200).then(() => buffer(answer)); // only its headers, until the server begins to end
        content.catch(() => {}); // looked at when the server has ended
        return [content];
      });
      expect((await slow).equals(content)).toBe(true);
    });
  });

  it("closing ends the events of a job that goes on, and refuses what comes", async () => {
    await withTempFolder(async (folder) => {
      const settings = { recipe: { updates: 2000, pattern: "pairs" as const } };
      const startMs = performance.now();
      const [events, late] = await withServer(folder, { settings, graceMs: 30_000 }, async (server) => {
        const { url } = server;
        const documents = `${url}/api/collections/default/documents`;
        await endOfJob(server, await upload(documents, { "b.txt": bridgeArticle(1) }));
        const answer = await post(`${url}/api/collections/default/encode`, {});
        const { job } = z.object({ job: z.object({ id: z.string() }) }).parse(await answer.json());
        const watched = await fetch(`${url}/api/jobs/${job.id}/events`);
        const closing = sleep(20).then(() => fetch(`${url}/api/jobs`).catch(() => undefined));
        return [watched.text(), closing] as const;
      });
      expect(await events).toContain("event: job");
      expect([503, undefined]).toContain((await late)?.status);
      expect(performance.now() - startMs).toBeLessThan(25_000);
    });
  });
});

describe("the background", () => {
  it("turns what is asked for often into adapters, and remembers it over a restart", async () => {
    await withTempFolder(async (folder) => {
      const background = { minimumHeat: 1.5, quietMs: 0, cpuShare: 1 };
      const question = { question: "Who built the Orlen1 Bridge?", limit: 1 };
      await withServer(folder, {}, async (server) => {
        const files = Object.fromEntries([0, 1, 2, 3].map((i) => [`b-${i}.txt`, bridgeArticle(i)]));
        await endOfJob(server, await upload(`${server.url}/api/collections/default/documents`, files));
        for (let i = 0; i < 2; i++) await readEvents(await post(`${server.url}/api/ask`, question));
      });
      await withServer(folder, { background }, async ({ url }) => {
        const use = async () =>
          JSON.stringify((await readEvents(await post(`${url}/api/ask`, question))).map(({ data }) => data));
        const state = async () => JSON.stringify(await (await fetch(`${url}/api/status`)).json());
        await until(async () => (await state()).includes('"encoded":1,'));
        expect(await use()).toContain('"usedAs":"adapter"');
        expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
          /prag_background_passages\{kind="encoded"\} 1/,
        );
        expect(await (await fetch(`${url}/api/jobs`)).text()).toContain('"isBackground":true');
      });
    });
  });

  it("stops at its disk budget", async () => {
    await withTempFolder((folder) =>
      withServer(folder, { background: { minimumHeat: 0.5, diskBytes: 10 } }, async (server) => {
        const { url } = server;
        await endOfJob(
          server,
          await upload(`${url}/api/collections/default/documents`, { "b.txt": bridgeArticle(1) }),
        );
        await readEvents(await post(`${url}/api/ask`, { question: "Who built the Orlen1 Bridge?" }));
        await until(async () =>
          (await (await fetch(`${url}/api/status`)).text()).includes("disk-budget-reached"),
        );
        expect(await (await fetch(`${url}/api/jobs`)).text()).not.toContain('"isBackground":true');
      }),
    );
  });
});
