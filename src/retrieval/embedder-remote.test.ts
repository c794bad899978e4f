import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { RemoteError } from "../base/errors.ts";
import { type LocalServer, startLocalServer } from "../base/local-server.suite.ts";
import { describeEmbedder, wordVector } from "./embedder.suite.ts";
import { createRemoteEmbedder, type RemoteEmbedderOptions } from "./embedder-remote.ts";

let server: LocalServer;
beforeAll(async () => {
  server = await startLocalServer();
});
afterAll(() => server.close());

const bodySchema = z.object({ model: z.string(), input: z.array(z.string()) });
type Body = z.infer<typeof bodySchema>;

/** Serves what `answer` makes of each request's body. */
function serve(answer: (body: Body, request: number) => unknown): Body[] {
  const bodies: Body[] = [];
  server.handle(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body = bodySchema.parse(JSON.parse(text));
    bodies.push(body);
    const value = answer(body, bodies.length);
    if (typeof value === "number") response.writeHead(value).end("no");
    else response.end(typeof value === "string" ? value : JSON.stringify(value));
  });
  return bodies;
}
/** Twice the length, in reverse order: the embedder has to mend both. */
const vectors = ({ input }: Body) => ({
  data: input
    .map((text, index) => ({ index, embedding: [...wordVector(text)].map((value) => 2 * value) }))
    .reverse(),
});
const create = (options: Partial<RemoteEmbedderOptions> = {}) =>
  createRemoteEmbedder({ baseUrl: `${server.url}/v1/`, model: "m", retry: { firstWaitMs: 1 }, ...options });
const embed = (texts: string[], options?: Partial<RemoteEmbedderOptions>) =>
  create(options).embed(texts, { kind: "passage" });

describeEmbedder("an endpoint", async () => {
  serve(vectors);
  return create({ batchSize: 2 });
});

describe("an endpoint", () => {
  it("is asked in batches, with model, key and prefix", async () => {
    const bodies = serve(vectors);
    const given = await embed(["a", "b", "c"], {
      batchSize: 2,
      apiKey: "secret",
      prefixes: { passage: "p: " },
    });
    expect(bodies).toEqual([
      { model: "m", input: ["p: a", "p: b"] },
      { model: "m", input: ["p: c"] },
    ]);
    expect(server.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual(
      Array.from({ length: 2 }, () => ["/v1/embeddings", "Bearer secret"]),
    );
    for (const [i, text] of ["p: a", "p: b", "p: c"].entries())
      for (const [j, value] of wordVector(text).entries()) expect(given[i]![j]).toBeCloseTo(value, 6);
  });

  it("is asked again when it is busy, and not when it refuses", async () => {
    const busy = serve((body, request) => (request < 3 ? 503 : vectors(body)));
    expect(await embed(["a"])).toHaveLength(1);
    expect(busy).toHaveLength(3);
    const refusing = serve(() => 401);
    await expect(embed(["a"], { apiKey: "hidden" })).rejects.toThrow(RemoteError);
    expect(refusing).toHaveLength(1);
  });

  it.each<[string, RegExp, (body: Body, request: number) => unknown]>([
    ["no JSON", /gave no JSON/, () => "<html>"],
    ["another form", /"data": /, () => ({ error: "x" })],
    ["too few vectors", /1 vectors for 2 texts/, () => ({ data: [{ index: 0, embedding: [1] }] })],
    [
      "an index twice",
      /direction for text 1/,
      () => ({ data: [0, 0].map((index) => ({ index, embedding: [1] })) }),
    ],
    [
      "an index beyond",
      /vectors for 2 texts/,
      () => ({ data: [0, 9].map((index) => ({ index, embedding: [1] })) }),
    ],
    [
      "zeros",
      /direction for text 0/,
      () => ({ data: [0, 1].map((index) => ({ index, embedding: [0, 0] })) }),
    ],
    [
      "two sizes",
      /of 1 and of 2 dimensions/,
      () => ({ data: [0, 1].map((i) => ({ index: i, embedding: Array(i + 1).fill(1) })) }),
    ],
  ])("that answers with %s is a RemoteError", async (_, message, answer) => {
    serve(answer);
    const failed = embed(["a", "b"]);
    await expect(failed).rejects.toThrow(RemoteError);
    await expect(failed).rejects.toThrow(message);
  });

  it("that changes its size between two requests is a RemoteError", async () => {
    serve((_, request) => ({ data: [{ index: 0, embedding: Array(request).fill(1) }] }));
    await expect(embed(["a", "b"], { batchSize: 1 })).rejects.toThrow(/of 1 and of 2 dimensions/);
  });

  it("that stops in the middle of an answer is not waited for", async () => {
    server.handle((_request, response) => void response.write('{"data": ['));
    await expect(embed(["a"], { timeoutMs: 50 })).rejects.toThrow(/no whole answer within 50 ms/);
  });
});
