import { spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CapacityError, FormatError, UnsupportedError } from "../base/errors.ts";
import { asWriter, dataFolder, dataFormat, listCollections } from "./data-folder.ts";
import { hashFiles, tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { ingest } from "./ingest.ts";
import { openEngine } from "./open-engine.ts";

async function withFormat(format: unknown, task: (path: string) => Promise<void>): Promise<void> {
  await withTempFolder(async (folder) => {
    const path = join(folder, "data");
    await mkdir(path);
    await writeFile(join(path, "format.json"), JSON.stringify(format));
    await task(folder);
  });
}

describe("data format", () => {
  it("is written by the first writer, and read by the next", () =>
    withTempFolder(async (folder) => {
      const data = dataFolder(join(folder, "data"), "default");
      await asWriter(data, "test", async () => {});
      const written = JSON.parse(await readFile(join(data.path, "format.json"), "utf8"));
      expect(written).toEqual({ format: dataFormat });
      expect(await asWriter(data, "test", async () => "again")).toBe("again");
    }));

  it.each([
    [dataFormat + 1, /update parametric-rag/],
    [dataFormat - 1, /version that made it.*new data folder/],
  ])("another one (%i) is refused before anything is touched, with what to do", (format, advice) =>
    withFormat({ format }, async (folder) => {
      const before = await hashFiles(folder);
      const data = dataFolder(join(folder, "data"), "default");
      const writing = asWriter(data, "test", async () => {});
      await expect(writing).rejects.toThrow(UnsupportedError);
      await expect(writing).rejects.toThrow(advice);
      await expect(writing).rejects.toThrow(new RegExp(`format ${format}.*reads ${dataFormat}`));
      await expect(openEngine(tinySettings(folder))).rejects.toThrow(UnsupportedError);
      expect(await hashFiles(folder)).toEqual(before);
    }),
  );

  it("that is none is a FormatError with the path", () =>
    withFormat({ format: "one" }, async (folder) => {
      const writing = asWriter(dataFolder(join(folder, "data"), "default"), "test", async () => {});
      await expect(writing).rejects.toThrow(FormatError);
      await expect(writing).rejects.toThrow("format.json");
    }));
});

describe("writers", () => {
  it("are one at a time: the second is told who the first is; readers are not stopped", () =>
    withTempFolder(async (folder) => {
      const data = dataFolder(join(folder, "data"), "default");
      await asWriter(data, "encode", async () => {
        const second = asWriter(data, "ingest", async () => {});
        await expect(second).rejects.toThrow(CapacityError);
        await expect(second).rejects.toThrow(new RegExp(`pid ${process.pid}.*encode.*try again`));
        const reader = await openEngine(tinySettings(folder));
        await reader.dispose();
      });
      expect(await asWriter(data, "ingest", async () => "now")).toBe("now");
    }));

  it("give the folder back when their task fails", () =>
    withTempFolder(async (folder) => {
      const data = dataFolder(join(folder, "data"), "default");
      const failing = asWriter(data, "test", () => Promise.reject(new Error("no luck")));
      await expect(failing).rejects.toThrow("no luck");
      expect(await asWriter(data, "test", async () => "next")).toBe("next");
    }));

  it("clean up what killed ones left half written, and nothing else", () =>
    withTempFolder(async (folder) => {
      const data = dataFolder(join(folder, "data"), "default");
      const killed = spawnSync(process.execPath, ["-e", ""]).pid;
      const half = (name: string) => `${name}.${killed}.0badcafe.tmp`;
      const adapters = join(data.adapters, "ab");
      await mkdir(adapters, { recursive: true });
      await mkdir(data.collection.path, { recursive: true });
      await writeFile(join(adapters, half("abcd.safetensors")), "half");
      await writeFile(half(data.collection.settings), "half");
      await writeFile(join(adapters, "notes.tmp"), "mine");
      const running = `one.${process.pid}.0badcafe.tmp`;
      await writeFile(join(adapters, running), "of a reader that keeps count, say");
      await asWriter(data, "test", async () => {});
      expect(Object.keys(await hashFiles(data.path))).toEqual([
        "adapters/ab/notes.tmp",
        `adapters/ab/${running}`,
        "format.json",
      ]);
    }));
});

describe("listCollections", () => {
  it("gives the names in order, and none where there is no folder", () =>
    withTempFolder(async (folder) => {
      expect(await listCollections(folder)).toEqual([]);
      for (const name of ["b", "a"])
        await mkdir(dataFolder(folder, name).collection.path, { recursive: true });
      expect(await listCollections(folder)).toEqual(["a", "b"]);
    }));
});

describe("a data folder among the documents", () => {
  it("is not ingested with them", () =>
    withTempFolder((folder) =>
      withEngine(tinySettings(folder), async ({ parts }) => {
        await ingest(parts, ["."], { base: folder });
        expect(await ingest(parts, ["."], { base: folder })).toMatchObject({ unchanged: 5, documents: 5 });
      }),
    ));
});
