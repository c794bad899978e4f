import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readJson } from "../../../src/base/files.ts";
import { analyzers } from "../../../src/retrieval/analyzer.ts";
import { createBm25Search } from "../../../src/retrieval/bm25.ts";
import { buildBm25Index } from "../../../src/retrieval/bm25-index.ts";
import { makePassages, makeQueries, makeStrings } from "./inputs.js";

const terms = z.array(z.string());
const analyzed = z.object({ cases: z.array(z.object({ text: z.string(), english: terms, unicode: terms })) });
const hit = z.tuple([z.string(), z.number()]);
const searched = z.object({ queries: z.array(z.object({ query: z.string(), hits: z.array(hit) })) });
const { cases } = await readJson(join(import.meta.dirname, "analyzer.json"), analyzed);
const { queries } = await readJson(join(import.meta.dirname, "bm25.json"), searched);

describe("analyzers equal Lucene's", () => {
  it("are compared on the strings of the generator", () => {
    expect(cases.length).toBe(500);
    expect(cases.map(({ text }) => text)).toEqual(makeStrings());
  });

  it.each(["english", "unicode"] satisfies ("english" | "unicode")[])("%s gives the same terms", (name) => {
    for (const { text, ...expected } of cases)
      expect({ text, terms: analyzers[name](text) }).toEqual({ text, terms: expected[name] });
  });
});

describe("BM25 equals Lucene's", () => {
  const passages = makePassages(2000);
  const search = createBm25Search(buildBm25Index(passages));

  it("is compared on the queries of the generator", () => {
    expect(queries.map(({ query }) => query)).toEqual(makeQueries(200));
  });

  it("finds the same ten passages in the same order", () => {
    for (const { query, hits } of queries)
      expect({ query, ids: search(query, 10).map(({ ordinal }) => passages[ordinal]?.id) }).toEqual({
        query,
        ids: hits.map(([id]) => id),
      });
  });

  it("gives the same scores to 1e-6", () => {
    let worst = 0;
    for (const { query, hits } of queries)
      search(query, 10).forEach(({ score }, i) => {
        const expected = hits[i]?.[1] ?? Number.NaN;
        worst = Math.max(worst, Math.abs(score - expected) / expected);
      });
    expect(worst).toBeLessThanOrEqual(1e-6);
  });
});
