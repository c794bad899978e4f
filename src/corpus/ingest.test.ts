import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, InputError, UnsupportedError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { countWords } from "../text/words.ts";
import { openCorpus } from "./corpus-folder.ts";
import { ingest } from "./ingest.ts";

let base: string;
let folder: string;
let clock = Date.now() + 60_000;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "prag-ingest-"));
  folder = join(base, ".data/corpus");
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function put(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(base, name)), { recursive: true });
    await writeFile(join(base, name), content);
  }
}

const run = (inputs: string[] = ["docs"], options: { maxWords?: number; maxFileBytes?: number } = {}) =>
  ingest(folder, inputs, { base, startedMs: (clock += 60_000), ...options });

/** Name → content of everything that must be equal after equal ingests. */
async function contentOf(corpusFolder: string): Promise<Record<string, string>> {
  const names = await readdir(corpusFolder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile() && entry.name !== "seen.json");
  const pairs = files.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(corpusFolder.length), await readFile(path, "utf8")] as const;
  });
  return Object.fromEntries(await Promise.all(pairs));
}

async function passageTexts(): Promise<string[]> {
  const corpus = await openCorpus(folder);
  try {
    return [...corpus.passages()].map(({ text }) => text);
  } finally {
    corpus.close();
  }
}

const article = (topic: string, sentences: number) =>
  Array.from(
    { length: sentences },
    (_, i) => `The ${topic} has part number ${i}, which is old and made of stone.`,
  ).join(" ");

