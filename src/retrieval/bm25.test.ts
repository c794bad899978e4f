import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FormatError, InputError, NotFoundError } from "../base/errors.ts";
import type { Passage } from "../corpus/corpus.ts";
import { bm25Retriever } from "./bm25.ts";
import { openBm25Index, saveBm25Index } from "./bm25-file.ts";
import { buildBm25Index, buildBm25IndexInTurns } from "./bm25-index.ts";
import { describeRetriever } from "./retriever.suite.ts";

const create = (passages: Passage[], analyzer: "english" | "unicode" = "english") =>
  bm25Retriever({ index: buildBm25Index(passages, { analyzer }), passages: (ordinal) => passages[ordinal]! });

describeRetriever("bm25", (passages) => create(passages));
describeRetriever("bm25 with the unicode analyzer", (passages) => create(passages, "unicode"));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bm25-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describeRetriever("bm25 from disk", async (passages) => {
  await saveBm25Index(buildBm25Index(passages), folder);
  return bm25Retriever({ index: await openBm25Index(folder), passages: (ordinal) => passages[ordinal]! });
});

const passage = (id: string, title: string, text: string): Passage => ({
  id,
  documentId: "d",
  title,
  text,
  position: 0,
});

describe("bm25", () => {
  it("gives the score of the formula", async () => {
    const passages = [
      passage("a", "", "amber amber stone"),
      passage("b", "", "stone wall"),
      passage("c", "", "x"),
    ];
    const [hit] = await create(passages).retrieve("amber", 1);
    const inverseFrequency = Math.log(1 + (3 - 1 + 0.5) / (1 + 0.5));
    const norm = 1.2 * (1 - 0.75 + (0.75 * 3) / 2);
    expect(hit?.score).toBeCloseTo((inverseFrequency * 2) / (2 + norm), 6);
  });

  it("adds half of the weaker field's score to the stronger one's", async () => {
    const text = await create([passage("a", "", "amber"), passage("b", "", "wall")]).retrieve("amber", 1);
    const both = await create([passage("a", "amber", "amber"), passage("b", "wall", "wall")]).retrieve(
      "amber",
      1,
    );
    expect(both[0]!.score).toBeCloseTo(1.5 * text[0]!.score, 6);
  });

  it("counts a word twice that stands twice in the query", async () => {
    const retriever = create([passage("a", "", "amber"), passage("b", "", "wall")]);
    const [once] = await retriever.retrieve("amber", 1);
    const [twice] = await retriever.retrieve("amber, amber", 1);
    expect(twice!.score).toBeCloseTo(2 * once!.score, 6);
  });

  it("finds Korean, Chinese and Japanese passages by an exact term", async () => {
    const passages = [
      passage("ko", "안셀", "안셀 강은 베이라 산에서 시작한다."),
      passage("zh", "安塞尔河", "安塞尔河发源于维拉山，流入海港。"),
      passage("ja", "ガラス", "橋のそばの工場でガラスを作る。"),
    ];
    for (const analyzer of ["english", "unicode"] satisfies ("english" | "unicode")[]) {
      const retriever = create(passages, analyzer);
      const first = async (query: string) => (await retriever.retrieve(query, 1))[0]?.passage.id;
      expect([await first("베이라"), await first("海港"), await first("ガラス")]).toEqual(["ko", "zh", "ja"]);
    }
  });

  it("refuses a limit that is no whole number", async () => {
    await expect(create([]).retrieve("x", 1.5)).rejects.toThrow(InputError);
    await expect(create([]).retrieve("x", -1)).rejects.toThrow(
      "limit must be a whole number of at least 0, got -1",
    );
  });
});

describe("bm25 index file", () => {
  const index = buildBm25Index(
    Array.from({ length: 300 }, (_, i) =>
      passage(`p${i % 7}-${i}`, `Title ${i % 5}`, `word${i} `.repeat((i % 4) + 1) + "stone".repeat(i % 2)),
    ),
  );
  const path = () => join(folder, "bm25.index");

  it("comes back as it was saved", async () => {
    await saveBm25Index(index, folder);
    expect(await openBm25Index(folder)).toEqual(index);
  });

  it("is the same where other work has its turns in between, and ends where it is no longer wanted", async () => {
    const passages = Array.from({ length: 1200 }, (_, i) => passage(`p${i}`, "Title", `word${i % 90} stone`));
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    expect(await buildBm25IndexInTurns(passages)).toEqual(buildBm25Index(passages));
    clearInterval(counting);
    expect(turns).toBeGreaterThan(0);
    const ended = AbortSignal.abort();
    await expect(buildBm25IndexInTurns(passages, { signal: ended })).rejects.toThrow(/abort/i);
  });

  it("comes back without any passage", async () => {
    const empty = buildBm25Index([], { analyzer: "unicode" });
    await saveBm25Index(empty, folder);
    expect(await openBm25Index(folder)).toEqual(empty);
  });

  it("is refused wherever it was cut off", async () => {
    await saveBm25Index(index, folder);
    const whole = await readFile(path());
    for (const length of [0, 5, 11, 40, 400, whole.length - 1]) {
      await writeFile(path(), whole.subarray(0, length));
      await expect(openBm25Index(folder), `cut to ${length}`).rejects.toThrow(FormatError);
    }
  });

  it("is refused with a changed byte, in a foreign file and in another version", async () => {
    await saveBm25Index(index, folder);
    const whole = await readFile(path());
    const changed = Buffer.from(whole);
    changed[whole.length - 9]! ^= 1;
    await writeFile(path(), changed);
    await expect(openBm25Index(folder)).rejects.toThrow(/bm25\.index: is damaged .* build the index again/);
    await writeFile(path(), Buffer.alloc(500, "GGUF"));
    await expect(openBm25Index(folder)).rejects.toThrow("is no BM25 index");
    await writeFile(
      path(),
      Buffer.from(whole.toString("latin1").replace('"version":1', '"version":9'), "latin1"),
    );
    await expect(openBm25Index(folder)).rejects.toThrow(
      "has format version 9, wanted 1; build the index again",
    );
  });

  it("is not found where there is none", async () => {
    await expect(openBm25Index(join(folder, "absent"))).rejects.toThrow(NotFoundError);
  });
});
