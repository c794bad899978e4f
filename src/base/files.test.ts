import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { CapacityError, ConfigError, FormatError, NotFoundError } from "./errors.ts";
import { parseValue, readJson, readJsonIfPresent, writeAtomic, writeJson } from "./files.ts";
import { createTinyDisk } from "./tiny-disk.suite.ts";

const root = mkdtempSync(join(tmpdir(), "prag-files-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const schema = z.object({ rank: z.int().positive(), list: z.array(z.string()).optional() });

describe("reading", () => {
  it("gives what was written", async () => {
    const path = join(root, "a/b/value.json");
    await writeJson(path, { rank: 2 });
    expect(await readJson(path, schema)).toEqual({ rank: 2 });
    expect(readFileSync(path, "utf8")).toBe('{\n  "rank": 2\n}\n');
  });

  it("names the path, the field and what is wrong with it", async () => {
    const path = join(root, "wrong.json");
    for (const [text, message] of [
      ['{"rank":0}', /wrong\.json: field "rank": .*>0/],
      ['{"rank":1,"list":["a",2]}', /field "list.1"/],
      ["{", /not valid JSON/],
      ["null", /expected object/],
    ] as const) {
      writeFileSync(path, text);
      const error = await readJson(path, schema).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(FormatError);
      expect(error).toMatchObject({ path, message: expect.stringMatching(message) });
    }
    expect(() => parseValue(3, z.string(), "here")).toThrow(/^here: /);
  });

  it("tells an absent file from one that cannot be read", async () => {
    await expect(readJson(join(root, "none.json"), schema)).rejects.toThrow(NotFoundError);
    expect(await readJsonIfPresent(join(root, "none.json"), schema)).toBeUndefined();
    writeFileSync(join(root, "file"), "");
    await expect(readJson(join(root, "file/below"), schema)).rejects.toThrow(NotFoundError);
    await expect(readJsonIfPresent(root, schema)).rejects.toThrow(ConfigError);
  });
});

describe("writeAtomic", () => {
  it("replaces a file whole, and leaves nothing else", async () => {
    const folder = join(root, "atomic");
    const path = join(folder, "file");
    await writeAtomic(path, "old");
    await writeAtomic(path, Uint8Array.of(1, 2, 3));
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
    expect(readdirSync(folder)).toEqual(["file"]);
  });

  it("keeps the old content when it fails, and leaves nothing else", async () => {
    const folder = join(root, "blocked");
    mkdirSync(join(folder, "taken/inside"), { recursive: true });
    await expect(writeAtomic(join(folder, "taken"), "new")).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(["taken"]);
  });

  it("is never seen half-written, by readers at the same time", async () => {
    const path = join(root, "watched");
    const contents = ["a".repeat(300_000), "b".repeat(200_000)];
    await writeAtomic(path, contents[0]!);
    let isWriting = true;
    const writing = (async () => {
      for (let i = 1; i <= 30; i++) await writeAtomic(path, contents[i % 2]!);
      isWriting = false;
    })();
    while (isWriting) {
      expect(contents.includes(readFileSync(path, "utf8"))).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
  });

  it("says that the disk is full and keeps the old content", async ({ skip }) => {
    const disk = createTinyDisk(128 * 1024);
    if (!disk) return skip("no permission to mount a small disk");
    try {
      const path = join(disk.folder, "file");
      await writeAtomic(path, "old");
      await expect(writeAtomic(path, "x".repeat(200_000))).rejects.toThrow(CapacityError);
      await expect(writeAtomic(path, "x".repeat(200_000))).rejects.toThrow(/disk is full.*free some space/);
      expect(readFileSync(path, "utf8")).toBe("old");
      expect(readdirSync(disk.folder)).toEqual(["file"]);
    } finally {
      disk.remove();
    }
  });

  it("says that there is no permission", async ({ skip }) => {
    if (process.platform !== "linux") skip("needs a folder where not even root may write: /sys of Linux");
    await expect(writeAtomic("/sys/prag-test/file", "")).rejects.toThrow(ConfigError);
    await expect(writeAtomic("/sys/prag-test/file", "")).rejects.toThrow(/choose another folder/);
  });
});
