import { join } from "node:path";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bridgeArticle, withTempFolder } from "../engine/engine.suite.ts";
import { writeTinyEncoder } from "../retrieval/tiny-encoder.suite.ts";
import type { OpenServer } from "./server.ts";
import { endOfJob, post, upload, withServer } from "./serving.suite.ts";

let server: OpenServer;
let client: OpenAI;
let finish: () => void;
let whole: Promise<void>;

beforeAll(async () => {
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  await new Promise<void>((ready, failed) => {
    whole = withTempFolder((folder) =>
      withServer(folder, {}, async (opened) => {
        server = opened;
        const files = Object.fromEntries([0, 1, 2, 3].map((i) => [`bridge-${i}.txt`, bridgeArticle(i)]));
        const uploaded = await upload(`${server.url}/api/collections/default/documents`, files);
        expect(await endOfJob(server, uploaded)).toMatchObject({ state: "done" });
        client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
        ready();
        await done;
      }),
    );
    whole.catch(failed);
  });
});
afterAll(async () => {
  finish();
  await whole;
});

const messages = [{ role: "user" as const, content: "Who built the Orlen1 Bridge?" }];
const greedy = { model: "qwen2-tied", messages, max_tokens: 8 };

describe("the openai client", () => {
  it("lists the base model and the methods, with collections", async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(["qwen2-tied", "prag", "prag@default", "closed-book"]));
    expect((await client.models.retrieve("prag@default")).id).toBe("prag@default");
    await expect(client.models.retrieve("gpt-9")).rejects.toMatchObject({ status: 404 });
  });

  it("gets a whole answer, and the same as a stream", async () => {
    const answer = await client.chat.completions.create(greedy);
    const [choice] = answer.choices;
    expect(answer.object).toBe("chat.completion");
    expect(choice?.message.role).toBe("assistant");
    expect(choice?.message.content).not.toBe("");
    expect(["stop", "length"]).toContain(choice?.finish_reason);
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
    let text = "";
    let usage: OpenAI.CompletionUsage | null | undefined;
    const stream = await client.chat.completions.create({
      ...greedy,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage;
    }
    expect(text).toBe(choice?.message.content);
    expect(usage).toEqual(answer.usage);
  });

  it("gets no usage chunk that it did not ask for", async () => {
    const stream = await client.chat.completions.create({ ...greedy, stream: true });
    for await (const chunk of stream) expect(chunk).not.toHaveProperty("usage");
  });

  it("ends at a stop string, at max_tokens, and repeats with a seed", async () => {
    const text = (await client.chat.completions.create(greedy)).choices[0]?.message.content ?? "";
    const stop = [...text][3] ?? "";
    const stopped = await client.chat.completions.create({ ...greedy, stop });
    expect(stopped.choices[0]?.message.content).toBe(text.slice(0, text.indexOf(stop)));
    const short = await client.chat.completions.create({ ...greedy, max_tokens: 2 });
    expect(short.choices[0]?.finish_reason).toBe("length");
    expect(short.usage?.completion_tokens).toBe(2);
    const hot = { ...greedy, temperature: 1.5, top_p: 0.95, seed: 7 };
    const [a, b] = [await client.chat.completions.create(hot), await client.chat.completions.create(hot)];
    expect(a.choices[0]?.message.content).toBe(b.choices[0]?.message.content);
    const others = await Promise.all(
      [8, 9, 10].map((seed) => client.chat.completions.create({ ...hot, seed })),
    );
    const texts = [a, ...others].map(({ choices }) => choices[0]?.message.content);
    expect(new Set(texts).size).toBeGreaterThan(1);
  });

  it("gets n choices, whole and as one stream, each as the other", async () => {
    const hot = { ...greedy, temperature: 2, seed: 3, n: 3 };
    const { choices } = await client.chat.completions.create(hot);
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(new Set(choices.map(({ message }) => message.content)).size).toBeGreaterThan(1);
    const texts = ["", "", ""];
    for await (const chunk of await client.chat.completions.create({ ...hot, stream: true }))
      for (const { index, delta } of chunk.choices) texts[index] += delta.content ?? "";
    expect(texts).toEqual(choices.map(({ message }) => message.content));
  });

  it("gets log-probabilities of the tokens that make the text", async () => {
    for (const model of ["qwen2-tied", "standard-rag"]) {
      const answer = await client.chat.completions.create({ ...greedy, model, logprobs: true });
      const content = answer.choices[0]?.logprobs?.content ?? [];
      expect(content.map(({ token }) => token).join("")).toBe(answer.choices[0]?.message.content);
      for (const { logprob } of content) expect(logprob).toBeLessThanOrEqual(0);
    }
  });

  it("gets the same log-probabilities in a stream", async () => {
    const whole = await client.chat.completions.create({ ...greedy, logprobs: true });
    const streamed: OpenAI.ChatCompletionTokenLogprob[] = [];
    const stream = await client.chat.completions.create({ ...greedy, logprobs: true, stream: true });
    for await (const { choices } of stream) streamed.push(...(choices[0]?.logprobs?.content ?? []));
    const content = whole.choices[0]?.logprobs?.content ?? [];
    expect(streamed.map(({ token }) => token)).toEqual(content.map(({ token }) => token));
    for (const [i, { logprob }] of streamed.entries()) expect(logprob).toBeCloseTo(content[i]!.logprob, 4);
  });

  it("asks a method, and gets the sources", async () => {
    const answer = await client.chat.completions.create({ ...greedy, model: "prag@default" });
    expect(answer).toMatchObject({ prag: { method: "prag", collection: "default" } });
    const sources = Reflect.get(Reflect.get(answer, "prag"), "sources");
    expect(sources).toHaveLength(3);
    expect(sources[0]).toMatchObject({ usedAs: "context", adapter: null, score: expect.any(Number) });
    const body = { ...greedy, prag: { method: "standard-rag", limit: 1, return_sources: true } };
    const text = await (await post(`${server.url}/v1/chat/completions`, { ...body, stream: true })).text();
    const chunks = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => JSON.parse(data ?? ""));
    expect(chunks.at(-1).prag.sources).toHaveLength(1);
    expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    const silent = { ...body, prag: { method: "prag", return_sources: false } };
    const without: unknown = await (await post(`${server.url}/v1/chat/completions`, silent)).json();
    expect(without).toMatchObject({ prag: { method: "prag", collection: "default" } });
    expect(without).not.toHaveProperty("prag.sources");
  });

  it("takes a system message and a conversation", async () => {
    const answer = await client.chat.completions.create({
      ...greedy,
      model: "standard-rag",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Where is the Orlen2 Bridge?" },
        { role: "assistant", content: "In Solvang Bay." },
        ...messages,
      ],
    });
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(0);
  });

  it("continues plain text, several texts at once, and streams it", async () => {
    const answer = await client.completions.create({
      model: "qwen2-tied",
      prompt: ["The bridge", "A river"],
      max_tokens: 6,
      logprobs: 1,
    });
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1]);
    const [first] = answer.choices;
    expect(first?.logprobs?.tokens?.join("")).toBe(first?.text);
    const promptTokens = async (prompt: string) =>
      (await client.completions.create({ model: "qwen2-tied", prompt, max_tokens: 1, n: 2 })).usage!
        .prompt_tokens;
    expect(answer.usage?.prompt_tokens).toBe(
      (await promptTokens("The bridge")) + (await promptTokens("A river")),
    );
    const offsets: number[] = [];
    for await (const chunk of await client.completions.create({
      model: "qwen2-tied",
      prompt: "The bridge",
      max_tokens: 6,
      logprobs: 1,
      stream: true,
    }))
      offsets.push(...(chunk.choices[0]?.logprobs?.text_offset ?? []));
    expect(offsets).toEqual(first?.logprobs?.text_offset);
    let text = "";
    const request = { model: "qwen2-tied", prompt: "The bridge", max_tokens: 6, stream: true as const };
    for await (const chunk of await client.completions.create(request)) text += chunk.choices[0]?.text ?? "";
    expect(text).toBe(first?.text);
  });

  it("is told what is wrong as it knows it", async () => {
    const wrong = async (request: Promise<unknown>) => {
      const error = await request.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!(error instanceof OpenAI.APIError)) throw new Error("wanted an error of the API");
      return { status: error.status, code: error.code, param: error.param, type: error.type };
    };
    const chat = client.chat.completions;
    const long = [{ role: "user" as const, content: "word ".repeat(4000) }];
    expect(await wrong(chat.create({ ...greedy, messages: long }))).toEqual({
      status: 400,
      code: "context_length_exceeded",
      param: "messages",
      type: "invalid_request_error",
    });
    expect(await wrong(chat.create({ ...greedy, messages: long, stream: true }))).toMatchObject({
      status: 400,
    });
    expect(await wrong(chat.create({ ...greedy, model: "gpt-9" }))).toMatchObject({
      status: 404,
      code: "model_not_found",
    });
    expect(await wrong(chat.create({ ...greedy, temperature: 9 }))).toMatchObject({
      status: 400,
      param: "temperature",
    });
    expect(await wrong(client.embeddings.create({ model: "x", input: "y" }))).toMatchObject({ status: 501 });
  });
});