describe("ingest", () => {
  it("makes documents and passages with content-hash ids, titles and places", async () => {
    await put({
      "docs/a.md": `# The Veyra Lamp\n\n${article("lamp", 20)}\n`,
      "docs/deep/b-two.txt": "A short note about a harbour.",
      "docs/list.jsonl": `{"id":"x7","title":"Orsby","text":"Orsby is a town."}\n{"text":"No title here."}\n`,
    });
    const summary = await run();
    expect(summary).toMatchObject({ added: 3, changed: 0, removed: 0, unchanged: 0, skipped: [] });
    const corpus = await openCorpus(folder);
    expect([...corpus.documents()].map(({ source, title }) => [source, title])).toEqual([
      ["docs/a.md", "The Veyra Lamp"],
      ["docs/deep/b-two.txt", "b two"],
      ["docs/list.jsonl#x7", "Orsby"],
      ["docs/list.jsonl#2", ""],
    ]);
    expect(summary).toMatchObject({ documents: corpus.documentCount, passages: corpus.passageCount });
    const passages = [...corpus.passages()];
    const lamp = passages.filter(({ title }) => title === "The Veyra Lamp");
    expect(lamp.map(({ position }) => position)).toEqual(lamp.map((_, i) => i));
    expect(lamp.length).toBeGreaterThan(2);
    for (const [ordinal, passage] of passages.entries()) {
      expect(passage.id).toMatch(/^[0-9a-f]{32}$/);
      expect(corpus.ordinalOf(passage.id)).toBe(ordinal);
      expect(corpus.passageById(passage.id)).toEqual(passage);
      expect(corpus.documentOf(passage).text).toContain(passage.text);
    }
    expect(new Set(passages.map(({ id }) => id)).size).toBe(passages.length);
    corpus.close();
  });

  it("keeps a passage that stands in two documents once", async () => {
    await put({
      "docs/a.jsonl": `{"title":"T","text":"The same words."}\n`,
      "docs/b.jsonl": `{"title":"T","text":"The same words."}\n{"title":"U","text":"The same words."}\n`,
    });
    expect(await run()).toMatchObject({ documents: 3, passages: 2 });
    const corpus = await openCorpus(folder);
    expect(corpus.passagesOf(1)).toEqual([0]);
    expect(corpus.documentOf(corpus.passage(0)).source).toBe("docs/a.jsonl#1");
    corpus.close();
  });

  it("reads only what changed, and takes deleted files out", async () => {
    await put({ "docs/a.txt": "First file.", "docs/b.txt": "Second file.", "docs/c.txt": "Third file." });
    const first = await run();
    expect(await run()).toEqual({ ...first, added: 0, unchanged: 3 });

    await put({ "docs/b.txt": "Second file, new.", "docs/d.txt": "Fourth file." });
    await rm(join(base, "docs/c.txt"));
    expect(await run()).toMatchObject({ added: 1, changed: 1, removed: 1, unchanged: 1, passages: 3 });
    expect(await passageTexts()).toEqual(["First file.", "Second file, new.", "Fourth file."]);
  });

  it("looks at the content where the time differs, and only there", async () => {
    await put({ "docs/a.txt": "Text one." });
    await run();
    await utimes(join(base, "docs/a.txt"), new Date(0), new Date(0));
    expect(await run()).toMatchObject({ unchanged: 1, changed: 0 });
    // Same size and the time that is remembered: by design this is not looked into.
    await put({ "docs/a.txt": "Text two." });
    await utimes(join(base, "docs/a.txt"), new Date(0), new Date(0));
    expect(await run()).toMatchObject({ unchanged: 1, changed: 0 });
    await utimes(join(base, "docs/a.txt"), new Date(5000), new Date(5000));
    expect(await run()).toMatchObject({ unchanged: 0, changed: 1 });
    expect(await passageTexts()).toEqual(["Text two."]);
  });

  it("does not trust the time of a file that was written just before", async () => {
    await put({ "docs/a.txt": "Text one." });
    const now = new Date();
    await utimes(join(base, "docs/a.txt"), now, now);
    await ingest(folder, ["docs"], { base, startedMs: now.getTime() + 500 });
    await put({ "docs/a.txt": "Text two." });
    await utimes(join(base, "docs/a.txt"), now, now);
    expect(await run()).toMatchObject({ changed: 1 });
  });

  it("adds further inputs to what is there", async () => {
    await put({ "one/a.txt": "Of one.", "two/b.txt": "Of two." });
    await run(["one"]);
    expect(await run(["two"])).toMatchObject({ added: 1, unchanged: 1, passages: 2 });
    await rm(join(base, "one/a.txt"));
    expect(await run(["two"])).toMatchObject({ removed: 1, unchanged: 1, passages: 1 });
  });

  it("cuts everything anew when the size of passages changes", async () => {
    await put({ "docs/a.txt": article("bridge", 30), "more/b.txt": article("tower", 30) });
    await run(["docs", "more"]);
    expect(await run(["docs"], { maxWords: 40 })).toMatchObject({ changed: 2, unchanged: 0 });
    for (const text of await passageTexts()) expect(countWords(text)).toBeLessThanOrEqual(40);
  });

  it("comes to the same bytes by any way", async () => {
    const random = new Random("ingest");
    const names = Array.from({ length: 12 }, (_, i) => `docs/${i % 3}/file-${i}.txt`);
    for (let step = 0; step < 15; step++) {
      const name = names[random.int(names.length)]!;
      if (random.next() < 0.3) await rm(join(base, name), { force: true });
      else await put({ [name]: article(`thing ${random.int(4)}`, 1 + random.int(25)) });
      await put({ "docs/always.txt": "There is always one." });
      await run();
    }
    const fresh = join(base, ".data/fresh");
    await ingest(fresh, ["docs"], { base, startedMs: 0 });
    expect(await contentOf(folder)).toEqual(await contentOf(fresh));
    expect(Object.keys(await contentOf(folder))).toHaveLength(4);
  });

  it("names files that cannot be read, and goes on", async () => {
    await put({
      "docs/good.txt": "Good text.",
      "docs/empty.txt": "",
      "docs/blank.md": " \n\n",
      "docs/zero.txt": new Uint8Array([65, 0, 66]),
      "docs/latin.txt": new Uint8Array([0x63, 0x61, 0x66, 0xe9, 0x20, 0x61]),
      "docs/image.png": "x",
      "docs/large.txt": "x".repeat(3000),
      "docs/partly.jsonl": `{"text":"Kept."}\n{"text":\n{"txt":"x"}\n`,
      "docs/none.jsonl": `[\n]\n`,
    });
    const { skipped, incomplete, added } = await run(["docs", "missing.txt", "*.pdf"], {
      maxFileBytes: 2000,
    });
    expect(added).toBe(2);
    const reasons = Object.fromEntries(skipped.map(({ source, reason }) => [source, reason]));
    expect(reasons).toEqual({
      "docs/empty.txt": "empty",
      "docs/blank.md": "empty",
      "docs/zero.txt": expect.stringMatching(/^binary: a NUL character/),
      "docs/latin.txt": expect.stringMatching(/^broken encoding: not valid UTF-8 near byte 0/),
      "docs/image.png": expect.stringMatching(/^unsupported extension \.png; can read \.txt/),
      "docs/large.txt": "too large: 3000 bytes, at most 2000 are read",
      "docs/none.jsonl": expect.stringMatching(/^line 1: malformed JSON .* \(and 1 more like this\)$/),
      "missing.txt": "does not exist",
      "*.pdf": "no file matches this pattern",
    });
    expect(incomplete).toEqual([
      {
        source: "docs/partly.jsonl",
        reason: expect.stringMatching(/^line 2: malformed JSON .*\(and 1 more/),
      },
    ]);
    expect(await run(["docs"], { maxFileBytes: 2000 })).toMatchObject({ incomplete, unchanged: 2 });
  });

  it("fails when nothing can be ingested, and leaves the corpus as it was", async () => {
    await put({ "docs/a.bin": "x", "docs/empty.txt": "" });
    await expect(run()).rejects.toThrow(InputError);
    await expect(run()).rejects.toThrow(
      /nothing could be ingested: docs\/a\.bin: unsupported .*empty\.txt: empty/,
    );
    await expect(openCorpus(folder)).rejects.toThrow(/ingest some documents first/);
    await put({ "docs/a.txt": "Text." });
    await run();
    await expect(run(["typo"])).rejects.toThrow(/typo: does not exist/);
    await expect(run([])).rejects.toThrow(ConfigError);
    expect(await passageTexts()).toEqual(["Text."]);
  });

  it("lets a reader finish while the corpus is replaced", async () => {
    await put({ "docs/a.txt": "Old text." });
    await run();
    const reader = await openCorpus(folder);
    await put({ "docs/a.txt": "New text." });
    await run();
    expect(reader.passage(0).text).toBe("Old text.");
    reader.close();
    expect(await passageTexts()).toEqual(["New text."]);
  });

  it("stops on a signal and leaves the corpus as it was", async () => {
    await put({ "docs/a.txt": "Old text." });
    await run();
    await put({ "docs/a.txt": "New text.", "docs/b.txt": "More." });
    const controller = new AbortController();
    const progress = () => controller.abort();
    await expect(
      ingest(folder, ["docs"], { base, startedMs: 0, progress, signal: controller.signal }),
    ).rejects.toThrow(/abort/i);
    expect(await passageTexts()).toEqual(["Old text."]);
  });

  it("refuses a corpus of another format with what to do", async () => {
    await put({ "docs/a.txt": "Text." });
    await run();
    await writeFile(join(folder, "current.json"), `{"format":99,"pointer":"?"}`);
    await expect(openCorpus(folder)).rejects.toThrow(UnsupportedError);
    await expect(run()).rejects.toThrow(/newer version \(format 99, wanted 1\); update parametric-rag/);
  });

  it("reads Korean and Chinese documents into passages of the usual size", async () => {
    const korean = (i: number) =>
      `달빛 등대는 북쪽 바닷가의 ${i}번째 마을에 서 있다. 등대지기는 매일 저녁 불을 켠다. `;
    const chinese = (i: number) => `月光灯塔位于北方海岸的第${i}个小村庄。守塔人每天傍晚点亮灯火。`;
    const repeat = (write: (i: number) => string) => Array.from({ length: 60 }, (_, i) => write(i)).join("");
    await put({ "docs/ko.txt": repeat(korean).normalize("NFD"), "docs/zh.md": repeat(chinese) });
    await run();
    const texts = await passageTexts();
    expect(texts[0]?.startsWith("달빛 등대는")).toBe(true); // composed, as a query is
    for (const [word, end] of [
      ["등대", "다."],
      ["灯塔", "。"],
    ] as const) {
      const own = texts.filter((text) => text.includes(word));
      expect(own.length).toBeGreaterThan(5);
      for (const text of own.slice(0, -2)) {
        expect(countWords(text)).toBeGreaterThan(85);
        expect(countWords(text)).toBeLessThanOrEqual(100);
        expect(text.endsWith(end)).toBe(true);
      }
    }
  });
});
