import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createTinyDisk } from "../base/tiny-disk.suite.ts";
import { checkSpace, freeBytes } from "./disk.ts";
import { dryRun } from "./dry-run.ts";
import { encode } from "./encode.ts";
import { tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { ingest } from "./ingest.ts";

describe("freeBytes", () => {
  it("asks the disk that a folder will lie on", async () => {
    const folder = await mkdtemp(join(tmpdir(), "prag-disk-"));
    try {
      expect(await freeBytes(join(folder, "not", "yet"))).toBeGreaterThan(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("checkSpace", () => {
  it("refuses what does not fit, with both numbers and what to do", () => {
    expect(() => checkSpace(10, 10, "data")).not.toThrow();
    expect(() => checkSpace(25e6, 2e6, "data")).toThrow(
      /need 25 MB in data, 2 MB are free.*--adapter-dtype int8/,
    );
  });
});

describe("encode", () => {
  it("stops before training where the adapters do not fit", async ({ skip }) => {
    const disk = createTinyDisk(2 ** 20);
    if (!disk) return skip("only root may mount a small disk");
    try {
      await withTempFolder(async (folder) => {
        const recipe = { rank: 256, updates: 1 }; // about 1 MB per adapter
        const settings = tinySettings(folder, { dataFolder: disk.folder, recipe });
        await withEngine(settings, async ({ parts }) => {
          await ingest(parts, [join(folder, "docs")], { base: folder });
          expect((await dryRun(parts)).disk.fits).toBe(false);
          await expect(encode(parts)).rejects.toMatchObject({
            code: "capacity",
            message: expect.stringMatching(/need \d+ MB in .*, \d+ MB are free/),
          });
          expect(await readdir(disk.folder)).not.toContain("adapters");
        });
      });
    } finally {
      disk.remove();
    }
  });
});
