import { describe, expect, it, vi } from "vitest";
import { augment } from "./augment.ts";
import { tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { describeCollection } from "./hosted-collections.ts";
import { ingest } from "./ingest.ts";
import { status } from "./status.ts";

describe("the state of a collection", () => {
  it("is told without reading its passages again while nothing is written", () =>
    withTempFolder((folder) =>
      withEngine(tinySettings(folder), async ({ parts }) => {
        await ingest(parts, ["docs"], { base: folder });
        const corpus = await parts.corpus();
        const passages = vi.spyOn(corpus, "passages");
        for (let i = 0; i < 3; i++) {
          expect(await status(parts)).toMatchObject({ augmented: 0, index: { analyzer: "english" } });
          expect(await describeCollection(parts)).toMatchObject({ passages: 5, augmented: 0 });
        }
        expect(passages).toHaveBeenCalledTimes(1);
        await augment(parts);
        passages.mockClear();
        for (let i = 0; i < 3; i++) expect(await status(parts)).toMatchObject({ augmented: 5 });
        expect(passages).toHaveBeenCalledTimes(1);
        await ingest(parts, ["docs/bridge-1.txt"], { base: folder });
        expect(await status(parts)).toMatchObject({ augmented: 5 });
      }),
    ));
});
