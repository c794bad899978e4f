import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError } from "../base/errors.ts";
import { bridgeArticle, withTempFolder } from "../engine/engine.suite.ts";
import { endOfJob, post, readEvents, upload, withServer } from "./serving.suite.ts";

const get = async (url: string): Promise<unknown> => (await fetch(url)).json();
const articles = Object.fromEntries([0, 1, 2, 3, 4].map((i) => [`bridge-${i}.txt`, bridgeArticle(i)]));
const adapterList = z.object({
  adapters: z.array(z.looseObject({ key: z.string(), passageId: z.string() })),
});

describe("the native routes", () => {
  it("lead from an empty folder to an answer from adapters, and back", async () => {
    await withTempFolder((folder) =>
      withServer(folder, {}, async (server) => {
        const { url } = server;
        expect(await get(`${url}/api/status`)).toMatchObject({
          model: "qwen2-tied",
          collection: { corpus: null },
        });
        const documents = `${url}/api/collections/default/documents`;
        expect(await endOfJob(server, await upload(documents, articles))).toMatchObject({
          state: "done",
          result: { added: 5, passages: 5 },
        });
        expect(await get(documents)).toMatchObject({ documents: { length: 5 } });
        const question = { question: "Who built the Orlen1 Bridge?" };
        const before = await readEvents(await post(`${url}/api/ask`, question));
        expect(before.filter(({ event }) => event === "adapter").map(({ data }) => data)).toEqual(
          new Array(3).fill(expect.objectContaining({ usedAs: "context" })),
        );

        const rows = await encodeAndWatch(url);
        expect(rows.at(-1)).toMatchObject({ state: "done", result: { encoded: 5 } });
        const losses = rows.map((row) => z.object({ losses: z.array(z.number()) }).parse(row).losses.length);
        expect(Math.max(...losses)).toBeGreaterThan(0);
        const after = await readEvents(await post(`${url}/api/ask`, question));
        expect(after.filter(({ event }) => event === "adapter").map(({ data }) => data)).toEqual(
          new Array(3).fill(expect.objectContaining({ usedAs: "adapter" })),
        );
        const promptTokens = (events: typeof before) =>
          z.object({ usage: z.object({ promptTokens: z.number() }) }).parse(events.at(-1)?.data).usage
            .promptTokens;
        expect(promptTokens(after)).toBeLessThan(promptTokens(before));
        expect(after.map(({ event }) => event).at(-1)).toBe("end");

        await useAdapters(url, server);
        expect((await fetch(`${url}/api/collections/default`, { method: "DELETE" })).status).toBe(204);
        expect(await get(`${url}/api/collections`)).toEqual({ collections: [] });
        expect(await endOfJob(server, await upload(documents, articles))).toMatchObject({ state: "done" });
        expect(await get(`${url}/api/collections`)).toMatchObject({
          collections: [{ name: "default", passages: 5, encoded: 0 }],
        });
      }),
    );
  });

  it("keep collections apart", async () => {
    await withTempFolder((folder) =>
      withServer(folder, {}, async (server) => {
        const { url } = server;
        expect((await post(`${url}/api/collections`, { name: "a" })).status).toBe(201);
        expect((await post(`${url}/api/collections`, { name: "a" })).status).toBe(409);
        for (const [name, i] of [
          ["a", 1],
          ["b", 2],
        ] as const)
          await endOfJob(
            server,
            await upload(`${url}/api/collections/${name}/documents`, { "x.txt": bridgeArticle(i) }),
          );
        for (const [collection, title] of [
          ["a", /Orlen1/],
          ["b", /Orlen2/],
        ] as const) {
          const found = await (
            await post(`${url}/api/search`, { query: "Orlen Bridge built", collection })
          ).json();
          expect(JSON.stringify(found)).toMatch(title);
          expect(z.object({ hits: z.array(z.unknown()) }).parse(found).hits).toHaveLength(1);
        }
        expect((await post(`${url}/api/ask`, { question: "Who?", collection: "c" })).status).toBe(404);
        const ids = JSON.stringify(await get(`${url}/v1/models`));
        expect(ids).toContain('"prag@a"');
      }),
    );
  });

  it("make and delete no collection while a job of any writes, and say which", async () => {
    await withTempFolder((folder) => {
      const settings = { recipe: { updates: 5000, pattern: "pairs" as const } };
      return withServer(folder, { settings }, async (server) => {
        const { url } = server;
        await post(`${url}/api/collections`, { name: "a" });
        const documents = `${url}/api/collections/default/documents`;
        await endOfJob(server, await upload(documents, { "one.txt": bridgeArticle(1) }));
        const encoding = await post(`${url}/api/collections/default/encode`, {});
        const { job } = z.object({ job: z.object({ id: z.string() }) }).parse(await encoding.json());
        const remove = () => fetch(`${url}/api/collections/a`, { method: "DELETE" });
        for (const refused of [await post(`${url}/api/collections`, { name: "b" }), await remove()]) {
          expect(refused.status).toBe(409);
          expect(await refused.json()).toMatchObject({
            error: { message: expect.stringContaining('a job is writing: encode of "default"') },
          });
        }
        await fetch(`${url}/api/jobs/${job.id}`, { method: "DELETE" });
        expect((await post(`${url}/api/collections`, { name: "b" })).status).toBe(201);
        expect((await remove()).status).toBe(204);
      });
    });
  });

  it("delete no collection from which an answer is under way", async () => {
    await withTempFolder((folder) =>
      withServer(folder, {}, async (server) => {
        const collection = `${server.url}/api/collections/a`;
        await endOfJob(server, await upload(`${collection}/documents`, { "x.txt": bridgeArticle(1) }));
        const question = { question: "Who built the bridge?", collection: "a", maxTokens: 150 };
        const answer = await post(`${server.url}/api/ask`, { ...question, temperature: 2, seed: 3 });
        expect((await fetch(collection, { method: "DELETE" })).status).toBe(409);
        expect((await readEvents(answer)).at(-1)?.event).toBe("end");
        expect((await fetch(collection, { method: "DELETE" })).status).toBe(204);
      }),
    );
  });

  it("ingest allowed paths only, and no link leads out of them", async () => {
    await withTempFolder(async (folder) => {
      const outside = await mkdtemp(join(tmpdir(), "prag-outside-"));
      try {
        await writeFile(join(outside, "secret.txt"), "The secret is a heron.");
        await symlink(outside, join(folder, "docs", "link"));
        await symlink(join(outside, "secret.txt"), join(folder, "docs", "secret.txt"));
        await withServer(folder, { options: { allowedPaths: [join(folder, "docs")] } }, async (server) => {
          const ingest = (path: string) =>
            post(`${server.url}/api/collections/default/ingest`, { paths: [path] });
          for (const path of [
            outside,
            join(folder, "docs", "link"),
            join(folder, "docs", "secret.txt"),
            join(folder, "docs", "..", "data"),
            join(folder, "docs-other"),
            "docs",
            "/etc/passwd",
          ])
            expect((await ingest(path)).status, path).toBe(403);
          const job = await endOfJob(server, await ingest(join(folder, "docs")));
          expect(job).toMatchObject({ state: "done", result: { added: 5 } });
          const found = await (await post(`${server.url}/api/search`, { query: "secret heron" })).json();
          expect(JSON.stringify(found)).not.toContain("heron");
        });
      } finally {
        await rm(outside, { recursive: true });
      }
    });
  });

  it("refuse to start where an allowed path is no folder, and go on where it vanishes later", async () => {
    await withTempFolder(async (folder) => {
      const allowedPaths = [join(folder, "docs"), join(folder, "nowhere")];
      const start = withServer(folder, { options: { allowedPaths } }, async () => {});
      await expect(start).rejects.toThrow(ConfigError);
      await expect(start).rejects.toThrow(/nowhere is no folder/);
      await mkdir(join(folder, "nowhere"));
      await withServer(folder, { options: { allowedPaths: allowedPaths.toReversed() } }, async (server) => {
        await rm(join(folder, "nowhere"), { recursive: true });
        const paths = [join(folder, "docs")];
        const job = await post(`${server.url}/api/collections/default/ingest`, { paths });
        expect(await endOfJob(server, job)).toMatchObject({ state: "done", result: { added: 5 } });
      });
    });
  });

  it("keep uploads within their collection, whatever they are called", async () => {
    await withTempFolder((folder) =>
      withServer(folder, {}, async (server) => {
        const documents = `${server.url}/api/collections/default/documents`;
        const files = {
          "../../../evil.txt": "One. Two.",
          "..\\up.md": "# T\n\nText.",
          "a\u0000b.txt": "Nul.",
        };
        const answer = await upload(documents, files);
        expect(await endOfJob(server, answer)).toMatchObject({ state: "done" });
        const kept = await readdir(join(folder, "data/collections/default/uploads"));
        expect(kept.every((name) => /^[\w .-]+\.(txt|md)$/.test(name))).toBe(true);
        expect(kept).toContain("evil.txt");
        expect((await upload(documents, { "run.exe": "MZ" })).status).toBe(400);
        expect((await upload(documents, { ".txt": "x" })).status).toBe(400);
        const twice = await upload(documents, { "a?.md": "One.", "a*.md": "Two." }); // both would be a_.md
        expect([twice.status, await twice.text()]).toEqual([400, expect.stringContaining("a_.md")]);
        const long = await upload(documents, { [`${"한".repeat(100)}.txt`]: "Long names are cut." });
        expect(await endOfJob(server, long)).toMatchObject({ state: "done" });
        await mkdir(join(folder, "data/collections/linked/uploads"), { recursive: true });
        await writeFile(join(folder, "target.txt"), "untouched");
        await symlink(join(folder, "target.txt"), join(folder, "data/collections/linked/uploads/x.txt"));
        const linked = await upload(`${server.url}/api/collections/linked/documents`, { "x.txt": "new" });
        expect(linked.status).toBe(400);
        expect(await readFile(join(folder, "target.txt"), "utf8")).toBe("untouched");
      }),
    );
  });

  it("take in what an upload left that was ended before its time, and say where nothing of one could be read", async () => {
    await withTempFolder((folder) => {
      const settings = { recipe: { updates: 5000, pattern: "pairs" as const } };
      return withServer(folder, { settings }, async (server) => {
        const { url } = server;
        const documents = `${url}/api/collections/default/documents`;
        const jobOf = async (answer: Response) =>
          z.object({ job: z.object({ id: z.string() }) }).parse(await answer.json()).job.id;
        const cancel = (id: string) => fetch(`${url}/api/jobs/${id}`, { method: "DELETE" });
        await endOfJob(server, await upload(documents, { "one.txt": bridgeArticle(1) }));
        const encoding = await jobOf(await post(`${url}/api/collections/default/encode`, {}));
        await cancel(await jobOf(await upload(documents, { "two.txt": bridgeArticle(2) })));
        await cancel(encoding);
        const third = await upload(documents, { "three.txt": bridgeArticle(3) });
        expect(await endOfJob(server, third)).toMatchObject({
          state: "done",
          result: { added: 2, unchanged: 1, documents: 3 },
        });
        const broken = await upload(documents, { "broken.pdf": "no PDF" });
        expect(await endOfJob(server, broken)).toMatchObject({
          state: "failed",
          error: { message: expect.stringMatching(/^nothing could be ingested: .*broken.pdf/) },
        });
      });
    });
  });

  it("open no collection for a request that is refused", async () => {
    await withTempFolder(async (folder) => {
      await mkdir(join(folder, "data/collections/broken"), { recursive: true });
      await writeFile(join(folder, "data/collections/broken/settings.json"), "opening it would tell");
      await withServer(folder, {}, async ({ url }) => {
        const collection = `${url}/api/collections/broken`;
        expect((await upload(`${collection}/documents`, { "x.exe": "MZ" })).status).toBe(400);
        expect((await post(`${collection}/ingest`, { paths: ["/etc/passwd"] })).status).toBe(403);
        expect((await upload(`${url}/api/collections/.x/documents`, { "x.txt": "X." })).status).toBe(400);
      });
    });
  });

  it("open one report by a ticket where a key is demanded, and nothing else by it", async () => {
    await withTempFolder(async (folder) => {
      await mkdir(join(folder, "runs/a b"), { recursive: true });
      for (const name of ["one.html", "two.html"])
        await writeFile(join(folder, "runs/a b", name), `<h1>${name}</h1>`);
      await withServer(folder, { options: { apiKey: "a-secret-key" } }, async ({ url }) => {
        const key = { Authorization: "Bearer a-secret-key" };
        const ticketFor = (path: string, headers: Record<string, string>) =>
          post(`${url}/api/report-tickets`, { path }, headers);
        expect((await ticketFor("a b/one.html", {})).status).toBe(401);
        const { ticket } = z
          .object({ ticket: z.string() })
          .parse(await (await ticketFor("a b/one.html", key)).json());
        const one = `${url}/api/reports/a%20b/one.html`;
        expect((await fetch(one)).status).toBe(401);
        const opened = await fetch(`${one}?ticket=${ticket}`);
        expect([opened.status, await opened.text()]).toEqual([200, "<h1>one.html</h1>"]);
        expect(opened.headers.get("content-security-policy")).toContain("sandbox");
        const [expires = "", signature = ""] = ticket.split(".");
        const later = (Number.parseInt(expires, 36) + 1000).toString(36);
        for (const path of [
          `api/reports/a%20b/two.html?ticket=${ticket}`,
          `api/reports/a%20b/one.html?ticket=${later}.${signature}`,
          `api/reports/a%20b/one.html?ticket=${expires}.`,
          `api/reports/%ff?ticket=${ticket}`,
          `api/reports?ticket=${ticket}`,
          `api/status?ticket=${ticket}`,
        ])
          expect((await fetch(`${url}/${path}`)).status, path).toBe(401);
        expect((await post(`${one}?ticket=${ticket}`, {})).status).toBe(401);
      });
    });
  });

  it("serve reports in a sandbox, and the page from its folder alone", async () => {
    await withTempFolder(async (folder) => {
      await mkdir(join(folder, "runs/first"), { recursive: true });
      await writeFile(join(folder, "runs/first/report.html"), "<h1>Report</h1>");
      await writeFile(join(folder, "runs/first/records.jsonl"), "{}");
      await symlink("/etc", join(folder, "runs/etc"));
      await withServer(folder, {}, async ({ url }) => {
        expect(await (await fetch(`${url}/`)).text()).toContain("npm run build");
        await mkdir(join(folder, "page/assets"), { recursive: true });
        await writeFile(join(folder, "page/index.html"), "<title>prag</title>");
        await writeFile(join(folder, "page/assets/main-1a2b.js"), "1");
        expect(await get(`${url}/api/reports`)).toMatchObject({ reports: [{ path: "first/report.html" }] });
        const report = await fetch(`${url}/api/reports/first/report.html`);
        expect(report.headers.get("content-security-policy")).toContain("sandbox");
        for (const path of [
          "api/reports/first/records.jsonl",
          "api/reports/etc/passwd",
          "api/reports/..%2f..%2fetc%2fpasswd",
          "..%2fdata%2fformat.json",
          "assets/none.js",
          "api/none",
          "ask", // from a path below, the page would not find its assets
          "collections/default",
        ])
          expect((await fetch(`${url}/${path}`)).status, path).toBe(404);
        const asset = await fetch(`${url}/assets/main-1a2b.js`);
        expect(asset.headers.get("cache-control")).toContain("immutable");
        for (const path of ["", "index.html"]) {
          const page = await fetch(`${url}/${path}`);
          expect(await page.text()).toContain("<title>prag");
          expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
        }
      });
    });
  });
});

