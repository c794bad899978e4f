import { describe, expect, it } from "vitest";
import { createClient, reportPath } from "./client.ts";
import { ApiFailure } from "./failure.ts";
import { createHttp } from "./http.ts";

interface Sent {
  url: string;
  init: RequestInit;
}

/** A client whose server gives one answer to everything. */
function clientOf(answer: () => Response | Promise<Response>, { apiKey }: { apiKey?: string } = {}) {
  const sent: Sent[] = [];
  const reached: boolean[] = [];
  const http = createHttp({
    base: "http://page/base/",
    apiKey: () => apiKey,
    onReach: (isReached) => reached.push(isReached),
    fetcher: async (url, init) => {
      sent.push({ url, init });
      return answer();
    },
  });
  return { client: createClient(http), sent, reached };
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);
const job = {
  id: "7",
  kind: "encode",
  collection: "default",
  isBackground: false,
  state: "done",
  progress: null,
  losses: [1, 0.5],
  error: null,
};

describe("the client", () => {
  it("asks below the page's own base, names quoted, with the key", async () => {
    const { client, sent } = clientOf(() => Response.json({ documents: [] }), { apiKey: "secret" });
    await client.documents("a/b ?");
    expect(sent[0]?.url).toBe("http://page/base/api/collections/a%2Fb%20%3F/documents");
    expect(new Headers(sent[0]?.init.headers).get("authorization")).toBe("Bearer secret");
  });

  it("sends files as a form with their names", async () => {
    const { client, sent } = clientOf(() => Response.json({ job, files: ["a.txt"] }, { status: 202 }));
    expect(await client.upload("default", [new File(["x"], "a.txt"), new File(["y"], "b.md")])).toEqual(job);
    const form = sent[0]?.init.body;
    const names =
      form instanceof FormData ? form.getAll("file").map((file) => file instanceof File && file.name) : [];
    expect(names).toEqual(["a.txt", "b.md"]);
    expect(new Headers(sent[0]?.init.headers).has("content-type")).toBe(false); // the browser writes the boundary
  });

  it("streams checked events", async () => {
    const body = `event: text-delta\ndata: {"type":"text-delta","text":"a"}\n\n`;
    const { client, sent } = clientOf(() => new Response(body));
    const question = { question: "Who?", collection: "default", method: "prag", limit: 3 };
    const events = [];
    for await (const event of client.ask(question, new AbortController().signal)) events.push(event);
    expect(events).toEqual([{ type: "text-delta", text: "a" }]);
    expect(JSON.parse(String(sent[0]?.init.body))).toEqual(question);
  });

  it("keeps the paths of reports, quoted", () => {
    expect(reportPath("run 1/report#1.html")).toBe("api/reports/run%201/report%231.html");
  });
});

describe("failures of the client", () => {
  it("tell what the server said, and what kind it is", async () => {
    const error = { message: "the queue is full", type: "server_error", param: null, code: null };
    for (const [status, kind] of [
      [400, "request"],
      [401, "key"],
      [503, "busy"],
      [500, "server"],
    ] as const) {
      const { client } = clientOf(() => Response.json({ error }, { status }));
      expect(await failureOf(client.jobs())).toMatchObject({ message: "the queue is full", kind, status });
    }
  });

  it("tell the status where the body is foreign", async () => {
    const { client } = clientOf(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));
    expect(await failureOf(client.jobs())).toMatchObject({ kind: "server", message: /status 502/ });
  });

  it("name the field of a foreign answer", async () => {
    const { client } = clientOf(() => Response.json({ jobs: [{ ...job, state: "gone" }] }));
    expect(await failureOf(client.jobs())).toMatchObject({ kind: "response", message: /jobs\.0\.state/ });
    const broken = clientOf(() => new Response("{"));
    expect(await failureOf(broken.client.jobs())).toMatchObject({ kind: "response" });
  });

  it("notice a lost server and its return, but not our own stop", async () => {
    const failing: unknown[] = [new TypeError("fetch failed"), new DOMException("stopped", "AbortError")];
    const { client, reached } = clientOf(async () => {
      const error = failing.shift();
      if (error) throw error;
      return Response.json({ jobs: [] });
    });
    expect(await failureOf(client.jobs())).toMatchObject({ kind: "offline" });
    expect(await failureOf(client.jobs())).toMatchObject({ name: "AbortError" });
    await client.jobs();
    expect(reached).toEqual([false, true]);
  });

  it("call a stream that breaks a lost connection", async () => {
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new TypeError("cut")),
    });
    const { client } = clientOf(() => new Response(body));
    const events = client.watchJob("7", new AbortController().signal);
    expect(await failureOf(events.next())).toSatisfy(
      (error: unknown) => error instanceof ApiFailure && error.kind === "offline",
    );
  });
});
