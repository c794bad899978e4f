import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { RemoteError, UnsupportedError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { collect, describeGenerator } from "./generator.suite.ts";
import type { GenerationRequest } from "./generator.ts";
import { createRemoteGenerator, type RemoteGeneratorOptions } from "./remote.ts";

const bodySchema = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
  max_tokens: z.int(),
  temperature: z.number(),
  seed: z.int().optional(),
  stop: z.array(z.string()).optional(),
  stream: z.boolean().optional(),
  top_k: z.int().optional(),
});
type Body = z.infer<typeof bodySchema>;
type Handler = (body: Body, response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function startServer(handle: Handler): Promise<{ baseUrl: string; close: () => Promise<void> }> {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    await handle(bodySchema.parse(JSON.parse(text)), response, request);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address: AddressInfo | string | null = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  return { baseUrl: `http://127.0.0.1:${port}/v1`, close };
}

async function generatorFor(handle: Handler, options: Partial<RemoteGeneratorOptions> = {}) {
  const { baseUrl, close } = await startServer(handle);
  closers.push(close);
  const retry = { attempts: 3, firstWaitMs: 1, ...options.retry };
  return createRemoteGenerator({ baseUrl, model: "m", ...options, retry });
}

const request: GenerationRequest = { messages: [{ role: "user", content: "Hello?" }], maxTokens: 20 };
const answer = (content: string, more: Record<string, unknown> = {}) =>
  JSON.stringify({
    choices: [{ message: { role: "assistant", content }, finish_reason: "stop", ...more }],
    usage: { prompt_tokens: 9 },
  });
const event = (content: string, more: Record<string, unknown> = {}) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content }, ...more }] })}\n\n`;
const done = `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: "stop" }] })}\n\ndata: {"choices":[],"usage":{"prompt_tokens":9}}\n\ndata: [DONE]\n\n`;

/** Words drawn from the conversation and the seed, as a small model would. */
function wordsOf({ messages, seed = 0, temperature }: Body): string[] {
  const random = new Random(`${JSON.stringify(messages)}/${temperature === 0 ? "" : seed}`);
  const pieces = [" sea", " tower", "é", " 塔", ", old", "\n", " and", " wind", " grey"];
  return Array.from({ length: 40 }, () => pieces[random.int(pieces.length)]!);
}

const modelServer: Handler = (body, response) => {
  const words = wordsOf(body).slice(0, body.max_tokens);
  const logprobs = { content: words.map((token) => ({ token, logprob: -0.5 })) };
  if (!body.stream) return void response.end(answer(words.join(""), { finish_reason: "length", logprobs }));
  for (const token of words)
    response.write(event(token, { logprobs: { content: [{ token, logprob: -0.5 }] } }));
  response.end(done);
};

describeGenerator("remote", async () => {
  const { baseUrl, close } = await startServer(modelServer);
  return { generator: createRemoteGenerator({ baseUrl, model: "m" }), dispose: close };
});

describe("createRemoteGenerator", () => {
  it("sends the conversation with every setting, and the key in the header only", async () => {
    const seen: { body: Body; authorization: string | undefined }[] = [];
    const generator = await generatorFor(
      (body, response, { headers }) => {
        seen.push({ body, authorization: headers.authorization });
        response.end(answer("hi"));
      },
      { apiKey: "secret-key", extendedSampling: true },
    );
    const [generation] = await generator.generateBatch([
      {
        ...request,
        prefix: "The answer is",
        stop: ["a", "b", "c", "d", "e"],
        sampling: { temperature: 0.7, topK: 50, seed: 3 },
      },
    ]);
    expect(generation).toEqual({
      text: "hi",
      tokens: [{ id: -1, text: "hi", logProbability: Number.NaN, entropy: Number.NaN }],
      promptTokens: 9,
      finishReason: "stop",
    });
    expect(seen[0]?.authorization).toBe("Bearer secret-key");
    expect(seen[0]?.body).toMatchObject({
      model: "m",
      messages: [...request.messages, { role: "assistant", content: "The answer is" }],
      max_tokens: 20,
      temperature: 0.7,
      top_k: 50,
      seed: 3,
      stop: ["a", "b", "c", "d"],
    });
  });

  it("leaves the prefix out where the service says it again", async () => {
    const texts = [" Paris.", "The answer is Paris.", "\nThe answer is Paris.", "The ans", "There: Paris."];
    let asked = 0;
    const generator = await generatorFor((body, response) => {
      const text = texts[asked++]!;
      if (!body.stream) return void response.end(answer(text));
      for (const character of text) response.write(event(character));
      response.end(done);
    });
    const expected = [" Paris.", " Paris.", " Paris.", "The ans", "There: Paris."];
    const withPrefix = { ...request, maxTokens: 40, prefix: "The answer is" };
    for (const text of expected)
      expect((await collect(generator.generate(withPrefix))).generation.text).toBe(text);
    asked = 0;
    for (const text of expected) expect((await generator.generateBatch([withPrefix]))[0]?.text).toBe(text);
  });

  it("tells log-probabilities where they are served", async () => {
    const generator = await generatorFor(modelServer);
    const { generation } = await collect(generator.generate(request));
    expect(generation.tokens).toHaveLength(20);
    expect(generation.tokens.every(({ logProbability }) => logProbability === -0.5)).toBe(true);
    expect(generation.promptTokens).toBe(9);
  });

  it("keeps characters that are split between tokens and between chunks whole", async () => {
    const bytes = Buffer.from(
      `${event("né", {
        logprobs: {
          content: [
            { token: "n", logprob: -1 },
            { token: "\uFFFD", logprob: -1 },
          ],
        },
      })}${event("塔\r\n")}${done}`,
    );
    for (const ending of ["\n", "\r\n", "\r"]) {
      const stream = Buffer.from(
        `: comment\nid: 4\n${bytes.toString().replaceAll("data: {", "data:{")}`.replaceAll("\n", ending),
      );
      const generator = await generatorFor(async (_body, response) => {
        for (const byte of stream) response.write(Uint8Array.of(byte));
        response.end();
      });
      const { generation } = await collect(generator.generate(request));
      expect(generation.text).toBe("né塔\r\n");
      expect(generation.tokens.map(({ text }) => text)).toEqual(["", "né", "塔\r\n"]);
    }
  });

  it.each([
    [429, { "retry-after": "0" }],
    [500, {}],
    [503, {}],
  ])("tries again after %i", async (status, headers) => {
    let asked = 0;
    const generator = await generatorFor((_body, response) => {
      if (asked++ < 2) response.writeHead(status, headers).end("busy");
      else response.end(answer("ok"));
    });
    expect((await generator.generateBatch([request]))[0]?.text).toBe("ok");
    expect(asked).toBe(3);
  });

  it("waits as long as it is told", async () => {
    let asked = 0;
    const generator = await generatorFor((_body, response) => {
      if (asked++ === 0) response.writeHead(429, { "retry-after": "0.2" }).end();
      else response.end(answer("ok"));
    });
    const start = performance.now();
    await generator.generateBatch([request]);
    expect(performance.now() - start).toBeGreaterThan(150);
  });

  it("gives up with what the service said, and never with the key", async () => {
    let asked = 0;
    const generator = await generatorFor(
      (_body, response, { headers }) => {
        asked++;
        response.writeHead(401).end(`wrong key ${headers.authorization}`);
      },
      { apiKey: "secret-key" },
    );
    const error: unknown = await generator.generateBatch([request]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(String(error)).toContain("401");
    expect(JSON.stringify([String(error), error])).not.toContain("secret-key");
    expect(asked).toBe(1);
  });

  it.each([
    ["no JSON", "<html>hello</html>"],
    ["half of it", answer("hi").slice(0, 30)],
    ["another form", `{"result": "hi"}`],
    ["no choice", `{"choices": []}`],
  ])("refuses an answer that is %s", async (_name, text) => {
    const generator = await generatorFor((_body, response) => void response.end(text));
    await expect(generator.generateBatch([request])).rejects.toThrow(RemoteError);
  });

  it.each([
    ["is cut", (response: ServerResponse) => response.end(event("Par"))],
    ["breaks off", (response: ServerResponse) => response.write(event("Par"), () => response.destroy())],
    [
      "holds an error",
      (response: ServerResponse) =>
        response.end(`${event("Par")}data: {"error": {"message": "out of memory"}}\n\n`),
    ],
    ["is no JSON", (response: ServerResponse) => response.end("data: {oops\n\n")],
    ["is empty", (response: ServerResponse) => response.end()],
    ["is one endless line", (response: ServerResponse) => response.end(`data: ${"x".repeat(5_000_000)}`)],
  ])("refuses a stream that %s", async (_name, write) => {
    const generator = await generatorFor((_body, response) => void write(response));
    await expect(collect(generator.generate(request))).rejects.toThrow(RemoteError);
  });

  it("does not wait for ever: for the answer, or in the middle of one", async () => {
    // Long enough for the headers to come on a busy machine.
    const options = { timeoutMs: 1000, retry: { attempts: 1 } };
    const silent = await generatorFor(() => {}, options);
    const hanging = await generatorFor((_body, response) => void response.write(event("Par")), options);
    await Promise.all([
      expect(silent.generateBatch([request])).rejects.toThrow(/no answer within 1000 ms/),
      expect(collect(hanging.generate(request))).rejects.toThrow(/sent nothing for 1000 ms/),
      expect(hanging.generateBatch([request])).rejects.toThrow(/sent nothing for 1000 ms/),
    ]);
  });

  it("asks no more at a time than it may, and ends all when one fails", async () => {
    let [running, most, asked] = [0, 0, 0];
    const generator = await generatorFor(
      async (body, response) => {
        asked++;
        most = Math.max(most, ++running);
        await new Promise((later) => setTimeout(later, 10));
        running--;
        if (body.messages[0]?.content === "4") response.writeHead(400).end("no");
        else response.end(answer("ok"));
      },
      { concurrency: 2 },
    );
    const numbered = (i: number) => ({
      ...request,
      messages: [{ role: "user" as const, content: String(i) }],
    });
    await generator.generateBatch([0, 1, 2, 3].map(numbered));
    expect(most).toBe(2);
    await expect(generator.generateBatch(Array.from({ length: 40 }, (_, i) => numbered(i)))).rejects.toThrow(
      /400/,
    );
    expect(asked).toBeLessThan(20);
  });

  it("says what it cannot do", async () => {
    const generator = await generatorFor(modelServer);
    const adapter = { config: { rank: 1, alpha: 1, targetModules: [] }, modules: new Map() };
    await expect(generator.generateBatch([{ ...request, adapter }])).rejects.toThrow(UnsupportedError);
    await expect(
      collect(generator.generate({ ...request, sampling: { temperature: 1, topK: 5 } })),
    ).rejects.toThrow(UnsupportedError);
    await expect(generator.countPromptTokens(request)).rejects.toThrow(UnsupportedError);
  });
});
