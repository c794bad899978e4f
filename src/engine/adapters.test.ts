import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { importPeft } from "../adapters/peft.ts";
import { deleteAdapters, findKey, listAdapters, verifyAdapters } from "./adapters.ts";
import { prune } from "./collections.ts";
import { dryRun } from "./dry-run.ts";
import { encode } from "./encode.ts";
import { bridgeArticle, tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { exportAdapter, importAdapter } from "./exchange.ts";
import { ingest } from "./ingest.ts";
import type { EngineParts } from "./parts.ts";

const question = "Who built the Orlen1 Bridge?";

/** Runs a task in an encoded collection of four passages. */
function inCollection(task: (parts: EngineParts, folder: string) => Promise<void>): Promise<void> {
  return withTempFolder(
    (folder) =>
      withEngine(tinySettings(folder), async ({ parts }) => {
        await ingest(parts, ["docs"], { base: folder });
        await encode(parts);
        await task(parts, folder);
      }),
    { articles: 4 },
  );
}

async function idOf(parts: EngineParts, title: string): Promise<string> {
  const found = [...(await parts.corpus()).passages()].find((passage) => passage.text.includes(title));
  return found?.id ?? "absent";
}

describe("adapters of a data folder", () => {
  it("are listed with their passages, and verified; a damaged one is named", () =>
    inCollection(async (parts) => {
      const rows = await listAdapters(parts);
      expect(rows).toHaveLength(4);
      expect(
        rows.every(({ title, isUsed, rank, problem }) => title && isUsed && rank === 2 && !problem),
      ).toBe(true);
      const [first, second] = rows;
      const path = join(parts.folder.adapters, first!.key.slice(0, 2), `${first!.key}.safetensors`);
      const bytes = await readFile(path);
      bytes[bytes.length - 1]! ^= 1;
      await writeFile(path, bytes);
      expect(await verifyAdapters(parts)).toMatchObject({ checked: 4, bad: [{ key: first!.key }] });
      expect(await verifyAdapters(parts, [second!.key.slice(0, 10)])).toEqual({ checked: 1, bad: [] });
      await expect(verifyAdapters(parts, ["zz"])).rejects.toMatchObject({ code: "not-found" });
      expect(() => findKey(["ab1", "ab2"], "ab")).toThrow(/2 adapters' keys begin with "ab"/);
      // What verify advises repairs it.
      expect(await deleteAdapters(parts, { keys: [first!.key] })).toEqual([first!.key]);
      expect(await encode(parts)).toMatchObject({ encoded: 1, reused: 3 });
      expect(await verifyAdapters(parts)).toEqual({ checked: 4, bad: [] });
    }));

  it("leave for PEFT, one or merged, and come back with the same key every time", () =>
    inCollection(async (parts, folder) => {
      const [row] = await listAdapters(parts);
      const out = join(folder, "one");
      expect(await exportAdapter(parts, { key: row!.key.slice(0, 12) }, out)).toMatchObject({
        keys: [row!.key],
        rank: 2,
      });
      const merged = await exportAdapter(parts, { question }, join(folder, "merged"));
      expect(merged).toMatchObject({ rank: 2 * merged.keys.length, missing: [] });
      expect((await importPeft(join(folder, "merged"))).adapter.config.rank).toBe(merged.rank);
      const first = await importAdapter(parts, out);
      expect(await importAdapter(parts, out)).toEqual(first);
      expect((await listAdapters(parts)).filter(({ isUsed }) => !isUsed).map(({ key }) => key)).toEqual([
        first.key,
      ]);
      expect(await deleteAdapters(parts, { orphans: true })).toEqual([first.key]);
    }));

  it("name their base as PEFT finds it, and one that names another is taken with a word on that", () =>
    inCollection(async (parts, folder) => {
      const [row] = await listAdapters(parts);
      const out = join(folder, "one");
      const path = join(out, "adapter_config.json");
      const configOf = async (model: string, revision?: string) => {
        const config = { ...parts.config, model, revision };
        await exportAdapter({ ...parts, config }, { key: row!.key }, out);
        return JSON.parse(await readFile(path, "utf8"));
      };
      const base = (base_model_name_or_path: string, revision: string | null) => ({
        ...{ base_model_name_or_path, revision },
      });
      expect(await configOf("org/name@v1", "v2")).toMatchObject(base("org/name", "v1"));
      expect(await configOf("org/name", "v2")).toMatchObject(base("org/name", "v2"));
      const other = await importAdapter(parts, out);
      expect(other.otherBase).toBe("org/name");
      expect((await (await parts.store()).verify(other.key)).provenance.importedBase).toBe("org/name");
      const own = await configOf(parts.config.model);
      expect(own).toMatchObject(base((await parts.model()).folder, null));
      expect(await importAdapter(parts, out)).toMatchObject({ key: other.key, otherBase: null });
    }));

  it("that were imported for a passage stay: encode trains none in their place", () =>
    inCollection(async (parts, folder) => {
      const passageId = await idOf(parts, "Orlen1");
      await exportAdapter(parts, { passages: [await idOf(parts, "Orlen2")] }, join(folder, "other"));
      const { key } = await importAdapter(parts, join(folder, "other"), { passageId });
      expect((await encode(parts)).encoded).toBe(0);
      expect((await parts.encoding()).keyOf(passageId)).toBe(key);
      await writeFile((await parts.store()).path(key), "damaged"); // whatever it was, it is no longer
      await encode(parts);
      expect((await parts.encoding()).keyOf(passageId)).toMatch(/./);
      expect((await parts.encoding()).keyOf(passageId)).not.toBe(key);
    }));

  it("are forgotten when they are deleted, in every collection", () =>
    inCollection(async (parts, folder) => {
      await withEngine(tinySettings(folder, { collection: "other" }), async (other) => {
        await ingest(other.parts, ["docs/bridge-1.txt"], { base: folder });
        await encode(other.parts);
        const [shared] = (await other.parts.encoding()).rows();
        await deleteAdapters(parts, { keys: [shared!.key] });
        for (const { encoding } of [parts, other.parts])
          expect((await encoding()).keyOf(shared!.passageId)).toBeUndefined();
        expect((await parts.encoding()).rows()).toHaveLength(3);
        expect(await encode(other.parts)).toMatchObject({ encoded: 1 });
      });
    }));

  it("of passages that have gone are pruned, those of other collections are not", () =>
    inCollection(async (parts, folder) => {
      const settings = tinySettings(folder, { collection: "other" });
      await withEngine(settings, async (other) => {
        await ingest(other.parts, ["docs/bridge-1.txt"], { base: folder });
        expect(await encode(other.parts)).toMatchObject({ encoded: 0, reused: 1 });
      });
      await rm(join(folder, "docs", "bridge-0.txt"));
      await rm(join(folder, "docs", "bridge-1.txt"));
      await writeFile(join(folder, "docs", "bridge-9.txt"), bridgeArticle(9));
      await ingest(parts, ["docs"], { base: folder });
      expect(await prune(parts)).toEqual({ forgotten: 2, deleted: 1 });
      expect(await prune(parts)).toEqual({ forgotten: 0, deleted: 0 });
      expect((await listAdapters(parts)).every(({ isUsed }) => isUsed)).toBe(true);
    }));
});

describe("a dry run", () => {
  it("says what is to be done and what it costs, and writes nothing", () =>
    withTempFolder(
      (folder) =>
        withEngine(tinySettings(folder), async ({ parts }) => {
          await ingest(parts, ["docs"], { base: folder });
          const before = await readdir(folder, { recursive: true });
          const report = await dryRun(parts);
          expect(await readdir(folder, { recursive: true })).toEqual(before);
          expect(report).toMatchObject({ passages: 3, encoded: 0, toEncode: 3, notAugmented: 3 });
          const done = await encode(parts);
          expect(report.trainingTokens).toBe(done.trainingTokens);
          expect(report.bytesPerAdapter).toBeGreaterThanOrEqual(done.bytesPerAdapter);
          expect(report.bytesPerAdapter).toBeLessThan(2 * done.bytesPerAdapter);
          expect(report.expectedSeconds).toBeGreaterThan(0);
          expect(report.feedForward.parameters).toBe(report.parametersPerAdapter);
          expect(report.feedForward.paperParameters).toBe((report.parametersPerAdapter * 2) / 3);
          expect(await dryRun(parts)).toMatchObject({
            encoded: 3,
            toEncode: 0,
            trainingTokens: 0,
            expectedSeconds: 0,
          });
        }),
      { articles: 3 },
    ));

  it("does not count for ever what nothing can be trained on, nor what was imported", () =>
    withTempFolder(
      (folder) =>
        withEngine(tinySettings(folder), async ({ parts }) => {
          await writeFile(join(folder, "docs", "odd.txt"), "Quite so.");
          await ingest(parts, ["docs"], { base: folder });
          expect(await encode(parts)).toMatchObject({ encoded: 2, skipped: 1 });
          expect(await dryRun(parts)).toMatchObject({ passages: 3, encoded: 2, toEncode: 0 });
          const [one] = await listAdapters(parts);
          await exportAdapter(parts, { key: one!.key }, join(folder, "peft"));
          const passage = [...(await parts.corpus()).passages()].find(({ text }) => text === "Quite so.");
          await importAdapter(parts, join(folder, "peft"), { passageId: passage!.id });
          expect(await dryRun(parts)).toMatchObject({ encoded: 2, toEncode: 0 });
        }),
      { articles: 2 },
    ));
});
