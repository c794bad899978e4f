import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { noProgress, type ProgressEvent } from "../base/progress.ts";
import type { Passage } from "../corpus/corpus.ts";
import { wordEmbedder, wordVector } from "./embedder.suite.ts";
import type { Embedder } from "./embedder.ts";
import { loadVectorsOf, missingOrdinals, type PassageSource, updateVectors } from "./vectors-update.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vectors-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const path = () => join(folder, "vectors.bin");

/** Passages from one number to another. */
function passages(from: number, to: number): PassageSource {
  const list = Array.from({ length: to - from }, (_, i): Passage => {
    const n = from + i;
    return {
      id: `p${n}`,
      documentId: "d",
      title: n % 2 ? `Title ${n}` : "",
      text: `word${n} stone`,
      position: 0,
    };
  });
  return {
    count: list.length,
    ordinalOf(id) {
      const ordinal = list.findIndex((one) => one.id === id);
      return ordinal < 0 ? undefined : ordinal;
    },
    passage: (ordinal) => list[ordinal]!,
  };
}
const update = (source: PassageSource, embedder: Embedder, options = {}) =>
  updateVectors(path(), source, { embedder, progress: noProgress, ...options });

/** Which passages have no vector, and how many vectors no passage has. */
async function leftOver(source: PassageSource) {
  const loaded = (await loadVectorsOf(path(), wordEmbedder(), source))!;
  return { missing: missingOrdinals(loaded.ids), others: loaded.others };
}

describe("updating vectors", () => {
  it("embeds title and text of every passage once, and later only new ones", async () => {
    const embedder = wordEmbedder();
    const events: ProgressEvent[] = [];
    await update(passages(0, 70), embedder, { progress: (event: ProgressEvent) => void events.push(event) });
    expect(embedder.count).toBe(70);
    expect(events.map(({ done, total }) => [done, total])).toEqual([
      [0, 70],
      [32, 70],
      [64, 70],
      [70, 70],
    ]);
    const { rows, dimensions } = (await loadVectorsOf(path(), embedder, passages(0, 70)))!;
    expect(rows.subarray(3 * dimensions, 4 * dimensions)).toEqual(wordVector("Title 3\nword3 stone"));
    expect(rows.subarray(4 * dimensions, 5 * dimensions)).toEqual(wordVector("word4 stone"));
    await update(passages(0, 75), embedder);
    expect(embedder.count).toBe(75);
    await update(passages(0, 75), embedder);
    expect(embedder.count).toBe(75);
    expect(await leftOver(passages(0, 75))).toEqual({ missing: [], others: 0 });
  });

  it("ended in the middle keeps what is done, and comes to the same file", async () => {
    await update(passages(0, 100), wordEmbedder());
    const whole = await readFile(path());
    await rm(path());
    const ended = wordEmbedder();
    const stop = new AbortController();
    const progress = ({ done }: ProgressEvent) => {
      if (done >= 64) stop.abort(new Error("ended"));
    };
    await expect(update(passages(0, 100), ended, { progress, signal: stop.signal })).rejects.toThrow("ended");
    expect(ended.count).toBe(64);
    const after = wordEmbedder();
    await update(passages(0, 100), after);
    expect(after.count).toBe(36);
    expect(await readFile(path())).toEqual(whole);
  });

  it("drops vectors of passages that are gone, once they are the larger part", async () => {
    const embedder = wordEmbedder();
    await update(passages(0, 10), embedder);
    await update(passages(4, 12), embedder);
    expect(await leftOver(passages(4, 12))).toEqual({ missing: [], others: 4 });
    await update(passages(9, 14), embedder);
    expect(await leftOver(passages(9, 14))).toEqual({ missing: [], others: 0 });
    expect(embedder.count).toBe(14);
  });

  it("refuses another embedder, and one of another size, and says what to do", async () => {
    await update(passages(0, 3), wordEmbedder());
    const other = update(passages(0, 5), wordEmbedder({ identity: "letters" }));
    await expect(other).rejects.toThrow(ConfigError);
    await expect(other).rejects.toThrow(/made by "words", the settings name "letters"; .* delete the file/);
    await expect(update(passages(0, 5), wordEmbedder({ dimensions: 8 }))).rejects.toThrow(
      /have 64 dimensions.* gives 8/,
    );
    expect(await leftOver(passages(0, 3))).toEqual({ missing: [], others: 0 });
  });

  it("of no passages makes no file", async () => {
    await update(passages(0, 0), wordEmbedder());
    expect(await loadVectorsOf(path(), wordEmbedder(), passages(0, 0))).toBeUndefined();
  });
});
