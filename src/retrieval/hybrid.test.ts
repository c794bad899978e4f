import { describe, expect, it } from "vitest";
import { ConfigError, InputError } from "../base/errors.ts";
import type { Passage } from "../corpus/corpus.ts";
import { bm25Retriever } from "./bm25.ts";
import { buildBm25Index } from "./bm25-index.ts";
import { denseRetriever } from "./dense.ts";
import { wordEmbedder, wordVector } from "./embedder.suite.ts";
import { passageText } from "./embedder.ts";
import { hybridRetriever } from "./hybrid.ts";
import { describeRetriever } from "./retriever.suite.ts";
import type { Hit, Retriever } from "./retriever.ts";
import { ranksOf } from "./top-list.ts";

describeRetriever("hybrid", (passages) => {
  const rows = Float32Array.from(passages.flatMap((one) => [...wordVector(passageText(one))]));
  const idRanks = ranksOf(passages.map(({ id }) => id));
  const find = (ordinal: number) => passages[ordinal]!;
  return hybridRetriever([
    bm25Retriever({ index: buildBm25Index(passages), passages: find }),
    denseRetriever({ embedder: wordEmbedder(), index: { dimensions: 64, rows, idRanks }, passages: find }),
  ]);
});

function hit(id: string, score: number): Hit {
  const passage: Passage = { id, documentId: "d", title: "", text: id, position: 0 };
  return { passage, score };
}
/** A retriever that always gives these passages. */
function fixed(...ids: string[]): Retriever {
  const hits = ids.map((id, i) => hit(id, 100 - i));
  return { retrieve: async (_query, limit) => hits.slice(0, limit) };
}
const ask = async (retriever: Retriever, limit = 10) =>
  (await retriever.retrieve("x", limit)).map(({ passage, score }): [string, number] => [passage.id, score]);

describe("hybrid", () => {
  it("adds 1 / (60 + rank) of every list, whatever the scores in it", async () => {
    const hits = await ask(hybridRetriever([fixed("a", "b", "c"), fixed("c", "d")]));
    expect(hits).toEqual([
      ["c", 1 / 63 + 1 / 61],
      ["a", 1 / 61],
      ["b", 1 / 62],
      ["d", 1 / 62],
    ]);
  });

  it("gives equal hits of a list the same rank", async () => {
    const equal: Retriever = { retrieve: async () => [hit("a", 2), hit("b", 1), hit("c", 1), hit("d", 0.5)] };
    expect(await ask(hybridRetriever([equal]))).toEqual([
      ["a", 1 / 61],
      ["b", 1 / 62],
      ["c", 1 / 62],
      ["d", 1 / 64],
    ]);
  });

  it("looks at the best `depth` of each list, whatever the limit", async () => {
    const retriever = hybridRetriever([fixed("a", "b", "c"), fixed("c", "b", "a")], { depth: 1 });
    expect(await ask(retriever)).toEqual([
      ["a", 1 / 61],
      ["c", 1 / 61],
    ]);
    expect(await ask(retriever, 1)).toEqual([["a", 1 / 61]]);
  });

  it("refuses a depth or limit that is none", async () => {
    for (const depth of [0, -1, 1.5]) expect(() => hybridRetriever([], { depth })).toThrow(ConfigError);
    await expect(hybridRetriever([]).retrieve("x", -1)).rejects.toThrow(InputError);
  });
});
