import { describe, expect, it } from "vitest";
import type { Passage } from "../corpus/corpus.ts";
import type { Hit, Retriever } from "./retriever.ts";

function passage(id: string, title: string, text: string): Passage {
  return { id, documentId: "d", title, text, position: 0 };
}

const rivers = [
  passage("p4", "Anselle", "The river Anselle rises in the hills and flows to the harbour of Quillmouth."),
  passage("p2", "Quillmouth", "A harbour town with an old lighthouse, at the mouth of the river."),
  passage("p5", "Veyra", "A mountain of red stone, climbed first by Sander Kwill."),
  passage("p1", "Glass", "Glass is blown in the works beside the bridge."),
];
/** Two passages that differ in nothing but id, given in descending order. */
const twins = [
  passage("p9", "Heron", "Herons nest on the bridge."),
  passage("p3", "Heron", "Herons nest on the bridge."),
];

/** The laws of every retriever; `create` makes one over the given passages. */
export function describeRetriever(
  name: string,
  create: (passages: Passage[]) => Retriever | Promise<Retriever>,
): void {
  const retrieve = async (query: string, limit: number, passages = [...rivers, ...twins]): Promise<Hit[]> =>
    (await create(passages)).retrieve(query, limit);

  describe(`${name} keeps the laws of a retriever`, () => {
    it("gives the passages as they were handed in, the best one first", async () => {
      const hits = await retrieve("harbour of Quillmouth on the river Anselle", 3);
      expect(hits[0]?.passage).toEqual(rivers[0]);
    });

    it("orders by score, all above 0, each passage once", async () => {
      const hits = await retrieve("river bridge harbour stone", 10);
      const scores = hits.map((hit) => hit.score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      expect(Math.min(...scores)).toBeGreaterThan(0);
      expect(new Set(hits.map((hit) => hit.passage.id)).size).toBe(hits.length);
    });

    it("gives at most `limit` hits, and those are the beginning of a longer list", async () => {
      const many = await retrieve("the old river and the bridge", 10);
      expect(many.length).toBeGreaterThan(2);
      for (const limit of [0, 1, 2])
        expect(await retrieve("the old river and the bridge", limit)).toEqual(many.slice(0, limit));
    });

    it("orders equal scores by passage id, also where the limit cuts between them", async () => {
      const both = await retrieve("herons nest", 2, twins);
      expect(both.map((hit) => hit.passage.id)).toEqual(["p3", "p9"]);
      expect(both[0]?.score).toBe(both[1]?.score);
      expect((await retrieve("herons nest", 1, twins)).map((hit) => hit.passage.id)).toEqual(["p3"]);
    });

    it("repeats itself, also when asked at the same time", async () => {
      const retriever = await create([...rivers, ...twins]);
      const queries = ["river", "bridge of glass", "river"];
      const [a, b, c] = await Promise.all(queries.map((query) => retriever.retrieve(query, 5)));
      expect(a).toEqual(c);
      expect(await retriever.retrieve("bridge of glass", 5)).toEqual(b);
    });

    it("gives no hits without passages or without words", async () => {
      expect(await retrieve("river", 3, [])).toEqual([]);
      expect(await retrieve("", 3)).toEqual([]);
      expect(await retrieve(" …!? ", 3)).toEqual([]);
    });
  });
}
