import { request } from "node:http";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { z } from "zod";
import { withTempFolder } from "../engine/engine.suite.ts";
import { withServer } from "./serving.suite.ts";

/** A request as bytes on the wire would be: any method, path, headers and body. */
interface Wrong {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  status: number;
}

const json = { "Content-Type": "application/json" };
const chat = "/v1/chat/completions";
const message = [{ role: "user", content: "Who?" }];
const valid = { model: "qwen2-tied", messages: message, max_tokens: 1 };

const posts = (path: string, bodies: readonly unknown[], status = 400): Wrong[] =>
  bodies.map((body) => ({ method: "POST", path, headers: json, body: JSON.stringify(body), status }));

const wrongFields: Record<string, unknown[]> = {
  messages: [
    [],
    "hello",
    null,
    [{}],
    [{ role: "robot", content: "x" }],
    [{ role: "user" }],
    [{ role: "user", content: 7 }],
  ],
  model: [7, "", null, "x".repeat(300)],
  temperature: [-1, 3, "hot", [], {}],
  top_p: [0, -0.1, 1.1, "all"],
  n: [0, 9, 1.5, "two"],
  max_tokens: [0, -5, 1.5, 1e9, "many"],
  stop: [7, [1], ["a", "b", "c", "d", "e"], ""],
  seed: [1.5, "lucky", {}],
  stream: ["yes", 1, {}],
  stream_options: ["x", 5, { include_usage: "yes" }],
  logprobs: [5, "yes"],
  top_logprobs: [3, "x"],
  presence_penalty: [1, "x"],
  frequency_penalty: [0.5, []],
  logit_bias: [{ "5": 1 }, "x"],
  tools: [[{ type: "function" }], "x"],
  functions: [[], {}],
  response_format: [{ type: "json_object" }, "json", 5],
  modalities: [["audio"], "text"],
  prag: [
    "x",
    5,
    { method: 5 },
    { method: "magic" },
    { limit: 0 },
    { limit: 1.5 },
    { limit: 1e6 },
    { colour: "red" },
    { return_sources: "yes" },
  ],
};
const wrongAsk: Record<string, unknown[]> = {
  question: [undefined, "", "   ", 5, null, [], {}, "x".repeat(20_000)],
  collection: [5, "../etc", "a/b", "..", "", "x".repeat(100)],
  method: [5, "magic", "x".repeat(60)],
  limit: [0, -1, 1.5, "3", 1e5],
  maxTokens: [0, "x", 1.5],
  temperature: [-1, 5, "x"],
  topP: [0, 2],
  seed: [1.5, "x"],
  history: ["x", [{ role: "system", content: "x" }], [{ role: "user" }]],
  colour: ["red"],
};

