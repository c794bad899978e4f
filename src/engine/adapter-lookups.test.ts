import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deleteAdapters, listAdapters } from "./adapters.ts";
import { ask } from "./ask.ts";
import { prune } from "./collections.ts";
import { encode } from "./encode.ts";
import { encodeSome } from "./encoded-adapters.ts";
import { bridgeArticle, tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { ingest } from "./ingest.ts";
import type { EngineParts } from "./parts.ts";

const encodeFirst = { method: "prag", onMissing: "encode", limit: 1, maxTokens: 1 } as const;
const useOf = async (parts: EngineParts, bridge: number) => {
  const { sources } = await ask(parts, `Who built the Orlen${bridge} Bridge?`, encodeFirst);
  return sources.map(({ usedAs }) => usedAs);
};

describe("adapters that are encoded for a question", () => {
  it("are trained where they were never made and where they were deleted, also by questions side by side", () =>
    withTempFolder(
      (folder) =>
        withEngine(tinySettings(folder), async ({ parts }) => {
          await ingest(parts, ["docs"], { base: folder });
          const all = await Promise.all([0, 1, 1, 2].map((bridge) => useOf(parts, bridge)));
          expect(all).toEqual(new Array(4).fill(["adapter"]));
          const keys = (await listAdapters(parts)).map(({ key }) => key);
          expect(keys).toHaveLength(3);
          await deleteAdapters(parts, { keys });
          expect(await useOf(parts, 1)).toEqual(["adapter"]);
          expect(await listAdapters(parts)).toHaveLength(1);
        }),
      { articles: 3 },
    ));
});

describe("a corpus that others write too", () => {
  it("is seen as it is on disk by an engine that was open before", () =>
    withTempFolder(
      (folder) =>
        withEngine(tinySettings(folder), async ({ parts }) => {
          await ingest(parts, ["docs"], { base: folder });
          expect((await (await parts.retriever()).retrieve("Orlen7", 9)).length).toBe(0);
          const before = await parts.corpus();
          await writeFile(join(folder, "docs", "bridge-7.txt"), bridgeArticle(7));
          await withEngine(tinySettings(folder), async (other) => {
            await ingest(other.parts, ["docs"], { base: folder });
          });
          expect((await (await parts.retriever()).retrieve("Orlen7", 9)).length).toBeGreaterThan(0);
          expect((await parts.corpus()).passageCount).toBe(3);
          expect([...before.passages()]).toHaveLength(2); // who reads the old one goes on
          expect(await encode(parts)).toMatchObject({ encoded: 3 });
        }),
      { articles: 2 },
    ));
});

describe("an encoding that others write too", () => {
  it("is seen as it is on disk: what was pruned meanwhile is recorded again", () =>
    withTempFolder(
      (folder) =>
        withEngine(tinySettings(folder), async ({ parts }) => {
          const path = join(folder, "docs", "bridge-1.txt");
          await ingest(parts, ["docs"], { base: folder });
          await encode(parts);
          await rm(path);
          await ingest(parts, ["docs"], { base: folder });
          expect(await prune(parts)).toEqual({ forgotten: 1, deleted: 1 });
          await writeFile(path, bridgeArticle(1));
          await ingest(parts, ["docs"], { base: folder });
          expect(await encode(parts)).toMatchObject({ encoded: 1, reused: 1 });
          await withEngine(tinySettings(folder), async (other) => {
            expect((await other.parts.encoding()).rows()).toHaveLength(2);
          });
          await withEngine(tinySettings(folder), async (other) => {
            await deleteAdapters(other.parts, { keys: [(await listAdapters(other.parts))[0]!.key] });
            await encode(other.parts);
          });
          expect(await encode(parts)).toMatchObject({ encoded: 0, reused: 2 });
        }),
      { articles: 2 },
    ));

  it("trained anew keeps the adapters that other collections use", () =>
    withTempFolder(
      (folder) =>
        withEngine(tinySettings(folder), async ({ parts }) => {
          await ingest(parts, ["docs"], { base: folder });
          await encode(parts);
          const [before] = await listAdapters(parts);
          const changed = tinySettings(folder, { collection: "b", augment: { augmenter: "rule", pairs: 1 } });
          await withEngine(changed, async (other) => {
            await ingest(other.parts, ["docs"], { base: folder });
            await encode(other.parts);
            const [id] = [...(await other.parts.corpus()).passages()].map((passage) => passage.id);
            expect(await encodeSome(other.parts, [id!], { again: true })).toMatchObject({ encoded: 1 });
          });
          const keys = (await listAdapters(parts)).map(({ key }) => key);
          expect(keys).toContain(before!.key);
          expect(keys).toHaveLength(2);
          const [id] = [...(await parts.corpus()).passages()].map((passage) => passage.id);
          expect(await encodeSome(parts, [id!])).toMatchObject({ encoded: 0, reused: 1 });
          expect(await encodeSome(parts, [id!], { again: true })).toMatchObject({ encoded: 1 });
          expect(await listAdapters(parts)).toHaveLength(2);
        }),
      { articles: 1 },
    ));
});
