import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, InputError } from "../base/errors.ts";
import { noProgress } from "../base/progress.ts";
import { Random } from "../base/random.ts";
import type { Passage } from "../corpus/corpus.ts";
import { denseRetriever } from "./dense.ts";
import { wordEmbedder, wordVector } from "./embedder.suite.ts";
import { passageText, toUnit } from "./embedder.ts";
import { describeRetriever } from "./retriever.suite.ts";
import { ranksOf } from "./top-list.ts";
import { createVectorSearch } from "./vectors.ts";
import { loadVectorsOf, updateVectors } from "./vectors-update.ts";

const embedder = wordEmbedder();
let folder: string;
let counter = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dense-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function retrieverOf(passages: Passage[], rows: Float32Array, dimensions = 64) {
  const idRanks = ranksOf(passages.map(({ id }) => id));
  return denseRetriever({
    embedder,
    index: { dimensions, rows, idRanks },
    passages: (ordinal) => passages[ordinal]!,
  });
}

describeRetriever("dense", (passages) =>
  retrieverOf(passages, Float32Array.from(passages.flatMap((one) => [...wordVector(passageText(one))]))),
);

describeRetriever("dense from disk", async (passages) => {
  const path = join(folder, `${counter++}.vectors`);
  const source = {
    count: passages.length,
    passage: (ordinal: number) => passages[ordinal]!,
    ordinalOf: (id: string) => passages.findIndex((one) => one.id === id),
  };
  await updateVectors(path, source, { embedder, progress: noProgress });
  const loaded = await loadVectorsOf(path, embedder, source);
  return retrieverOf(passages, loaded?.rows ?? new Float32Array(), loaded?.dimensions);
});

describe("dense", () => {
  it("gives cosines, and nothing that points away from the query", async () => {
    const passage = (id: string): Passage => ({ id, documentId: "d", title: "", text: id, position: 0 });
    const query = wordVector("stone");
    const away = query.map((value) => -value);
    const rows = Float32Array.from([...away, ...query]);
    const hits = await retrieverOf([passage("a"), passage("b")], rows).retrieve("stone", 5);
    expect(hits.map(({ passage: { id } }) => id)).toEqual(["b"]);
    expect(hits[0]?.score).toBeCloseTo(1, 6);
  });

  it("says so where the embedder has changed its size since", async () => {
    const passage: Passage = { id: "a", documentId: "d", title: "", text: "a", position: 0 };
    const search = retrieverOf([passage], wordVector("stone", 8), 8).retrieve("stone", 1);
    await expect(search).rejects.toThrow(ConfigError);
    await expect(search).rejects.toThrow(/vector has 64 dimensions, those of the passages have 8/);
  });

  it("refuses a limit that is no whole number", async () => {
    await expect(retrieverOf([], new Float32Array()).retrieve("x", 1.5)).rejects.toThrow(InputError);
  });
});

describe("a search among vectors", () => {
  it.each([1, 2, 3, 4, 5, 63, 257])("finds the same among %d as plain sorting does", (count) => {
    const random = new Random(`search/${count}`);
    const dimensions = 7;
    const draw = () =>
      toUnit(Array.from({ length: dimensions }, () => random.int(3) - 1)) ?? new Float32Array(dimensions);
    const vectors = Array.from({ length: count }, draw); // of few values: many equal scores
    const idRanks = Uint32Array.from(random.shuffle(vectors.map((_, i) => i)));
    const search = createVectorSearch({
      dimensions,
      idRanks,
      rows: Float32Array.from(vectors.flatMap((v) => [...v])),
    });
    for (let round = 0; round < 20; round++) {
      const query = draw();
      const scores = vectors.map((vector) => vector.reduce((sum, value, i) => sum + value * query[i]!, 0));
      const wanted = scores
        .flatMap((score, ordinal) => (score > 0 ? [{ ordinal, score }] : []))
        .sort((a, b) => b.score - a.score || idRanks[a.ordinal]! - idRanks[b.ordinal]!);
      for (const limit of [0, 1, 10, count]) expect(search(query, limit)).toEqual(wanted.slice(0, limit));
    }
  });
});
