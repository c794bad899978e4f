import { type ChildProcess, spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { bridgeArticle, tinyModel } from "../../src/engine/engine.suite.ts";
import { pragOk, withFolder } from "./prag.ts";

const launcher = resolve(import.meta.dirname, "../../bin/prag.js");

interface ServerProcess {
  url: string;
  child: ChildProcess;
  /** Its exit code; null where it was killed. */
  ended: Promise<number | null>;
}

async function startServer(folder: string): Promise<ServerProcess> {
  const options = ["--model", tinyModel(), "--data-folder", "data", "--cache-folder", "cache"];
  const child = spawn(
    process.execPath,
    [
      launcher,
      ...options,
      "--threads",
      "1",
      "--offline",
      "--json",
      "serve",
      "--port",
      "0",
      "--minimum-heat",
      "0.5",
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "inherit"], env: { PATH: process.env.PATH, HOME: folder } },
  );
  const ended = new Promise<number | null>((done) => child.once("close", done));
  let text = "";
  const url = await new Promise<string>((found, failed) => {
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      const match = /"url": "([^"]+)"/.exec(text);
      if (match?.[1]) found(match[1]);
    });
    void ended.then((code) => failed(new Error(`the server ended with ${code} before it listened`)));
  });
  return { url, child, ended };
}

const json = { "Content-Type": "application/json" };
const post = (url: string, body: unknown) =>
  fetch(url, { method: "POST", headers: json, body: JSON.stringify(body) }).then((answer) => answer.text());

/** Uploads, encodes and asks all at once, for as long as the server lives. */
function load(url: string, round: number): Promise<unknown> {
  const form = new FormData();
  for (let i = 0; i < 4; i++)
    form.append("file", new File([bridgeArticle(4 * round + i)], `bridge-${4 * round + i}.txt`));
  const work = [
    fetch(`${url}/api/collections/default/documents`, { method: "POST", body: form })
      .then((answer) => answer.text())
      .then(() => post(`${url}/api/collections/default/encode`, {})),
    post(`${url}/api/collections`, { name: `other-${round}` }).then(() =>
      fetch(`${url}/api/collections/other-${round}`, { method: "DELETE" }),
    ),
    ...Array.from({ length: 8 }, (_, i) =>
      post(`${url}/api/ask`, { question: `Who built the Orlen${i} Bridge?` }),
    ),
  ];
  return Promise.allSettled(work);
}

/** Everything that is to be read again is whole. */
async function expectWhole(folder: string): Promise<void> {
  const data = join(folder, "data");
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".json")) continue;
    const text = await readFile(join(entry.parentPath, entry.name), "utf8");
    expect(() => JSON.parse(text), entry.name).not.toThrow();
  }
  const report: unknown = JSON.parse((await pragOk(["--json", "adapters", "verify"], { folder })).stdout);
  expect(report).toMatchObject({ bad: [] });
}

it("a server that is killed under load begins again with nothing half-written", async () => {
  await withFolder(async (folder) => {
    for (const [round, lifeMs] of [700, 1500, 2500].entries()) {
      const { url, child, ended } = await startServer(folder);
      const loaded = load(url, round);
      await sleep(lifeMs);
      child.kill("SIGKILL");
      expect(await ended).toBe(null);
      await loaded;
    }
    await expectWhole(folder);
    const { url, child, ended } = await startServer(folder);
    await load(url, 3);
    const answer = await post(`${url}/api/ask`, { question: "Who built the Orlen13 Bridge?" });
    expect(answer).toContain('"type":"end"');
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    await expectWhole(folder);
  });
}, 300_000);
