import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkSpace, freeBytes } from "./disk.ts";

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