async function encodeAndWatch(url: string): Promise<unknown[]> {
  const answer = await post(`${url}/api/collections/default/encode`, {});
  const { job } = z.object({ job: z.looseObject({ id: z.string() }) }).parse(await answer.json());
  return (await readEvents(await fetch(`${url}/api/jobs/${job.id}/events`))).map(({ data }) => data);
}

async function useAdapters(url: string, server: { url: string; close(): Promise<void> }): Promise<void> {
  const list = `${url}/api/collections/default/adapters`;
  const { adapters } = adapterList.parse(await get(list));
  expect(adapters).toHaveLength(5);
  const [{ key }] = [adapters[0]!];
  expect(await get(`${list}/${key}`)).toMatchObject({
    key,
    losses: { length: 2 },
    text: expect.stringContaining("Orlen"),
  });
  const map = await get(`${url}/api/collections/default/similarity?limit=3`);
  expect(map).toMatchObject({ keys: { length: 3 }, isPartial: true });
  expect(z.object({ values: z.array(z.array(z.number())) }).parse(map).values[1]?.[1]).toBe(1);

  const peft = await fetch(`${list}/${key}/peft`);
  const folder = await mkdtemp(join(tmpdir(), "prag-tar-"));
  try {
    await writeFile(join(folder, "x.tar"), Buffer.from(await peft.arrayBuffer()));
    execFileSync("tar", ["-xf", "x.tar"], { cwd: folder });
    const inside = join(folder, `adapter-${key.slice(0, 12)}`);
    expect((await readdir(inside)).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    expect(JSON.parse(await readFile(join(inside, "adapter_config.json"), "utf8"))).toMatchObject({ r: 2 });
  } finally {
    await rm(folder, { recursive: true });
  }

  expect((await fetch(`${list}/${key}`, { method: "DELETE" })).status).toBe(204);
  expect(adapterList.parse(await get(list)).adapters).toHaveLength(4);
  const other = adapters[1]!.key;
  const again = await post(`${list}/${other}/encode`, {});
  expect(await endOfJob(server, again)).toMatchObject({ state: "done", result: { encoded: 1 } });
  expect(adapterList.parse(await get(list)).adapters.map((one) => one.key)).toContain(other);
}
