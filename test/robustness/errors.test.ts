import { execFileSync } from "node:child_process";
import { chmod, cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTinyDisk, type TinyDisk } from "../../src/base/tiny-disk.suite.ts";
import { differsByRun, hashFiles, tinyModel } from "../../src/engine/engine.suite.ts";
import { copyModel, type Ending, prag, pragOk, withFolder } from "./prag.ts";

const exitCodes = { config: 2, format: 3, notFound: 4, unsupported: 5, capacity: 8 };
const question = ["ask", "Who built the Orlen2 Bridge?"];
const encode = ["encode", "--pattern", "pairs", "--updates", "1"];
const withTimeout = { timeout: 300_000 };

/** A failure of this kind: one line that says what failed and what to do, and no trace of the program. */
function expectFailure({ code, stdout, stderr }: Ending, wanted: number, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(code).toBe(wanted);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^prag: /m);
  expect(stderr).not.toMatch(/internal:|this is a bug|\n\s+at /);
}

/** Paths of the adapters of a data folder. */
async function adapterFiles(folder: string): Promise<string[]> {
  const root = join(folder, "data", "adapters");
  const names = await readdir(root, { recursive: true });
  return names.filter((name) => name.endsWith(".safetensors")).map((name) => join(root, name));
}

describe("an adapter that cannot be used", withTimeout, () => {
  let encoded: string;
  beforeAll(async () => {
    encoded = await mkdtemp(join(tmpdir(), "prag-encoded-"));
    await withFolder(async (folder) => {
      await pragOk(["ingest", "docs"], { folder });
      await pragOk(encode, { folder });
      await cp(join(folder, "data"), encoded, { recursive: true });
    });
  }, withTimeout.timeout);
  afterAll(() => rm(encoded, { recursive: true, force: true }));

  /** Runs a task where everything is encoded. */
  const withEncoded = (task: (folder: string) => Promise<void>) =>
    withFolder(async (folder) => {
      await cp(encoded, join(folder, "data"), { recursive: true });
      await task(folder);
    });
  /** What the message says to do, done: all adapters are made anew. */
  const expectRepair = async (folder: string, keys: readonly string[]) => {
    await pragOk(["adapters", "delete", ...keys], { folder });
    await pragOk(encode, { folder });
    expect((await pragOk([...question, "--json"], { folder })).stdout).toContain('"usedAs": "adapter"');
  };
  const keysOf = (files: readonly string[]) => files.map((file) => file.slice(-76, -64));

  it("because a byte was changed: refused and named by ask and verify; what the message says repairs it", () =>
    withEncoded(async (folder) => {
      // An encoding's file tells of the deletion too; that it ends with the same rows is what the status says.
      const isLeftOut = (path: string) => differsByRun(path) || path.includes("encodings");
      const encodingOf = async () =>
        JSON.parse((await pragOk(["status", "--json"], { folder })).stdout).encoding;
      const [before, encodedBefore] = [await hashFiles(join(folder, "data"), isLeftOut), await encodingOf()];
      const files = await adapterFiles(folder);
      for (const file of files) {
        const bytes = await readFile(file);
        bytes[bytes.length - 40]! ^= 1;
        await writeFile(file, bytes);
      }
      const asked = await prag(question, { folder });
      expectFailure(asked, exitCodes.format, /adapters.*\.safetensors: is damaged.*"prag adapters delete/);
      const verified = await prag(["adapters", "verify"], { folder });
      expect(verified.code).toBe(exitCodes.format);
      expect(verified.stdout.match(/is damaged/g)).toHaveLength(files.length);
      await expectRepair(folder, keysOf(files));
      expect(await hashFiles(join(folder, "data"), isLeftOut)).toEqual(before);
      expect(await encodingOf()).toEqual(encodedBefore);
      expect(encodedBefore.encoded).toBe(files.length);
    }));

  it("because its end is missing", () =>
    withEncoded(async (folder) => {
      const files = await adapterFiles(folder);
      for (const file of files) await truncate(file, 2000);
      const asked = await prag(question, { folder });
      expectFailure(asked, exitCodes.format, /truncated.*"prag adapters delete.*"prag encode"/);
      await expectRepair(folder, keysOf(files));
    }));

  it("because it is another model's, though it has the same sizes", () =>
    withEncoded(async (folder) => {
      const files = await adapterFiles(folder);
      const other = ["--model", tinyModel("qwen2-untied"), "--data-folder", "other"];
      await pragOk([...other, "ingest", "docs"], { folder });
      await pragOk([...other, ...encode], { folder });
      const names = await readdir(join(folder, "other", "adapters"), { recursive: true });
      const foreign = names.find((name) => name.endsWith(".safetensors"))!;
      for (const file of files) await cp(join(folder, "other", "adapters", foreign), file);
      const asked = await prag(question, { folder });
      expectFailure(asked, exitCodes.config, /qwen2-untied.*encode/);
    }));
});

describe("a model that cannot be used", withTimeout, () => {
  it.each([
    [
      "has no tokenizer",
      { without: ["tokenizer.json"] },
      exitCodes.notFound,
      /tokenizer\.json does not exist; fetch/,
    ],
    [
      "has an unknown architecture",
      { config: { model_type: "gpt_bigcode", architectures: ["GPTBigCodeForCausalLM"] } },
      exitCodes.unsupported,
      /config\.json.*gpt_bigcode.*supported are llama, mistral, qwen2/,
    ],
    ["has no weights", { without: ["model.safetensors"] }, exitCodes.notFound, /safetensors/],
  ])("because it %s", (_, change, code, message) =>
    withFolder(async (folder) => {
      const model = ["--model", await copyModel(join(folder, "model"), change)];
      await pragOk([...model, "ingest", "docs"], { folder }); // needs no model
      expectFailure(await prag([...model, ...question], { folder }), code, message);
      expectFailure(await prag([...model, ...encode], { folder }), code, message);
    }),
  );
});

describe("two writers", withTimeout, () => {
  it("the second is told who writes and what to do; readers and the first are not disturbed", () =>
    withFolder(async (folder) => {
      await pragOk(["ingest", "docs"], { folder });
      let pid = 0;
      const onStart = (started: number) => {
        pid = started;
      };
      const first = prag(encode, { folder, onStart });
      const isLocked = async () => (await readdir(join(folder, "data"))).includes("lock");
      while (!(await isLocked())) await new Promise((resolve) => setTimeout(resolve, 10));
      process.kill(pid, "SIGSTOP"); // so that it is surely still writing
      try {
        const second = await prag(["ingest", "docs"], { folder });
        const message = new RegExp(`another process \\(pid ${pid} .*encode\\); wait until it ends`);
        expectFailure(second, exitCodes.capacity, message);
        expect((await prag(["--json", "status"], { folder })).code).toBe(0);
      } finally {
        process.kill(pid, "SIGCONT");
      }
      expect((await first).code).toBe(0);
      await pragOk(["ingest", "docs"], { folder });
    }));
});

describe("a full disk", withTimeout, () => {
  it("stops each command with what to do; with space, the same command goes on to the same bytes", async ({
    skip,
  }) => {
    const disk = createTinyDisk(256 * 1024);
    if (!disk) {
      console.warn("skipped: the test of a full disk needs root, to mount a small one");
      return skip();
    }
    try {
      await withFolder((folder) => fillAgainAndAgain(folder, disk));
    } finally {
      disk.remove();
    }
  });

  async function fillAgainAndAgain(folder: string, disk: TinyDisk): Promise<void> {
    const data = join(disk.folder, "data");
    const commands = [["ingest", "docs"], ["augment", "--augmenter", "rule"], encode];
    const onDisk = (words: readonly string[]) => ["--data-folder", data, ...words];
    for (const words of commands) await pragOk(onDisk(words), { folder });
    const wanted = await hashFiles(data, differsByRun);
    await rm(data, { recursive: true });
    for (const words of commands) {
      for (const bytes of [0, 16_384]) {
        await leave(disk, bytes);
        const ending = await prag(onDisk(words), { folder });
        if (bytes === 0 || ending.code !== 0)
          expectFailure(
            ending,
            exitCodes.capacity,
            /(disk is full while writing|are free;).*free some space/,
          );
      }
      disk.free();
      await pragOk(onDisk(words), { folder });
    }
    expect(await hashFiles(data, differsByRun)).toEqual(wanted);
  }

  /** Fills the disk but for so many bytes. */
  async function leave(disk: TinyDisk, bytes: number): Promise<void> {
    disk.free();
    const spare = join(disk.folder, "spare");
    await writeFile(spare, Buffer.alloc(bytes));
    disk.fill();
    await rm(spare);
  }
});

/** Somebody who may read but not write: another user where we are root, else ourselves after a chmod. */
const reader = process.getuid?.() === 0 ? 65_534 : undefined;

describe("a folder that is read-only", withTimeout, () => {
  let canRun = true;
  beforeAll(async () => {
    if (reader === undefined) return;
    canRun = await withFolder(async (folder) => {
      await chmod(folder, 0o777);
      return (await prag(["--version"], { folder, uid: reader })).code === 0;
    });
    if (!canRun)
      console.warn("skipped: another user may not read this checkout, so nothing is read-only for root");
  });

  it("refuses writers with what to do, and serves readers", async ({ skip }) => {
    if (!canRun) skip();
    await withFolder(async (folder) => {
      await pragOk(["ingest", "docs"], { folder });
      await pragOk(encode, { folder });
      await chmod(folder, 0o755);
      if (reader === undefined) execFileSync("chmod", ["-R", "a-w", join(folder, "data")]);
      const as = { folder, uid: reader };
      try {
        for (const words of [["ingest", "docs"], ["augment"], encode]) {
          const message = /no permission for .*data.*choose another folder/;
          expectFailure(await prag(words, as), exitCodes.config, message);
        }
        expect((await prag([...question, "--json"], as)).stdout).toContain('"usedAs": "adapter"');
        expect((await prag(["--json", "status"], as)).code).toBe(0);
      } finally {
        if (reader === undefined) execFileSync("chmod", ["-R", "u+w", join(folder, "data")]);
      }
    });
  });
});
