import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { makeDocx, makePdf } from "../corpus/read/sample-files.suite.ts";
import { bridgeArticle, withTempFolder } from "../engine/engine.suite.ts";
import type { OpenServer } from "./server.ts";
import { endOfJob, post, type TestServerOptions, upload, withServer } from "./serving.suite.ts";

const mebibyte = 2 ** 20;

/** Uploads a file, and asks the server for other things while it is read. How the job ended, and what was answered before. */
async function uploadHostile(server: OpenServer, name: string, bytes: Uint8Array) {
  const { url } = server;
  let isOver = false;
  const begun = await upload(`${url}/api/collections/default/documents`, { [name]: bytes });
  const ended = endOfJob(server, begun).then((job) => {
    isOver = true;
    return job;
  });
  let answeredMeanwhile = 0;
  let mostBytes = 0;
  const before = process.memoryUsage.rss();
  while (!isOver) {
    const answer = await post(`${url}/api/search`, { query: "Orlen1 Bridge", limit: 1 });
    expect(answer.status).toBe(200);
    if (!isOver) answeredMeanwhile++;
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss() - before);
    await sleep(20);
  }
  return { job: await ended, answeredMeanwhile, mostBytes };
}

/** What is refused leaves the collection as it was, and the next file is read. */
async function expectUnharmed(server: OpenServer): Promise<void> {
  const { url } = server;
  const next = await upload(`${url}/api/collections/default/documents`, { "next.txt": bridgeArticle(3) });
  expect(await endOfJob(server, next)).toMatchObject({ state: "done", result: { added: 1, documents: 2 } });
}

async function withDocument(
  parsing: TestServerOptions["parsing"],
  task: (server: OpenServer) => Promise<void>,
): Promise<void> {
  await withTempFolder((folder) =>
    withServer(folder, { parsing, options: { maxUploadBytes: mebibyte } }, async (server) => {
      const first = await upload(`${server.url}/api/collections/default/documents`, {
        "first.txt": bridgeArticle(1),
      });
      await endOfJob(server, first);
      await task(server);
    }),
  );
}

const failed = (reason: RegExp) => ({
  state: "failed",
  error: { code: "input", message: expect.stringMatching(reason) },
});

describe("hostile files", () => {
  // First of all: what is measured is growth, and a process that was large before grows less.
  it("a PDF that takes too much memory is given up long before its time is over", async () => {
    const large = makePdf([[]], { content: Buffer.alloc(128 * mebibyte, "q Q ") });
    await withDocument({ maxMemoryBytes: 48 * mebibyte }, async (server) => {
      const { job } = await uploadHostile(server, "large.pdf", large);
      expect(job).toMatchObject(failed(/large\.pdf: needs too much memory/));
      await expectUnharmed(server);
    });
  }, 120_000);

  it("an archive that unpacks to a thousand times its size is refused, whatever its header claims", async () => {
    const bomb = (declaredSize: number) =>
      makeDocx(
        { paragraphs: ["Text."] },
        {
          extra: [{ name: "word/bomb.xml", data: Buffer.alloc(16 * mebibyte), declaredSize }],
          compress: true,
        },
      );
    await withDocument({ maxUnpackedBytes: mebibyte }, async (server) => {
      for (const declared of [16 * mebibyte, 10]) {
        const file = bomb(declared);
        expect(file.length).toBeLessThan(30_000);
        const { job, mostBytes } = await uploadHostile(server, "bomb.docx", file);
        expect(job).toMatchObject(
          failed(/bomb\.docx: too large: it decompresses to more than 1048576 bytes/),
        );
        expect(mostBytes).toBeLessThan(256 * mebibyte);
      }
      await expectUnharmed(server);
    });
  }, 120_000);

  it("a PDF that takes too long is given up, and others are answered meanwhile", async () => {
    const endless = makePdf([[]], { content: Buffer.alloc(128 * mebibyte, "q Q ") });
    await withDocument({ timeoutMs: 4000, maxMemoryBytes: 1024 * mebibyte }, async (server) => {
      const { job, answeredMeanwhile, mostBytes } = await uploadHostile(server, "endless.pdf", endless);
      expect(job).toMatchObject(failed(/endless\.pdf: takes more than 4 s to parse/));
      expect(answeredMeanwhile).toBeGreaterThan(1);
      expect(mostBytes).toBeLessThan(1536 * mebibyte);
      await expectUnharmed(server);
    });
  }, 120_000);

  it("a refused file among good ones is named in the job's result", async () => {
    await withDocument({ maxUnpackedBytes: mebibyte }, async (server) => {
      const extra = [{ name: "word/bomb.xml", data: Buffer.alloc(8 * mebibyte) }];
      const bomb = makeDocx({ paragraphs: ["Text."] }, { extra, compress: true });
      const files = { "bomb.docx": bomb, "good.txt": bridgeArticle(2) };
      const job = await endOfJob(
        server,
        await upload(`${server.url}/api/collections/default/documents`, files),
      );
      const { result } = z
        .object({ result: z.object({ added: z.number(), skipped: z.array(z.looseObject({})) }) })
        .parse(job);
      expect(result).toMatchObject({
        added: 1,
        skipped: [
          {
            source: expect.stringContaining("bomb.docx"),
            reason: expect.stringMatching(/^too large/),
          },
        ],
      });
    });
  });
});
