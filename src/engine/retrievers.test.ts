import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError, FormatError, RemoteError } from "../base/errors.ts";
import { type LocalServer, startLocalServer } from "../base/local-server.suite.ts";
import { wordVector } from "../retrieval/embedder.suite.ts";
import { writeTinyEncoder } from "../retrieval/tiny-encoder.suite.ts";
import { ask } from "./ask.ts";
import type { EngineSettings } from "./config.ts";
import { bridgeArticle, tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { ingest } from "./ingest.ts";
import { loadSettings } from "./settings.ts";

const question = "Who built the Orlen2 Bridge?";
const vectorsPath = (folder: string) => join(folder, "data", "collections", "default", "vectors.bin");
const ingestDocs = (folder: string, settings: EngineSettings) =>
  withEngine(settings, ({ parts }) => ingest(parts, ["docs"], { base: folder }));
const retrieve = (settings: EngineSettings, query = question, limit = 3) =>
  withEngine(settings, async ({ parts }) => (await parts.retriever()).retrieve(query, limit));

/** An endpoint of vectors by words, which notes the texts that it was given. */
async function withEndpoint(task: (server: LocalServer, texts: string[]) => Promise<void>): Promise<void> {
  const server = await startLocalServer();
  const texts: string[] = [];
  server.handle(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { input } = z.object({ input: z.array(z.string()) }).parse(JSON.parse(body));
    texts.push(...input);
    response.end(
      JSON.stringify({
        data: input.map((text, index) => ({ index, embedding: [...wordVector(text, 512)] })),
      }),
    );
  });
  try {
    await task(server, texts);
  } finally {
    await server.close();
  }
}

describe("retrievers of an engine", () => {
  it("find passages by an endpoint's vectors: made at the first use, later only for new passages", async () => {
    await withTempFolder((folder) =>
      withEndpoint(async (server, texts) => {
        const embedder = { url: server.url, model: "m", queryPrefix: "q: " };
        await ingestDocs(folder, tinySettings(folder, { embedder }));
        expect(texts).toEqual([]); // bm25 needs none
        const dense = tinySettings(folder, { embedder, retriever: "dense" });
        const hits = await retrieve(dense, "Orlen2 Bridge");
        expect(hits[0]?.passage.text).toContain("Orlen2");
        expect(texts).toHaveLength(6);
        expect(texts[5]).toBe("q: Orlen2 Bridge");
        await writeFile(join(folder, "docs", "bridge-9.txt"), bridgeArticle(9));
        await ingestDocs(folder, dense);
        expect(texts.slice(6)).toEqual([expect.stringContaining("Orlen9")]);
        expect((await retrieve({ ...dense, retriever: "hybrid" }, "Orlen9 Bridge"))[0]?.score).toBe(2 / 61);
      }),
    );
  });

  it("leave what is embedded where the endpoint fails, and go on from there", async () => {
    await withTempFolder(
      (folder) =>
        withEndpoint(async (server, texts) => {
          const dense = tinySettings(folder, {
            embedder: { url: server.url, model: "m" },
            retriever: "dense",
          });
          await ingestDocs(folder, { ...dense, retriever: "bm25" });
          const failing = await startLocalServer();
          let calls = 0;
          failing.handle(async (request, response) => {
            if (++calls > 1) return void response.writeHead(400).end();
            let body = "";
            for await (const chunk of request) body += String(chunk);
            response.end(await (await fetch(`${server.url}/embeddings`, { method: "POST", body })).text());
          });
          await expect(retrieve({ ...dense, embedder: { url: failing.url, model: "m" } })).rejects.toThrow(
            RemoteError,
          );
          await failing.close();
          expect(texts).toHaveLength(32);
          expect((await stat(vectorsPath(folder))).size).toBeGreaterThan(32 * 512 * 4);
        }),
      { articles: 40 },
    );
  });

  it("answer with every method over an encoder's folder", async () => {
    await withTempFolder(async (folder) => {
      const embedder = { folder: writeTinyEncoder(join(folder, "encoder")) };
      for (const retriever of ["dense", "hybrid"] satisfies EngineSettings["retriever"][]) {
        const settings = tinySettings(folder, { embedder, retriever });
        await ingestDocs(folder, settings);
        await withEngine(settings, async ({ parts }) => {
          for (const method of ["standard-rag", "prag", "combine"])
            expect((await ask(parts, question, { method })).sources).toHaveLength(3);
        });
      }
    });
  });

  it("say what is missing, what does not fit and what is damaged", async () => {
    await withTempFolder(async (folder) => {
      const encoder = writeTinyEncoder(join(folder, "encoder"));
      const dense = tinySettings(folder, { embedder: { folder: encoder }, retriever: "dense" });
      await ingestDocs(folder, dense);
      await expect(retrieve(tinySettings(folder, { retriever: "hybrid" }))).rejects.toThrow(
        /retriever "hybrid" needs an embedder; put "embedder"/,
      );
      const other = { ...dense, embedder: { folder: encoder, passagePrefix: "passage: " } };
      await expect(retrieve(other)).rejects.toThrow(ConfigError);
      await expect(retrieve(other)).rejects.toThrow(/vectors\.bin were made by "ONNX encoder /);
      const path = vectorsPath(folder);
      const whole = await readFile(path);
      whole[whole.length - 7]! ^= 1;
      await writeFile(path, whole);
      await expect(retrieve(dense)).rejects.toThrow(FormatError);
      await rm(path);
      expect(await retrieve(dense)).toHaveLength(3);
    });
  });

  it("take the embedder's folder from a settings file as seen from there", async () => {
    await withTempFolder(async (folder) => {
      await mkdir(join(folder, "settings"));
      const file = join(folder, "settings", "prag.config.json");
      await writeFile(file, JSON.stringify({ retriever: "dense", embedder: { folder: "../encoder" } }));
      const config = await loadSettings({ folder, file });
      expect(config).toMatchObject({ retriever: "dense", embedder: { folder: join(folder, "encoder") } });
      await writeFile(file, JSON.stringify({ embedder: { url: "http://127.0.0.1:9/v1", model: "m" } }));
      expect((await loadSettings({ folder, file })).embedder).toEqual({
        url: "http://127.0.0.1:9/v1",
        model: "m",
        apiKeyVariable: "OPENAI_API_KEY",
      });
      await writeFile(file, JSON.stringify({ embedder: { folder: "x", url: "http://127.0.0.1:9" } }));
      await expect(loadSettings({ folder, file })).rejects.toThrow(ConfigError);
    });
  });
});
