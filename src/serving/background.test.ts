import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { bridgeArticle, withTempFolder } from "../engine/engine.suite.ts";
import type { OpenServer } from "./server.ts";
import { endOfJob, post, readEvents, upload, withServer } from "./serving.suite.ts";

const statusSchema = z.object({
  background: z.object({
    state: z.string(),
    encoded: z.number(),
    evicted: z.number(),
    diskBudgetBytes: z.number(),
    diskUsedBytes: z.number(),
  }),
});
const adapterSchema = z.object({ adapters: z.array(z.object({ title: z.string(), bytes: z.number() })) });

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error("it did not come to this");
}

const background = async ({ url }: OpenServer) =>
  statusSchema.parse(await (await fetch(`${url}/api/status`)).json()).background;
const adapters = async ({ url }: OpenServer) =>
  adapterSchema.parse(await (await fetch(`${url}/api/collections/default/adapters`)).json()).adapters;
const titles = async (server: OpenServer) => (await adapters(server)).map(({ title }) => title).sort();

/** Asks so often for one bridge, and says how its passage was used the last time. */
async function ask({ url }: OpenServer, bridge: number, times: number): Promise<string> {
  const body = { question: `Who built the Orlen${bridge} Bridge?`, limit: 1, maxTokens: 1 };
  let used = "";
  for (let i = 0; i < times; i++) {
    const events = await readEvents(await post(`${url}/api/ask`, body));
    const { usedAs } = z
      .object({ usedAs: z.string() })
      .parse(events.find(({ event }) => event === "adapter")?.data);
    used = usedAs;
  }
  return used;
}

/** A server with three documents in which nothing is encoded, and the bytes of one adapter. */
async function withBridges<T>(
  folder: string,
  task: (diskBytes: (adapters: number) => number) => Promise<T>,
): Promise<T> {
  const bytes = await withServer(folder, {}, async (server) => {
    const files = Object.fromEntries([0, 1, 2].map((i) => [`bridge ${i}.txt`, bridgeArticle(i)]));
    await endOfJob(server, await upload(`${server.url}/api/collections/default/documents`, files));
    const { url } = server;
    await post(`${url}/api/collections`, { name: "other" });
    await endOfJob(
      server,
      await upload(`${url}/api/collections/other/documents`, { "x.txt": bridgeArticle(9) }),
    );
    await endOfJob(server, await post(`${url}/api/collections/other/encode`, {}));
    const list = await (await fetch(`${url}/api/collections/other/adapters`)).json();
    return adapterSchema.parse(list).adapters[0]!.bytes;
  });
  // The other collection's adapter stands for all that somebody has encoded by hand: it counts, and it stays.
  return task((count) => Math.round((1 + count + 0.7) * bytes));
}

describe("a server whose model cannot be opened", () => {
  it("tells why in its state, and its metrics", () =>
    withTempFolder(async (folder) => {
      await withServer(folder, {}, async (server) => {
        const { url } = server;
        await endOfJob(
          server,
          await upload(`${url}/api/collections/default/documents`, { "b.txt": bridgeArticle(1) }),
        );
        await ask(server, 1, 2);
      });
      const settings = { model: join(folder, "nowhere"), augment: { augmenter: "auto" as const } };
      await withServer(folder, { settings, background: {} }, async ({ url }) => {
        const state = await fetch(`${url}/api/status`);
        expect([state.status, await state.json()]).toMatchObject([
          200,
          {
            contextLength: null,
            collection: {
              corpus: { passages: 1 },
              augmented: null,
              model: { problem: expect.stringContaining("nowhere") },
            },
          },
        ]);
        const metrics = await fetch(`${url}/metrics`);
        expect([metrics.status, await metrics.text()]).toEqual([
          200,
          expect.stringContaining('prag_background_passages{kind="waiting"}'),
        ]);
      });
    }));
});

