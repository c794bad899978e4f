import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { augment } from "./augment.ts";
import { identifyAugmenter } from "./choose-augmenter.ts";
import type { EngineSettings } from "./config.ts";
import { tinyModel, tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { ingest } from "./ingest.ts";
import { openEngine } from "./open-engine.ts";
import { readAugmented } from "./read-augmented.ts";

/** Augments in an engine of its own; gives who did it, and whether the model was tried. */
async function augmentWith(folder: string, settings: EngineSettings["augment"]) {
  const tasks = new Set<string>();
  const engine = await openEngine(tinySettings(folder, { augment: settings }), {
    progress: ({ task }) => tasks.add(task),
  });
  try {
    await ingest(engine.parts, ["docs"], { base: folder });
    const { augmenters } = await augment(engine.parts);
    const record = await readFile(engine.parts.folder.collection.augmenterChoice, "utf8").catch(() => "");
    return { augmenters, tried: tasks.has("choose augmenter"), record };
  } finally {
    await engine.dispose();
  }
}

describe("the augmenter of a collection", () => {
  it("auto: a model that writes no usable pairs is tried once; then rules serve, also for what comes later", () =>
    withTempFolder(
      async (folder) => {
        const first = await augmentWith(folder, { augmenter: "auto" });
        expect(first).toMatchObject({ augmenters: { rule: 2 }, tried: true });
        expect(JSON.parse(first.record)).toMatchObject({
          augmenter: "rule",
          reason: expect.stringMatching(/^rule: 0 % .*qwen2-tied.* 2 passages/),
        });
        const again = await augmentWith(folder, { augmenter: "auto" });
        expect(again).toEqual({ ...first, tried: false });
      },
      { articles: 2 },
    ));

  it("what lies on disk is read of the augmenter in use alone", () =>
    withTempFolder(
      async (folder) => {
        await augmentWith(folder, { augmenter: "rule" });
        const found = (augment: EngineSettings["augment"]) =>
          withEngine(tinySettings(folder, { augment }), async ({ parts }) => {
            const augmented = await readAugmented(parts, (await parts.corpus()).passages());
            return [...augmented.values()].map(({ augmenter }) => augmenter);
          });
        expect(await found({ augmenter: "rule" })).toEqual(["rule", "rule"]);
        expect(await found({ augmenter: "rule", pairs: 2 })).toEqual([]);
        expect(await found({ augmenter: "model" })).toEqual([]);
        expect(await found({ augmenter: "auto" })).toEqual([]); // not decided
        await augmentWith(folder, { augmenter: "auto" });
        expect(await found({ augmenter: "auto" })).toEqual(["rule", "rule"]);
      },
      { articles: 2 },
    ));

  it("model: other weights under the same name are another augmenter", () =>
    withTempFolder(
      async (folder) => {
        const identify = (settings: EngineSettings) =>
          withEngine(tinySettings(folder, { augment: { augmenter: "model" }, ...settings }), ({ parts }) =>
            identifyAugmenter(parts),
          );
        await cp(tinyModel("qwen2-untied"), join(folder, "qwen2-tied"), { recursive: true });
        const found = [{}, { weights: "q8" as const }, { model: join(folder, "qwen2-tied") }].map(identify);
        const [first, ...others] = await Promise.all(found);
        for (const other of others) {
          expect(other?.name).toBe(first?.name);
          expect(other?.version).not.toBe(first?.version);
        }
      },
      { articles: 0 },
    ));

  it("rule tries nothing; remote needs an endpoint", () =>
    withTempFolder(
      async (folder) => {
        const { augmenters, tried, record } = await augmentWith(folder, { augmenter: "rule" });
        expect([augmenters, tried, record]).toEqual([{ rule: 2 }, false, ""]);
        const remote = augmentWith(folder, { augmenter: "remote" });
        await expect(remote).rejects.toThrow(ConfigError);
        await expect(remote).rejects.toThrow(/augment\.endpoint/);
      },
      { articles: 2 },
    ));
});