const requests: Wrong[] = [
  // JSON and encodings
  ...["", "{", "[1,", "nul", "{'a':1}", '{"a":1,}', "\u0000", "undefined", '"text"', "[]", "7", "null"].map(
    (body): Wrong => ({ method: "POST", path: chat, headers: json, body, status: 400 }),
  ),
  ...[
    Buffer.from([0xff, 0xfe, 0x7b]),
    Buffer.from('{"a":"\xe9"}', "latin1"),
    Buffer.from("{}", "utf16le"),
  ].map((body): Wrong => ({ method: "POST", path: chat, headers: json, body, status: 400 })),
  ...[
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonx",
    "",
  ].map(
    (type): Wrong => ({
      method: "POST",
      path: chat,
      headers: { "Content-Type": type },
      body: "{}",
      status: 415,
    }),
  ),
  ...["gzip", "br", "deflate"].map(
    (encoding): Wrong => ({
      method: "POST",
      path: chat,
      headers: { ...json, "Content-Encoding": encoding },
      body: "{}",
      status: 415,
    }),
  ),
  // types
  ...Object.entries(wrongFields).flatMap(([field, values]) =>
    posts(
      chat,
      values.map((value) => ({ ...valid, [field]: value })),
    ),
  ),
  ...posts(
    chat,
    [
      { ...valid, model: "gpt-9" },
      { ...valid, model: "prag@none" },
      { ...valid, model: "prag@@" },
    ],
    404,
  ),
  ...posts("/v1/completions", [
    {},
    { model: "qwen2-tied" },
    { model: "qwen2-tied", prompt: [1, 2] },
    { model: "qwen2-tied", prompt: [] },
    { model: "qwen2-tied", prompt: "x", echo: true },
    { model: "qwen2-tied", prompt: "x", logprobs: 5 },
    { model: "qwen2-tied", prompt: "x", suffix: "y" },
  ]),
  ...posts("/v1/embeddings", [{}, { model: "x" }, { model: "x", input: [1] }, { model: "x", input: "" }]),
  ...posts("/v1/embeddings", [{ model: "x", input: "y" }], 501),
  ...Object.entries(wrongAsk).flatMap(([field, values]) =>
    posts(
      "/api/ask",
      values.map((value) => ({ question: "Who?", [field]: value })),
    ).map((one) =>
      field === "collection" && /\.\.|a\/b|""|x{65}/.test(String(one.body)) ? { ...one, status: 0 } : one,
    ),
  ),
  ...posts("/api/search", [{}, { query: "" }, { query: "x", limit: 0 }, { query: "x", more: 1 }]),
  ...posts("/api/collections", [
    {},
    { name: "" },
    { name: ".." },
    { name: "a/b" },
    { name: ".hidden" },
    { name: "x".repeat(65) },
    { name: 5 },
    { name: "a\u0000b" },
    { name: "a", b: 1 },
  ]),
  ...posts("/api/collections/default/encode", [
    { passages: [] },
    { passages: ["../x"] },
    { again: true },
    { all: 1 },
  ]),
  ...posts("/api/collections/none/encode", [{}], 404),
  ...posts("/api/collections/default/ingest", [{}, { paths: [] }, { paths: [5] }, { paths: "x" }]),
  ...posts("/api/collections/default/ingest", [{ paths: ["/etc/passwd"] }, { paths: ["../x"] }], 403),
  // sizes
  ...posts(chat, [{ ...valid, messages: [{ role: "user", content: "x".repeat(60_000) }] }], 413),
  {
    method: "POST",
    path: "/api/collections/default/documents",
    headers: { "Content-Type": "multipart/form-data; boundary=b" },
    body: Buffer.alloc(150_000),
    status: 413,
  },
  { path: `/api/${"x".repeat(20_000)}`, status: 431 },
  { path: "/api/status", headers: { "X-Long": "x".repeat(20_000) }, status: 431 },
  // uploads
  ...[
    "",
    "--b\r\n",
    "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
    '--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--\r\n',
    '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',
    '--b\r\nContent-Disposition: form-data; name="file"; filename="x.exe"\r\n\r\nx\r\n--b--\r\n',
  ].map(
    (body): Wrong => ({
      method: "POST",
      path: "/api/collections/default/documents",
      headers: { "Content-Type": "multipart/form-data; boundary=b" },
      body,
      status: 400,
    }),
  ),
  { method: "POST", path: "/api/collections/default/documents", headers: json, body: "{}", status: 415 },
  // methods
  ...["PUT", "PATCH", "DELETE", "OPTIONS"].flatMap((method) =>
    [chat, "/v1/models", "/api/status", "/api/ask", "/healthz", "/metrics"].map(
      (path): Wrong => ({ method, path, status: 405 }),
    ),
  ),
  { path: chat, status: 405 },
  { method: "POST", path: "/v1/models", headers: json, body: "{}", status: 405 },
  // paths
  ...[
    "/v1/none",
    "/api/none",
    "/api/jobs/none",
    "/api/jobs/none/events",
    "/api/collections/none/documents",
    "/api/collections/none/adapters",
    "/v1/models/none",
    "/api/status?collection=..",
    "/api/status?collection=a/b",
    "/api/status?collection=none",
    "/none.js",
    "/api/reports/none.html",
    "/api/reports/%2e%2e/%2e%2e/etc/passwd.html",
    "/..%2f..%2fetc%2fpasswd.txt",
    "/api/collections/%00/documents",
  ].map((path): Wrong => ({ path, status: 404 })),
  ...[
    "/api/collections/default/adapters/xyz",
    "/api/collections/default/similarity?limit=0",
    "/api/collections/default/similarity?limit=x",
    "/%zz.js",
  ].map((path): Wrong => ({ path, status: 400 })),
  { path: `/api/collections/default/adapters/${"0".repeat(64)}`, status: 404 },
  // names
  { path: "/api/status", headers: { Host: "evil.example" }, status: 403 },
  { path: "/", headers: { Host: "127.0.0.1.evil.example:80" }, status: 403 },
  { path: "/api/status", headers: { Origin: "https://evil.example" }, status: 403 },
  { path: "/api/status", headers: { Origin: "null" }, status: 403 },
];

function send(
  url: string,
  { method = "GET", path, headers, body }: Wrong,
): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const failure = z.object({ error: z.object({ message: z.string().min(5), type: z.string() }) });

it(`answers ${requests.length} malformed requests with the right status, in OpenAI's shape, and stays well`, async () => {
  expect(requests.length).toBeGreaterThanOrEqual(200);
  await withTempFolder((folder) =>
    withServer(folder, {}, async ({ url }) => {
      for (const wrong of requests) {
        const { status, body } = await send(url, wrong);
        const shown = `${wrong.method ?? "GET"} ${wrong.path.slice(0, 60)} ${String(wrong.body).slice(0, 80)} ${body.slice(0, 200)}`;
        if (wrong.status === 0) expect([400, 404], shown).toContain(status);
        else expect(status, shown).toBe(wrong.status);
        if (status !== 431) expect(failure.safeParse(JSON.parse(body)).success, shown).toBe(true);
      }
      expect((await send(url, { path: "/healthz", status: 200 })).status).toBe(200);
    }),
  );
}, 60_000);

it("does not grow while it is sent nonsense, and drops who speaks no HTTP", async () => {
  await withTempFolder((folder) =>
    withServer(folder, {}, async ({ url }) => {
      const { port } = new URL(url);
      const talk = (text: string) =>
        new Promise<string>((resolve) => {
          const socket = connect(Number(port), "127.0.0.1", () => socket.write(text));
          let answer = "";
          socket.setEncoding("utf8");
          socket.on("data", (chunk: string) => {
            answer += chunk;
          });
          socket.on("error", () => {});
          socket.on("close", () => resolve(answer));
        });
      for (const text of [
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost b\r\n\r\n",
      ])
        expect(await talk(text)).toMatch(/^HTTP\/1\.1 400/);
      const round = async () => {
        for (const wrong of requests.slice(0, 60)) await send(url, wrong);
      };
      await round();
      const before = process.memoryUsage().rss;
      for (let i = 0; i < 5; i++) await round();
      expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
    }),
  );
}, 60_000);
