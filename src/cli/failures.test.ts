import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { acquireLock } from "../base/lock.ts";
import { type Finished, prag, withWorkFolder } from "./cli.suite.ts";

// Every command is a process of its own, which takes long on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

/** Says it to programs in one JSON value, and to people in one line. */
async function expectFailure(
  folder: string,
  args: string[],
  { exit, code, says }: { exit: number; code: string; says: RegExp },
): Promise<void> {
  const forPrograms = await prag(folder, [...args, "--json"]);
  expect(forPrograms.code).toBe(exit);
  expect(JSON.parse(forPrograms.stdout)).toEqual({ error: { code, message: expect.stringMatching(says) } });
  const forPeople: Finished = await prag(folder, args);
  expect(forPeople).toMatchObject({ code: exit, stdout: "" });
  expect(forPeople.stderr).toMatch(/^prag: .+\n$/);
  expect(forPeople.stderr).toMatch(says);
}

describe("a command that fails", () => {
  it("exits with 2 for a wrong option or setting, and names it", () =>
    withWorkFolder(async (folder) => {
      await expectFailure(folder, ["ask", "q", "--limt", "3"], {
        exit: 2,
        code: "config",
        says: /--limt.*Did you mean --limit/,
      });
      await writeFile(join(folder, "prag.config.json"), '{"model": "./model", "limit": "three"}');
      await expectFailure(folder, ["status"], {
        exit: 2,
        code: "config",
        says: /prag\.config\.json.*"limit"/,
      });
    }));

  it("exits with 4 for what is not there, and says what to do", () =>
    withWorkFolder(async (folder) => {
      await expectFailure(folder, ["ask", "Who?"], { exit: 4, code: "not-found", says: /ingest/ });
      await expectFailure(folder, ["ask", "Who?", "--model", "nowhere"], {
        exit: 4,
        code: "not-found",
        says: /nowhere/,
      });
    }));

  it("exits with 3 for a damaged adapter, when it is used and when it is verified", () =>
    withWorkFolder(async (folder) => {
      await prag(folder, ["ingest", "docs"]);
      await prag(folder, ["encode"]);
      const adapters = join(folder, ".prag", "adapters");
      for (const name of await readdir(adapters, { recursive: true })) {
        if (!name.endsWith(".safetensors")) continue;
        const bytes = await readFile(join(adapters, name));
        await writeFile(join(adapters, name), bytes.subarray(0, bytes.length - 1));
      }
      await expectFailure(folder, ["ask", "Who built the Orlen Bridge?"], {
        exit: 3,
        code: "format",
        says: /adapters/,
      });
      const verify = await prag(folder, ["adapters", "verify", "--json"]);
      expect(verify.code).toBe(3);
      expect(JSON.parse(verify.stdout).bad).toHaveLength(4);
    }));

  it("exits with 5 for an architecture that is not supported", () =>
    withWorkFolder(async (folder) => {
      const path = join(folder, "model", "config.json");
      await writeFile(
        path,
        (await readFile(path, "utf8")).replace(/"model_type": *"\w+"/, '"model_type": "gpt_neox"'),
      );
      await prag(folder, ["ingest", "docs"]);
      await expectFailure(folder, ["encode"], { exit: 5, code: "unsupported", says: /gpt_neox.*llama/ });
    }));

  it("exits with 8 where another process is writing, and a reader is not hindered", () =>
    withWorkFolder(async (folder) => {
      await prag(folder, ["ingest", "docs"]);
      const lock = await acquireLock(join(folder, ".prag"), "a test");
      try {
        await expectFailure(folder, ["ingest", "docs"], {
          exit: 8,
          code: "capacity",
          says: /another process.*a test/,
        });
        expect((await prag(folder, ["ask", "Who built the Orlen Bridge?"])).code).toBe(0);
      } finally {
        await lock.release();
      }
    }));
});

describe("Ctrl-C", () => {
  it("ends an encode between two steps; the same command goes on to the adapters of an undisturbed one", () =>
    withWorkFolder(
      async (folder) => {
        await prag(folder, ["ingest", "docs"]);
        const interrupted = await prag(folder, ["encode"], {
          onStart: (child) =>
            interruptWhen(child.pid, () =>
              hasContent(join(folder, ".prag/collections/default/augmented.jsonl")),
            ),
        });
        expect(interrupted.code).toBe(130);
        expect(interrupted.stderr).toMatch(/interrupted; run the same command again/);
        expect(await readdir(join(folder, ".prag"))).not.toContain("lock");
        const rest = JSON.parse((await prag(folder, ["encode", "--json"])).stdout);
        expect(rest.encoded + rest.reused).toBe(4);
        await prag(folder, ["ingest", "docs", "--data-folder", "fresh"]);
        await prag(folder, ["encode", "--data-folder", "fresh"]);
        expect(await adapterFiles(join(folder, ".prag"))).toEqual(await adapterFiles(join(folder, "fresh")));
      },
      { updates: 8 },
    ));
});

async function adapterFiles(dataFolder: string): Promise<Record<string, string>> {
  const folder = join(dataFolder, "adapters");
  const all = await readdir(folder, { recursive: true });
  const names = all.filter((name) => name.endsWith(".safetensors")).sort();
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name), "base64")));
  return Object.fromEntries(names.map((name, i) => [name, contents[i] ?? ""]));
}

async function hasContent(path: string): Promise<boolean> {
  return readFile(path).then(
    (content) => content.length > 0,
    () => false,
  );
}

/** Sends Ctrl-C once, as soon as the condition is true. */
async function interruptWhen(pid: number | undefined, condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
  if (pid !== undefined) process.kill(pid, "SIGINT");
}
