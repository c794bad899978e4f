import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { openCorpusIfPresent } from "./corpus-folder.ts";
import { ingest } from "./ingest.ts";

let base: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "prag-kill-"));
});
afterAll(() => rm(base, { recursive: true, force: true }));

async function writeDocuments(version: string): Promise<void> {
  await mkdir(join(base, "docs"), { recursive: true });
  for (let file = 0; file < 12; file++) {
    const rows = Array.from({ length: 100 }, (_, i) => ({
      title: `Thing ${i % 70}`,
      text: `In version ${file % 4 ? "any" : version} the thing ${i % 120} of ${file % 30} is made of stone. `.repeat(
        9,
      ),
    }));
    await writeFile(join(base, `docs/${file}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  }
}

const run = (folder: string) => ingest(folder, ["docs"], { base, startedMs: 0 });

/** Everything in a corpus folder but the times of files, which are no part of the result. */
async function contentOf(folder: string): Promise<[string, string][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.endsWith("seen.json"))
    .sort();
  return Promise.all(
    paths.map(
      async (path): Promise<[string, string]> => [path.slice(folder.length), await readFile(path, "utf8")],
    ),
  );
}

/** The same ingest in a process of its own (from the build), killed some time after it began, or at its end. */
async function killedRun(folder: string, afterMs: number): Promise<{ wasKilled: boolean; ms: number }> {
  const code = `import { ingest } from ${JSON.stringify(resolve(import.meta.dirname, "../../dist/corpus/ingest.js"))};
    console.log("started");
    await ingest(${JSON.stringify(folder)}, ["docs"], { base: ${JSON.stringify(base)}, startedMs: 0 });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  const started = performance.now();
  await Promise.race([ended, sleep(afterMs)]);
  child.kill("SIGKILL");
  await ended;
  return { wasKilled: child.signalCode === "SIGKILL", ms: performance.now() - started };
}

describe("a killed ingest", () => {
  it("leaves the old corpus or the new one, and its repetition is as if it had not been killed", async () => {
    await writeDocuments("one");
    const old = join(base, "old");
    const { generation: before } = await run(old);
    await writeDocuments("two");
    const whole = join(base, "whole");
    await cp(old, whole, { recursive: true });
    const { ms } = await killedRun(whole, 60_000);
    const finished = await openCorpusIfPresent(whole);
    finished?.close();
    const after = finished?.generation;
    const expected = await contentOf(whole);
    expect(after).not.toBe(before);

    const random = new Random("kill");
    const folder = join(base, "killed");
    let kills = 0;
    for (let round = 0; round < 10; round++) {
      const fromNothing = round % 3 === 0;
      await rm(folder, { recursive: true, force: true });
      if (!fromNothing) await cp(old, folder, { recursive: true });
      const { wasKilled } = await killedRun(folder, random.next() * ms);
      if (wasKilled) kills++;
      const left = await openCorpusIfPresent(folder);
      expect([fromNothing ? undefined : before, after]).toContain(left?.generation);
      if (left) expect([...left.passages()]).toHaveLength(left.manifest.passages);
      left?.close();
      await run(folder);
      expect(await contentOf(folder)).toEqual(expected);
    }
    expect(kills).toBeGreaterThan(4);
  });
});
