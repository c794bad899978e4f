import { rmSync } from "node:fs";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, NotFoundError } from "../base/errors.ts";
import { openTinyMemory } from "../memory/memory.suite.ts";
import { collectAnswer } from "./answer.ts";
import { ask, streamSummary } from "./ask.ts";
import { bridgeArticle, tinyModel, tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { deleteMemory, listMemories, showMemory } from "./memories.ts";
import { memorize } from "./memorize.ts";
import { memoryFolder } from "./memory-folder.ts";

const methodOptions = { recallTokens: 6 };

describe("memories", () => {
  let tiny: Awaited<ReturnType<typeof openTinyMemory>>;
  beforeAll(async () => {
    tiny = await openTinyMemory("qwen2-tied");
  });
  afterAll(() => rmSync(tiny.root, { recursive: true, force: true }));

  it("say what of the files they were not made of, and stop at no file that is none of theirs", () =>
    withTempFolder(async (folder) => {
      await writeFile(join(folder, "docs", "LICENSE"), "Anybody may cross the bridge.");
      await writeFile(join(folder, "docs", "long.txt"), "word ".repeat(1000));
      await mkdir(join(folder, "data"));
      await writeFile(join(folder, "data", "own.txt"), "This is of the data folder.");
      const settings = tinySettings(folder, {
        memoryModel: tiny.folder,
        dataFolder: join(folder, "data"),
        ingest: { maxFileBytes: 4000 },
      });
      await withEngine(settings, async ({ parts }) => {
        const request = { base: folder, name: "all", dryRun: true };
        const report = await memorize(parts, [".", "missing.txt"], request);
        expect(report.skipped.map(({ source }) => source).sort()).toEqual([
          "docs/LICENSE",
          "docs/long.txt",
          "missing.txt",
        ]);
        expect(report.incomplete).toEqual([]);
        await writeFile(join(folder, "docs", "rows.jsonl"), '{"text": "One row is whole."}\nnot a row\n');
        const partly = await memorize(parts, ["docs/rows.jsonl"], request);
        expect(partly.incomplete.map(({ source }) => source)).toEqual(["docs/rows.jsonl"]);
        await expect(memorize(parts, ["docs/LICENSE"], request)).rejects.toThrow(/unsupported extension/);
      });
    }));

  it("are made, asked, appended to, listed and deleted, several at once", () =>
    withTempFolder(async (folder) => {
      const settings = tinySettings(folder, { memoryModel: tiny.folder });
      await withEngine(settings, async ({ parts }) => {
        const sizes: number[] = [];
        const onSize = ({ tokens }: { tokens: number }) => sizes.push(tokens);
        const one = await memorize(parts, ["docs/bridge-0.txt"], {
          base: folder,
          name: "one",
          ratio: 4,
          onSize,
        });
        expect(sizes).toEqual([one.size.tokens]);
        const two = await memorize(parts, ["docs"], { base: folder, name: "two", ratio: 8 });
        expect(two.passages).toBeGreaterThan(one.passages);
        const row = await showMemory(parts, "one");
        expect(row).toMatchObject({
          tokens: one.size.tokens,
          ratio: 4,
          bytes: one.size.bytes,
          problem: null,
        });
        expect(one.size.entries).toBe(Math.floor(one.size.tokens / 24) * 6);
        await writeFile(join(folder, "more.txt"), bridgeArticle(7));
        const appending = { base: folder, name: "one", append: true, ratio: 8 };
        const planned = await memorize(parts, ["more.txt"], { ...appending, dryRun: true });
        const more = await memorize(parts, ["more.txt"], appending);
        expect(more.size).toEqual(planned.size);
        expect(more.size.tokens).toBeGreaterThan(one.size.tokens);
        expect(more.passages).toBe(one.passages + 1);
        const after = await showMemory(parts, "one");
        expect(after.sources).toEqual(["docs/bridge-0.txt", "more.txt"]);
        expect([after.entries, after.bytes]).toEqual([more.size.entries, more.size.bytes]);
        const both = ["docs/bridge-0.txt", "more.txt"];
        const together = await memorize(parts, both, { base: folder, name: "both", dryRun: true });
        expect(together.size.tokens).toBe(more.size.tokens);
        const answer = await ask(parts, "Who built the Orlen7 Bridge?", {
          method: "memorag",
          memory: "one",
          methodOptions,
        });
        expect(answer.sources.map(({ usedAs }) => usedAs)).toContain("context");
        const longer = await ask(parts, "Who built it?", {
          memory: "one",
          methodOptions,
          cot: true,
          shots: 1,
        });
        expect(longer.usage.promptTokens).toBeGreaterThan(answer.usage.promptTokens + 20);
        for (const method of ["standard-rag", "hyde", "full-context"]) {
          const { sources, trace } = await ask(parts, "Who built it?", { method, memory: "one" });
          for (const { title } of sources) expect(["bridge 0", "more"]).toContain(title);
          expect(trace.length, method).toBeGreaterThan(0);
        }
        const answering = tinySettings(folder, {
          memoryModel: tiny.folder,
          answerModel: tinyModel("llama-tied"),
        });
        await withEngine(answering, async (other) => {
          expect((await other.parts.generator()).model).toBe("qwen2-tied");
          expect((await other.parts.answerGenerator()).model).toBe("llama-tied");
          await ask(other.parts, "Who built it?", { memory: "one", methodOptions });
          const foreign = ask(other.parts, "Who built it?", { memory: "one", method: "prag" });
          await expect(foreign).rejects.toThrow(/merges adapters of .*qwen2-tied, which do not fit/);
        });
        const shuffled = { memory: "one", method: "prag", shuffleAdapters: 1 };
        await expect(ask(parts, "Who built it?", shuffled)).rejects.toThrow(/not of one text/);
        expect((await listMemories(parts)).map(({ name }) => name)).toEqual(["one", "two"]);
        await deleteMemory(parts, "one");
        expect((await listMemories(parts)).map(({ name }) => name)).toEqual(["two"]);
        await expect(showMemory(parts, "one")).rejects.toThrow(NotFoundError);
      });
      // Another process, and another base model.
      await withEngine(settings, async ({ parts }) => {
        expect(await showMemory(parts, "two")).toMatchObject({ ratio: 8 });
      });
    }));

  it("of other weights are refused before anything is copied, dry or not", () =>
    withTempFolder(async (folder) => {
      const options = { base: folder, name: "one", ratio: 4 };
      await withEngine(tinySettings(folder, { memoryModel: tiny.folder }), async ({ parts }) => {
        await memorize(parts, ["docs/bridge-0.txt"], options);
      });
      const other = join(folder, "other-memory");
      await cp(tiny.folder, other, { recursive: true });
      const weights = join(other, "model.safetensors");
      const bytes = await readFile(weights);
      bytes[bytes.length - 1]! ^= 1;
      await writeFile(weights, bytes);
      await withEngine(tinySettings(folder, { memoryModel: other }), async ({ parts }) => {
        const files = await readdir(memoryFolder(parts.folder, "one"));
        for (const dryRun of [true, false]) {
          const appending = memorize(parts, ["docs/bridge-1.txt"], { ...options, append: true, dryRun });
          await expect(appending).rejects.toThrow(/made with the memory model tiny-memory/);
        }
        expect(await readdir(memoryFolder(parts.folder, "one"))).toEqual(files);
      });
    }));

  it("say what they would take without being made, and what is wrong", () =>
    withTempFolder(async (folder) => {
      const settings = tinySettings(folder, { memoryModel: tiny.folder });
      await withEngine(settings, async ({ parts }) => {
        const { size } = await memorize(parts, ["docs"], { base: folder, name: "n", ratio: 4, dryRun: true });
        expect(size.bytes).toBeGreaterThan(0);
        expect(await listMemories(parts)).toEqual([]);
        const options = { base: folder, name: "n" };
        for (const [ratio, dryRun] of [
          [5, false],
          [5, true],
          [0, true],
        ] as const) {
          const memorizing = memorize(parts, ["docs"], { ...options, ratio, dryRun });
          await expect(memorizing).rejects.toThrow(/the ratio must be .* valid are 2, 3, 4, 6, 8, 12, 24/);
        }
        await expect(memorize(parts, ["docs"], { ...options, name: "../n" })).rejects.toThrow(ConfigError);
        await expect(memorize(parts, ["docs"], { ...options, append: true })).rejects.toThrow(NotFoundError);
        await expect(memorize(parts, ["none"], options)).rejects.toThrow(/nothing could be memorized/);
        await expect(ask(parts, "Who?", { method: "memorag" })).rejects.toThrow(/--memory/);
        const wrong = { method: "memorag", memory: "n", methodOptions: { hitz: 3 } };
        await expect(ask(parts, "Who?", wrong)).rejects.toThrow(/hitz/);
      });
      await withEngine(tinySettings(folder), async ({ parts }) => {
        await expect(memorize(parts, ["docs"], { base: folder, name: "n" })).rejects.toThrow(
          /prag memory train/,
        );
      });
      const other = tinySettings(folder, {
        memoryModel: tiny.folder,
        model: join(tiny.baseFolder, "../llama-tied"),
      });
      await withEngine(other, async ({ parts }) => {
        await expect(memorize(parts, ["docs"], { base: folder, name: "n" })).rejects.toThrow(
          /base model qwen2-tied/,
        );
      });
    }));

  it("are made of texts whose titles are as long as texts", () =>
    withTempFolder(async (folder) => {
      const row = { title: "A very long title. ".repeat(10_000), text: bridgeArticle(1) };
      await writeFile(join(folder, "long.jsonl"), JSON.stringify(row));
      await withEngine(tinySettings(folder, { memoryModel: tiny.folder }), async ({ parts }) => {
        const { name } = await memorize(parts, ["long.jsonl"], { base: folder, name: "long", ratio: 4 });
        expect(await showMemory(parts, name)).toMatchObject({ problem: null, passages: 1 });
      });
    }));

  it("may reach beyond the model's positions, which is said, with the ratio that would fit", () =>
    withTempFolder(async (folder) => {
      const settings = tinySettings(folder, { memoryModel: tiny.folder });
      await withEngine(settings, async ({ parts }) => {
        const told = async (paths: string[], ratio: number) => {
          const warnings: string[] = [];
          const onWarning = (warning: string) => warnings.push(warning);
          await memorize(parts, paths, { base: folder, name: "n", ratio, dryRun: true, onWarning });
          return warnings.join();
        };
        expect(await told(["docs"], 2)).toBe("");
        const articles = Array.from({ length: 12 }, (_, i) => bridgeArticle(i)).join("");
        await writeFile(join(folder, "long.txt"), articles);
        expect(await told(["long.txt"], 2)).toMatch(/qwen2-tied was made for 512 .*; ratio \d+ would fit/);
        expect(await told(["long.txt"], 24)).toBe("");
        await writeFile(join(folder, "longer.txt"), articles.repeat(20));
        expect(await told(["longer.txt"], 24)).toMatch(/no ratio would fit/);
      });
    }));

  it("answer a question to its end, also when they are deleted in its middle", () =>
    withTempFolder(async (folder) => {
      await withEngine(tinySettings(folder, { memoryModel: tiny.folder }), async ({ parts }) => {
        const deleting: typeof parts = {
          ...parts,
          async generator() {
            await deleteMemory(parts, "one"); // the memory is open by now, its rows are not yet read
            return parts.generator();
          },
        };
        const options = { base: folder, name: "one", ratio: 4 };
        await memorize(parts, ["docs"], options);
        const { usage } = await ask(deleting, "Who built it?", { memory: "one", methodOptions });
        expect(usage.promptTokens).toBeGreaterThan(0);
        expect(await listMemories(parts)).toEqual([]);
        await memorize(parts, ["docs"], options);
        const summary = collectAnswer(streamSummary(deleting, { memory: "one", methodOptions }));
        await expect(summary).rejects.toThrow(/recalls no key point/); // the model is random; what matters is that it was asked
      });
    }));

  it("are not there while they are unfinished, are said to be that, and are finished or deleted", () =>
    withTempFolder(async (folder) => {
      await withEngine(tinySettings(folder, { memoryModel: tiny.folder }), async ({ parts }) => {
        const options = { base: folder, name: "half", ratio: 4 };
        const interrupted = async () => {
          const ended = new AbortController();
          const own = { ...parts, progress: () => ended.abort() };
          const memorizing = memorize(own, ["docs"], { ...options, signal: ended.signal });
          await expect(memorizing).rejects.toThrow(/abort/i);
        };
        await interrupted();
        expect(await listMemories(parts)).toEqual([]);
        await expect(showMemory(parts, "half")).rejects.toThrow(
          /"half" is unfinished.*prag memory delete half/,
        );
        await expect(showMemory(parts, "other")).rejects.toThrow(/no memory "other"; make one/);
        await deleteMemory(parts, "half");
        await expect(showMemory(parts, "half")).rejects.toThrow(/no memory "half"/);
        await interrupted();
        await memorize(parts, ["docs"], options);
        expect((await listMemories(parts)).map(({ name }) => name)).toEqual(["half"]);
      });
    }));

  it("work without memory weights, by notes", () =>
    withTempFolder(
      async (folder) =>
        withEngine(tinySettings(folder), async ({ parts }) => {
          const report = await memorize(parts, ["docs"], { base: folder, name: "notes", lite: true });
          expect(report).toMatchObject({ lite: true });
          const withRatio = memorize(parts, ["docs"], { base: folder, name: "notes", lite: true, ratio: 4 });
          await expect(withRatio).rejects.toThrow(/notes have no ratio, got 4/);
          expect(await showMemory(parts, "notes")).toMatchObject({ lite: true, tokens: null });
          const question = { method: "memorag", memory: "notes", methodOptions };
          const { sources } = await ask(parts, "Who built the Orlen0 Bridge?", question);
          expect(sources.length).toBeGreaterThan(0);
        }),
      { articles: 2 },
    ));
});