describe("a passage that nothing can be trained on", () => {
  it("is tried again when it has been augmented", () =>
    withTempFolder((folder) =>
      withServer(folder, { background: { minimumHeat: 1.5, quietMs: 0 } }, async (server) => {
        const { url } = server;
        const text = { "b.txt": "Oh bridge, bridge!" };
        await endOfJob(server, await upload(`${url}/api/collections/default/documents`, text));
        await ask(server, 1, 2);
        const jobs = async () => JSON.stringify(await (await fetch(`${url}/api/jobs`)).json());
        await until(async () => (await jobs()).includes('"skipped":1'));
        const [hit] = z
          .object({ hits: z.array(z.object({ passage: z.object({ id: z.string() }) })) })
          .parse(await (await post(`${url}/api/search`, { query: "bridge" })).json()).hits;
        const pairs = [{ question: "What is it?", answer: "A bridge" }];
        const row = { passageId: hit!.passage.id, rewrites: [], pairs, augmenter: "somebody" };
        const path = join(folder, "data/collections/default/imported.jsonl");
        await writeFile(path, `${JSON.stringify(row)}\n`);
        await until(async () => (await titles(server)).length === 1);
      }),
    ));
});

describe("the disk budget of the background", () => {
  it("lets the coldest adapter go for a passage that is much hotter, and that is remembered over a restart", async () => {
    await withTempFolder((folder) =>
      withBridges(folder, async (diskBytes) => {
        const policy = { minimumHeat: 1.5, quietMs: 0, cpuShare: 1, diskBytes: diskBytes(2) };
        await withServer(folder, { background: policy }, async (server) => {
          await ask(server, 0, 3);
          await until(async () => (await titles(server)).length === 1);
          await ask(server, 1, 4);
          await until(async () => (await titles(server)).length === 2);
          expect(await ask(server, 0, 1)).toBe("adapter"); // now 4, 4 and 0

          await ask(server, 2, 7);
          await until(async () => (await background(server)).state === "disk-budget-reached");
          expect(await titles(server)).toEqual(["bridge 0", "bridge 1"]); // 7 is less than twice as hot
          await ask(server, 1, 1);
          await ask(server, 2, 2); // 4, 5 and 9
          await until(async () => (await titles(server)).includes("bridge 2"));
          expect(await titles(server)).toEqual(["bridge 1", "bridge 2"]);
          expect(await background(server)).toMatchObject({ encoded: 3, evicted: 1 });
          expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(
            /prag_background_passages\{kind="evicted"\} 1/,
          );
          expect(await ask(server, 0, 1)).toBe("context");
          const { diskUsedBytes, diskBudgetBytes } = await background(server);
          expect(diskUsedBytes).toBeLessThanOrEqual(diskBudgetBytes);
        });
        await withServer(folder, { background: policy }, async (server) => {
          expect(await titles(server)).toEqual(["bridge 1", "bridge 2"]);
          expect([await ask(server, 0, 1), await ask(server, 2, 1)]).toEqual(["context", "adapter"]);
          await ask(server, 0, 6); // 12, 5 and 10: the heat of before counts too
          await until(async () => (await titles(server)).includes("bridge 0"));
          expect(await titles(server)).toEqual(["bridge 0", "bridge 2"]);
        });
      }),
    );
  }, 120_000);

  it("never deletes what somebody has encoded, be it the background's work before", async () => {
    await withTempFolder((folder) =>
      withBridges(folder, async (diskBytes) => {
        const policy = { minimumHeat: 1.5, quietMs: 0, cpuShare: 1, diskBytes: diskBytes(1) };
        await withServer(folder, { background: policy }, async (server) => {
          await ask(server, 0, 2);
          await until(async () => (await titles(server)).length === 1);
          const list = await (await fetch(`${server.url}/api/collections/default/adapters`)).json();
          const [passage] = z
            .object({ adapters: z.array(z.object({ passageId: z.string() })) })
            .parse(list).adapters;
          const body = { passages: [passage!.passageId] };
          const wanted = await post(`${server.url}/api/collections/default/encode`, body);
          expect(await endOfJob(server, wanted)).toMatchObject({ state: "done", result: { reused: 1 } });
          await ask(server, 1, 8);
          await until(async () => (await background(server)).state === "disk-budget-reached");
          expect(await titles(server)).toEqual(["bridge 0"]);
          expect(await ask(server, 1, 1)).toBe("context");
        });
      }),
    );
  }, 120_000);
});
