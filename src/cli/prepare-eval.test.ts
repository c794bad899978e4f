import { describe, expect, it } from "vitest";
import { encode } from "../engine/encode.ts";
import { tinySettings, withEngine, withTempFolder } from "../engine/engine.suite.ts";
import { ingest } from "../engine/ingest.ts";
import { adapterCost } from "./prepare-eval.ts";

describe("the cost of adapters", () => {
  it("does not count what nobody knows of adapters that were made elsewhere", () =>
    withTempFolder(
      (folder) =>
        withEngine(tinySettings(folder), async ({ parts }) => {
          await ingest(parts, ["docs"], { base: folder });
          await encode(parts);
          const encoding = await parts.encoding();
          const [first, ...rest] = encoding.rows();
          const used = new Set(encoding.rows().map(({ passageId }) => passageId));
          expect((await adapterCost(parts, used)).trainingTokensPerPassage).toBeGreaterThan(0);
          await encoding.append({ passageId: first!.passageId, key: first!.key });
          const known = rest.map(({ trainingTokens }) => trainingTokens!);
          const mean = known.reduce((total, one) => total + one, 0) / known.length;
          expect((await adapterCost(parts, used)).trainingTokensPerPassage).toBeCloseTo(mean, 6);
          for (const { passageId, key } of rest) await encoding.append({ passageId, key });
          expect((await adapterCost(parts, used)).trainingTokensPerPassage).toBeNull();
        }),
      { articles: 3 },
    ));
});
