import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError, InputError } from "../base/errors.ts";
import { readJsonl } from "../base/jsonl.ts";
import { clueExampleSchema } from "../training/memory-clues.ts";
import { tinyModel, tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { makeClues } from "./memory-clues.ts";
import { sampleClues } from "./sample-clues.ts";
import { trainMemoryModel } from "./train-memory.ts";

const small = { window: 24, ratios: [4], batch: 1, updates: 2 };

describe("training of a memory model", () => {
  it(
    "goes through its stages, each from the one before, and goes on where it ended",
    () =>
      withTempFolder(async (folder) => {
        const [first, second, third] = [join(folder, "one"), join(folder, "two"), join(folder, "three")];
        const clues = join(folder, "clues.jsonl");
        await withEngine(tinySettings(folder), async ({ parts }) => {
          const texts = { paths: ["docs"], base: folder, windows: 2, ...small };
          const begun = await trainMemoryModel(parts, {
            ...texts,
            stage: "imitate",
            out: join(folder, "zero"),
          });
          expect(begun).toMatchObject({ updates: 2, tokens: 2 * 48, left: 0 });
          const request = { ...texts, stage: "pretrain" as const, weigh: "gain" as const };
          for (const [change, said] of [
            [{ windows: 1 }, /two windows at least/],
            [{ windows: 100 }, /need \d+ positions/],
            [{ ratios: [5] }, /divides the window/],
            [{ stage: "imitate" as const }, /--weigh is for the stage pretrain/],
            [{ stage: "sft" as const, weigh: undefined }, /--windows is for the stages imitate and pretrain/],
            [{ samples: 4 }, /--samples is for the stage rlgf/],
            [{ batch: 0 }, /--batch must be a whole number from 1 on/],
            [{ updates: 0 }, /--updates must be/],
            [{ windows: 0 }, /--windows must be/],
            [{ window: 2 }, /--window must be a whole number from 4 on/],
            [{ minutes: 0 }, /minutes of a training must be above 0/],
            [{ learningRate: -1 }, /learning rate must be above 0/],
            [{ window: 35, ratios: undefined }, /none of the usual ratios; name some of 5, 7/],
          ] as const)
            await expect(trainMemoryModel(parts, { ...request, ...change, out: first })).rejects.toThrow(
              said,
            );
          const model = tinyModel();
          await expect(trainMemoryModel(parts, { ...request, out: model })).rejects.toThrow(/holds a model/);
          await writeFile(join(folder, "docs", "LICENSE"), "Anybody may cross.");
          const report = await trainMemoryModel(parts, { ...request, out: first });
          expect(report.skipped.map(({ source }) => source)).toEqual(["docs/LICENSE"]);
          expect(report).toMatchObject({ updates: 2, tokens: 2 * 48 });
          expect(report.firstLoss).toBeGreaterThan(0);
          const again = await trainMemoryModel(parts, { ...request, out: first });
          expect(again).toMatchObject({ tokens: 0, firstLoss: null }); // nothing was left to do
          await expect(trainMemoryModel(parts, { ...request, out: first, seed: 2 })).rejects.toThrow(
            ConfigError,
          );
          const logged = async () =>
            (
              await readJsonl(
                join(first, "training.jsonl"),
                z.looseObject({ update: z.int(), loss: z.number() }),
              )
            ).map(({ update, loss }) => ({ update, loss }));
          const before = await logged();
          expect(before.map(({ update }) => update)).toEqual([1, 2]);
          await rm(join(first, "state.safetensors")); // as if killed before the first state, with updates in the log
          await trainMemoryModel(parts, { ...request, out: first });
          expect(await logged()).toEqual(before);
          const made = await makeClues(parts, { paths: ["docs"], base: folder, out: clues, words: 60 });
          expect(made.examples).toBeGreaterThan(0);
          expect(made.skipped).toHaveLength(1);
          await expect(makeClues(parts, { paths: [], base: folder, out: clues })).rejects.toThrow(
            /--questions/,
          );
          const examples = await readJsonl(clues, clueExampleSchema);
          for (const { text, clues: lines, answers } of examples) {
            for (const line of lines) expect(text).toContain(line);
            expect(lines[0]).toContain(answers[0]);
          }
        });
        await withEngine(tinySettings(folder, { memoryModel: first }), async ({ parts }) => {
          const request = { paths: [clues], base: folder, from: first, ...small };
          await trainMemoryModel(parts, { ...request, window: undefined, stage: "sft", out: second });
          const wrong = { ...request, window: 48, stage: "sft" as const, out: join(folder, "wrong") };
          await expect(trainMemoryModel(parts, wrong)).rejects.toThrow(/windows of 24/);
          const over = { ...wrong, window: undefined, out: join(folder, "docs", "..", "one") };
          await expect(trainMemoryModel(parts, over)).rejects.toThrow(/starts from the weights/);
          const lost = { ...wrong, window: undefined, paths: [clues, join(folder, "typo.jsonl")] };
          await expect(trainMemoryModel(parts, lost)).rejects.toThrow(/typo.jsonl does not exist/);
        });
        await withEngine(tinySettings(folder, { memoryModel: second }), async ({ parts }) => {
          const example = (await readJsonl(clues, clueExampleSchema))[0]!;
          await writeFile(clues, `${JSON.stringify(example)}\n`);
          const sampling = {
            from: second,
            ratio: 4,
            samples: 2,
            content: "c",
            path: join(folder, "samples.jsonl"),
          };
          const [sampled] = await sampleClues(parts, [example], sampling);
          expect(sampled!.samples).toHaveLength(2);
          const before = await readFile(sampling.path, "utf8");
          expect(await sampleClues(parts, [example], sampling)).toEqual([sampled]); // from the file
          expect(await readFile(sampling.path, "utf8")).toBe(before);
          // A random model's answers are all wrong, so that nothing can be preferred.
          const request = { paths: [clues], base: folder, ...small, window: undefined, samples: 2 };
          const rlgf = { ...request, stage: "rlgf" as const, out: third };
          await expect(trainMemoryModel(parts, rlgf)).rejects.toThrow(ConfigError);
          await rm(join(folder, "docs"), { recursive: true });
          await expect(trainMemoryModel(parts, { ...rlgf, from: second })).rejects.toThrow(InputError);
        });
      }),
    180_000,
  );
});
