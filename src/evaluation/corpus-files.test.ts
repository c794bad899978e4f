import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FormatError, InputError, NotFoundError } from "../base/errors.ts";
import { locateCorpus, writeContexts } from "./corpus-files.ts";
import type { Question } from "./questions.ts";

let folder = "";
let work = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "corpus-files-"));
  work = join(folder, "work");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const asking = (...paragraphs: [string, string][]): Question => ({
  id: "q",
  type: "question",
  question: "Who?",
  answers: ["a"],
  articles: [],
  contexts: [],
  paragraphs: paragraphs.map(([title, text]) => ({ title, text })),
});

describe("locateCorpus", () => {
  it("names files and folders by their contents, not by where they lie", async () => {
    for (const place of ["one", "two"]) {
      await mkdir(join(folder, place, "docs"), { recursive: true });
      await writeFile(join(folder, place, "docs", "a.txt"), "Some text.");
    }
    const first = await locateCorpus([join(folder, "one", "docs")], work);
    const second = await locateCorpus([join(folder, "two", "docs")], work);
    expect(first).toMatchObject({ name: "docs", base: join(folder, "one"), inputs: ["docs"] });
    expect(second.hash).toBe(first.hash);
    await writeFile(join(folder, "two", "docs", "a.txt"), "Other text.");
    expect((await locateCorpus([join(folder, "two", "docs")], work)).hash).not.toBe(first.hash);
  });

  it("unpacks once", async () => {
    const path = join(folder, "wiki.jsonl.gz");
    await writeFile(path, gzipSync('{"title": "A", "text": "B"}\n'));
    const found = await locateCorpus([path], work);
    expect(found).toMatchObject({ name: "wiki", inputs: ["wiki.jsonl"] });
    expect(await readFile(join(found.base, "wiki.jsonl"), "utf8")).toBe('{"title": "A", "text": "B"}\n');
    expect(await locateCorpus([path], work)).toEqual(found);
    expect(await readdir(found.base)).toEqual(["wiki.jsonl"]);
  });

  it("says what is missing or broken", async () => {
    await expect(locateCorpus([join(folder, "none")], work)).rejects.toThrow(InputError);
    await expect(locateCorpus([join(folder, "none.jsonl.gz")], work)).rejects.toThrow(NotFoundError);
    await writeFile(join(folder, "bad.jsonl.gz"), "no archive");
    await expect(locateCorpus([join(folder, "bad.jsonl.gz")], work)).rejects.toThrow(FormatError);
  });
});

describe("writeContexts", () => {
  it("takes each paragraph once, and the same ones give the same corpus", async () => {
    const questions = [asking(["A", "x"], ["B", "y"]), asking(["B", "y"], ["B", "z"])];
    const found = await writeContexts(questions, work);
    expect(await readFile(join(found.base, "contexts.jsonl"), "utf8")).toBe(
      '{"title":"A","text":"x"}\n{"title":"B","text":"y"}\n{"title":"B","text":"z"}\n',
    );
    expect(await writeContexts(questions, work)).toEqual(found);
  });

  it("refuses a dataset without paragraphs", async () => {
    await expect(writeContexts([asking()], work)).rejects.toThrow(/gives no paragraphs/);
  });
});
