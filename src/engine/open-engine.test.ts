import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { completeConfig } from "./config.ts";
import { tinyModel, tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { openConfigured, openEngine } from "./open-engine.ts";
import { recordSettings } from "./settings.ts";
import { runWarmUp } from "./warm-up.ts";

describe("an engine", () => {
  it("has what is recorded with its collection, unless it is opened by very settings", () =>
    withTempFolder(
      async (folder) => {
        const { recipe: _recipe, ...settings } = tinySettings(folder);
        const { parts, dispose } = await openEngine(settings);
        await mkdir(parts.folder.collection.path, { recursive: true });
        await recordSettings(parts.folder, { recipe: { rank: 8 } });
        await dispose();
        for (const [open, rank] of [
          [openEngine, 8],
          [openConfigured, 2],
        ] as const) {
          const opened = await open(completeConfig(settings));
          expect((await opened.parts.model()).recipe.rank).toBe(rank);
          await opened.dispose();
        }
      },
      { articles: 0 },
    ));

  it("answers over memories with another model, whatever its own adapters start from", () =>
    withTempFolder(
      async (folder) => {
        const warm = join(folder, "warm");
        const rows = [{ question: "Where does the bridge stand?", answers: ["Quern"] }];
        await withEngine(tinySettings(folder), ({ parts }) =>
          runWarmUp(parts, { rows, data: "bridges", folder: warm }),
        );
        const answering = { initAdapter: warm, answerModel: tinyModel("llama-tied") };
        await withEngine(tinySettings(folder, answering), async ({ parts }) => {
          expect((await parts.answerGenerator()).model).toBe("llama-tied");
          expect((await parts.generator()).model).toBe("qwen2-tied");
        });
      },
      { articles: 0 },
    ));
});
