import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError, FormatError, NotFoundError } from "../base/errors.ts";
import { completeConfig } from "./config.ts";
import { dataFolder } from "./data-folder.ts";
import { withTempFolder } from "./engine.suite.ts";
import { loadSettings, recordSettings, resolveConfig } from "./settings.ts";

const write = (folder: string, settings: unknown, name = "prag.config.json") =>
  writeFile(join(folder, name), typeof settings === "string" ? settings : JSON.stringify(settings));

describe("loadSettings", () => {
  it("gives the defaults where there is no file", () =>
    withTempFolder(async (folder) => {
      const settings = { dataFolder: join(folder, "data") };
      expect(await loadSettings({ folder, settings })).toEqual(completeConfig(settings));
    }));

  it("reads the file; given settings win one by one, undefined ones do not", () =>
    withTempFolder(async (folder) => {
      await write(folder, { limit: 7, maxTokens: 50, merge: { weights: "mean", scale: 2 } });
      const settings = { maxTokens: 9, limit: undefined, merge: { scale: 3 } };
      expect(await loadSettings({ folder, settings })).toMatchObject({
        limit: 7,
        maxTokens: 9,
        merge: { weights: "mean", scale: 3 },
      });
    }));

  it("takes paths of the file from the file's folder, names as they are", () =>
    withTempFolder(async (folder) => {
      const paths = { model: "./my-model", memoryModel: "./memory", answerModel: "../answer" };
      const folders = { dataFolder: "data", cacheFolder: "cache", initAdapter: "warm" };
      const all = { ...paths, ...folders, embedder: { folder: "vectors" } };
      await write(folder, all, "other.json");
      expect(await loadSettings({ folder: "/nowhere", file: join(folder, "other.json") })).toMatchObject({
        model: join(folder, "my-model"),
        memoryModel: join(folder, "memory"),
        answerModel: join(folder, "../answer"),
        dataFolder: join(folder, "data"),
        cacheFolder: join(folder, "cache"),
        initAdapter: join(folder, "warm"),
        embedder: { folder: join(folder, "vectors") },
      });
      await write(folder, { model: "org/name" });
      const config = await loadSettings({ folder });
      expect([config.model, config.dataFolder]).toEqual(["org/name", join(folder, ".prag")]);
    }));

  it("names the file of a wrong value, of what is no JSON, and one that is not there", () =>
    withTempFolder(async (folder) => {
      await write(folder, { limit: 0 });
      await expect(loadSettings({ folder })).rejects.toThrow(ConfigError);
      await expect(loadSettings({ folder })).rejects.toThrow(/prag\.config\.json: "limit"/);
      await write(folder, "{ limit: 1 }");
      await expect(loadSettings({ folder })).rejects.toThrow(FormatError);
      const file = join(folder, "missing.json");
      await expect(loadSettings({ folder, file })).rejects.toThrow(NotFoundError);
    }));
});

describe("recorded settings", () => {
  const record = async (path: string, settings: Parameters<typeof recordSettings>[1]) => {
    await mkdir(dataFolder(path, "default").collection.path, { recursive: true });
    await recordSettings(dataFolder(path, "default"), settings);
  };

  it("count where the settings say nothing, for their collection alone", () =>
    withTempFolder(async (path) => {
      await record(path, { analyzer: "unicode", ingest: { maxWords: 50, overlapWords: 5 } });
      expect(await resolveConfig({ dataFolder: path })).toMatchObject({
        analyzer: "unicode",
        ingest: { maxWords: 50, overlapWords: 5 },
      });
      expect(await resolveConfig({ dataFolder: path, ingest: { maxWords: 80 } })).toMatchObject({
        analyzer: "unicode",
        ingest: { maxWords: 80, overlapWords: 5 },
      });
      expect(await resolveConfig({ dataFolder: path, collection: "other" })).toMatchObject({
        analyzer: "english",
        ingest: { maxWords: 100 },
      });
    }));

  it("do not count for a command that works in a collection of its own", () =>
    withTempFolder(async (path) => {
      await record(path, { compat: "reference", ingest: { maxWords: 50, overlapWords: 5 } });
      const settings = { dataFolder: path };
      expect(await loadSettings({ folder: path, settings })).toMatchObject({ compat: "reference" });
      expect(await loadSettings({ folder: path, settings, ignoreRecorded: true })).toEqual(
        completeConfig(settings),
      );
    }));

  it("a recipe is taken whole: numbers of two do not mix", () =>
    withTempFolder(async (path) => {
      await record(path, { recipe: { rank: 4, updates: 9 } });
      expect((await resolveConfig({ dataFolder: path })).recipe).toEqual({ rank: 4, updates: 9 });
      const given = { dataFolder: path, recipe: { updates: 3 } };
      expect((await resolveConfig(given)).recipe).toEqual({ updates: 3 });
    }));

  it("keeps what was recorded before, and lets a damaged record be named", () =>
    withTempFolder(async (path) => {
      await record(path, { analyzer: "unicode" });
      await record(path, { compat: "reference" });
      expect(await resolveConfig({ dataFolder: path })).toMatchObject({
        analyzer: "unicode",
        compat: "reference",
      });
      await writeFile(dataFolder(path, "default").collection.settings, "{");
      await expect(resolveConfig({ dataFolder: path })).rejects.toThrow(/settings\.json/);
    }));
});
