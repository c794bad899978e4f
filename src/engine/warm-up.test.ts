import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hashAdapter } from "../adapters/initialise.ts";
import { encode } from "./encode.ts";
import {
  differsByRun,
  hashFiles,
  tinyModel,
  tinySettings,
  withEngine,
  withTempFolder,
} from "./engine.suite.ts";
import { ingest } from "./ingest.ts";
import { runWarmUp } from "./warm-up.ts";

const rows = ["Quern", "Tarn", "Dray", "Morvale"].map((answer, i) => ({
  question: `Where does bridge ${i} stand?`,
  answers: [answer],
}));

describe("warm-up", () => {
  it("gives a start for encode; interrupted between any updates it comes out the same", () =>
    withTempFolder(
      (folder) =>
        withEngine(tinySettings(folder), async ({ parts }) => {
          const [whole, broken] = [join(folder, "whole"), join(folder, "broken")];
          const schedule = { epochs: 2 };
          const report = await runWarmUp(parts, { rows, data: "bridges", folder: whole, schedule });
          expect(report).toMatchObject({ pairs: 4, updates: 8, resumedAt: 0 });
          for (const stopAt of [1, 3]) {
            const stop = new AbortController();
            let updates = 0;
            const progress = () => {
              if (++updates === stopAt) stop.abort();
            };
            const run = runWarmUp(
              { ...parts, progress },
              { rows, data: "bridges", folder: broken, schedule, signal: stop.signal },
            );
            await expect(run).rejects.toThrow(/abort/);
          }
          const last = await runWarmUp(parts, { rows, data: "bridges", folder: broken, schedule });
          expect(last).toMatchObject({ resumedAt: 4, updates: 8, losses: report.losses });
          expect(await hashFiles(broken, differsByRun)).toEqual(await hashFiles(whole, differsByRun));
          const again = await runWarmUp(parts, { rows, data: "bridges", folder: broken, schedule });
          expect(again).toMatchObject({ resumedAt: 8, losses: report.losses });
          const other = runWarmUp(parts, { rows: rows.slice(1), data: "bridges", folder: broken, schedule });
          await expect(other).rejects.toThrow(/another folder/);
        }),
      { articles: 0 },
    ));

  it("enters the key and the provenance of the adapters, whose encoding lies beside the other", () =>
    withTempFolder(
      async (folder) => {
        const plain = await withEngine(tinySettings(folder), async ({ parts }) => {
          await ingest(parts, ["docs"], { base: folder });
          await encode(parts);
          await runWarmUp(parts, { rows, data: "bridges", folder: join(folder, "warm") });
          return (await parts.encoding()).rows().map(({ key }) => key);
        });
        const warm = { initAdapter: join(folder, "warm") };
        await withEngine(tinySettings(folder, warm), async ({ parts }) => {
          expect(await encode(parts)).toMatchObject({ encoded: 2, reused: 0 });
          const { initial } = await parts.model();
          const store = await parts.store();
          for (const { key } of (await parts.encoding()).rows()) {
            expect(plain).not.toContain(key);
            expect((await store.verify(key)).provenance.initHash).toBe(hashAdapter(initial));
          }
          const again = await runWarmUp(parts, { rows, data: "bridges", folder: join(folder, "warm") });
          expect(again.initHash).toBe(hashAdapter(initial));
        });
        await withEngine({ ...tinySettings(folder), collection: "default" }, async ({ parts }) => {
          // What was recorded last counts for later commands; the other encoding is still there.
          expect(parts.config.initAdapter).toBe(warm.initAdapter);
        });
      },
      { articles: 2 },
    ));

  it("is refused for another model", () =>
    withTempFolder(
      async (folder) => {
        const warm = join(folder, "warm");
        await withEngine(tinySettings(folder), ({ parts }) =>
          runWarmUp(parts, { rows, data: "bridges", folder: warm }),
        );
        const origin = join(warm, "warm-up.json");
        await writeFile(origin, JSON.stringify({ model: { name: "another", fingerprint: "00" } }));
        const settings = tinySettings(folder, { model: tinyModel(), initAdapter: warm });
        await withEngine(settings, ({ parts }) =>
          expect(parts.model()).rejects.toThrow(/warmed up for the model another/),
        );
      },
      { articles: 0 },
    ));
});