describe("embeddings", () => {
  it("are given where an encoder is configured, as floats and in base64", async () => {
    await withTempFolder((folder) => {
      const embedder = { folder: writeTinyEncoder(join(folder, "encoder")) };
      return withServer(folder, { settings: { embedder } }, async ({ url }) => {
        const own = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
        const input = ["a bridge", "a river"];
        const request = { model: "encoder", input };
        const floats = await own.embeddings.create({ ...request, encoding_format: "float" });
        expect(floats.data.map(({ index }) => index)).toEqual([0, 1]);
        const lengths = floats.data.map(({ embedding }) => Math.hypot(...embedding));
        for (const length of lengths) expect(length).toBeCloseTo(1, 4);
        const packed = await own.embeddings.create(request); // the client asks for base64 and unpacks it
        for (const [i, { embedding }] of packed.data.entries())
          expect([...embedding]).toEqual(floats.data[i]?.embedding);
      });
    });
  });
});

describe("the ai SDK", () => {
  const provider = () => createOpenAICompatible({ name: "prag", baseURL: `${server.url}/v1` });

  it("generates and streams the same text", async () => {
    const request = { prompt: "Who built the Orlen1 Bridge?", maxOutputTokens: 8, temperature: 0 };
    const model = provider().chatModel("prag");
    const { text, usage } = await generateText({ model, ...request });
    expect(text).not.toBe("");
    expect(usage.outputTokens).toBeGreaterThan(0);
    let streamed = "";
    for await (const part of streamText({ model, ...request }).textStream) streamed += part;
    expect(streamed).toBe(text);
  });
});
