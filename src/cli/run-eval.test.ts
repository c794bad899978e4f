import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import type { EngineSettings } from "../engine/config.ts";
import { hashFiles, tinySettings, withEngine, withTempFolder } from "../engine/engine.suite.ts";
import { resolveConfig } from "../engine/settings.ts";
import { loadRun } from "../evaluation/run-folder.ts";
import type { RunRecord } from "../evaluation/run-format.ts";
import { type EvalSource, planEval } from "./plan-eval.ts";
import { type EvalOptions, runEval } from "./run-eval.ts";

const articles = 5;
/** The bridges of `writeArticles`, asked for their makers; the last is a yes-or-no question of another type. */
const questions = [
  ...Array.from({ length: articles }, (_, i) => ({
    id: `q${i}`,
    question: `Who built the Orlen${i} Bridge?`,
    answers: ["Mira Tolk", "Jonas Velt"],
    type: "maker",
    contexts: [
      { title: `bridge ${i}`, text: `The Orlen${i} Bridge was built by Mira Tolk.`, supporting: true },
    ],
  })),
  { id: "closed", question: "Is there an Orlen1 Bridge?", answers: ["yes"], type: "closed" },
];

interface Changes {
  settings?: EngineSettings;
  source?: Partial<EvalSource>;
  options?: Partial<EvalOptions>;
}

async function evaluate(folder: string, { settings = {}, source = {}, options = {} }: Changes = {}) {
  const dataset = join(folder, "questions.jsonl");
  await writeFile(dataset, questions.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const tiny = tinySettings(folder, settings);
  const plan = await planEval(
    { dataset, corpus: [join(folder, "docs")], seed: 1, ...source },
    await resolveConfig(tiny),
  );
  return withEngine({ ...tiny, ...plan.settings }, ({ parts }) =>
    runEval(parts, plan, {
      methods: ["closed-book", "standard-rag", "prag"].map((id) => ({ id })),
      out: join(folder, "run"),
      seed: 1,
      ...options,
    }),
  );
}

/** A record without what the clock says. */
const untimed = ({ timings: _timings, ...record }: RunRecord) => record;
const untimedRecords = async (folder: string) => (await loadRun(join(folder, "run"))).records.map(untimed);

describe("runEval", { timeout: 300_000 }, () => {
  it("leaves a run whose second call changes nothing", () =>
    withTempFolder(async (folder) => {
      const report = await evaluate(folder);
      expect(report.methods.map(({ name }) => name)).toEqual(["closed-book", "standard-rag", "prag"]);
      expect(report).toMatchObject({ isComplete: true, answeredNow: 18, dataset: "questions" });
      expect(report.methods[0]).toMatchObject({
        questions: 6,
        byType: { maker: { questions: 5 }, closed: {} },
      });
      expect(report.retrieval).toMatchObject({ questions: 6, answerInCorpusOpen: 1, withSupport: 5 });
      expect(report.cost?.adapters).toBe(articles);
      expect(report.cost?.bytesPerAdapter).toBeGreaterThan(0);
      expect(report.comparisons).toHaveLength(
        report.comparisons.some(({ against }) => against !== "prag") ? 4 : 2,
      );
      const run = await loadRun(join(folder, "run"));
      expect(
        run.records.filter(({ method }) => method === "prag").every(({ adapters }) => adapters === 3),
      ).toBe(true);
      expect(run.questions.map(({ isClosed }) => isClosed)).toEqual([
        false,
        false,
        false,
        false,
        false,
        true,
      ]);

      const before = await hashFiles(join(folder, "run"), () => false);
      const again = await evaluate(folder);
      expect(again.answeredNow).toBe(0);
      expect(await hashFiles(join(folder, "run"), () => false)).toEqual(before);
      expect(await readdir(join(folder, "run"))).not.toContain("lock");
    }));

  it("trains nothing and changes nothing where no answer is missing, whatever other runs did since", () =>
    withTempFolder(async (folder) => {
      const adapters = async () => (await readdir(join(folder, "data", "adapters"))).length;
      const small: Changes = {
        source: { sample: 1 },
        options: { methods: [{ id: "prag", options: { limit: 1 } }] },
      };
      const { cost } = await evaluate(folder, small);
      expect([cost?.adapters, await adapters()]).toEqual([1, 1]);
      const before = await hashFiles(join(folder, "run"));
      const other = await evaluate(folder, {
        options: { methods: [{ id: "prag" }], out: join(folder, "other") },
      });
      expect([other.cost?.adapters, await adapters()]).toEqual([articles, articles]);
      await evaluate(folder, small);
      expect(await hashFiles(join(folder, "run"))).toEqual(before);
      await rm(join(folder, "data"), { recursive: true });
      await evaluate(folder, small);
      expect(await hashFiles(join(folder, "run"))).toEqual(before);
      expect(await readdir(join(folder, "data"))).not.toContain("adapters");
    }));

  it("counts the adapters that its methods use, not those that other runs made of later ranks", () =>
    withTempFolder(async (folder) => {
      await evaluate(folder, { options: { methods: [{ id: "prag" }], out: join(folder, "other") } });
      const report = await evaluate(folder, {
        source: { sample: 1 },
        options: { methods: [{ id: "prag", options: { limit: 1 } }, { id: "standard-rag" }] },
      });
      expect(report.cost?.adapters).toBe(1);
    }));

  it("goes on from any prefix of its records to the same numbers", () =>
    withTempFolder(async (folder) => {
      const { methods, comparisons } = await evaluate(folder);
      const wanted = await untimedRecords(folder);
      const path = join(folder, "run", "records.jsonl");
      const text = await readFile(path, "utf8");
      await writeFile(path, text.slice(0, Math.round(text.length * 0.4)));
      const report = await evaluate(folder);
      expect(await untimedRecords(folder)).toEqual(wanted);
      expect(report.comparisons).toEqual(comparisons);
      expect(
        report.methods.map(({ f1, em, intervals, lenient }) => ({ f1, em, intervals, lenient })),
      ).toEqual(methods.map(({ f1, em, intervals, lenient }) => ({ f1, em, intervals, lenient })));
    }));

  it("adds methods and variants to a run, and refuses another config by the field that differs", () =>
    withTempFolder(async (folder) => {
      await evaluate(folder, { options: { methods: [{ id: "standard-rag" }] } });
      const first = await untimedRecords(folder);
      const methods = [{ id: "standard-rag" }, { id: "standard-rag:one", options: { limit: 1 } }];
      const report = await evaluate(folder, { options: { methods } });
      expect(report.methods.map(({ name }) => name)).toEqual(["standard-rag", "standard-rag:one"]);
      const records = await untimedRecords(folder);
      expect(records.slice(0, 6)).toEqual(first);
      expect(records.slice(6).every(({ retrieved }) => retrieved.length === 1)).toBe(true);

      const twice = { options: { methods: [{ id: "closed-book" }, { id: "closed-book" }] } };
      await expect(evaluate(folder, twice)).rejects.toThrow(/"closed-book" is named twice/);
      const refused = async (changes: Changes, message: RegExp) => {
        await expect(
          evaluate(folder, { ...changes, options: { methods, ...changes.options } }),
        ).rejects.toThrow(ConfigError);
        await expect(
          evaluate(folder, { ...changes, options: { methods, ...changes.options } }),
        ).rejects.toThrow(message);
      };
      await refused({ settings: { limit: 2 } }, /answering\.limit 3, but this call has 2/);
      await refused({ source: { sample: 4 } }, /dataset\.hash/);
      await refused({ options: { seed: 2 } }, /a run with seed 1, but this call has 2/);
      await refused({ settings: { recipe: { updates: 3 } } }, /recipe\./);
      await refused(
        { options: { methods: [{ id: "standard-rag:one", options: { limit: 2 } }] } },
        /one\.options\.limit/,
      );
    }));

  it("refuses wrong numbers of a method, and another seed for the folder, before the corpus is ingested", () =>
    withTempFolder(async (folder) => {
      const wrong = {
        settings: { methodOptions: { flare: { teta: 1 } } },
        options: { methods: [{ id: "flare" }] },
      };
      await expect(evaluate(folder, wrong)).rejects.toThrow(/flare.*teta/);
      await evaluate(folder, {
        options: { methods: [{ id: "closed-book" }] },
        source: { corpus: undefined },
      });
      await expect(evaluate(folder, { options: { seed: 2 } })).rejects.toThrow(/seed 1.*this call has 2/);
      expect(await readdir(join(folder, "data"))).not.toContain("collections");
    }));

  it("retrieves from the questions' own paragraphs, several questions in flight, no texts kept", () =>
    withTempFolder(async (folder) => {
      const report = await evaluate(folder, {
        source: { corpus: "contexts" },
        options: { inFlight: 3, withoutTexts: true, methods: [{ id: "standard-rag" }] },
      });
      expect(report.retrieval).toMatchObject({
        answerRecall: { 1: expect.any(Number) },
        supportRecall: { 1: 1 },
      });
      const text = await readFile(join(folder, "run", "records.jsonl"), "utf8");
      expect(text).not.toMatch(/Orlen|Mira/);
      const { config } = await loadRun(join(folder, "run"));
      expect(config.corpus).toMatchObject({ name: "contexts", passages: articles });
    }));

  it("refuses to leave texts out of a run that keeps them, and the other way round", () =>
    withTempFolder(async (folder) => {
      const ask = (out: string, withoutTexts: boolean) =>
        evaluate(folder, {
          source: { corpus: undefined },
          options: { methods: [{ id: "closed-book" }], out: join(folder, out), withoutTexts },
        });
      await ask("with", false);
      await ask("without", true);
      await expect(ask("with", true)).rejects.toThrow(/with their texts, but this call leaves them out/);
      await expect(ask("without", false)).rejects.toThrow(/without their texts, but this call keeps them/);
      expect((await ask("without", true)).answeredNow).toBe(0);
    }));

  it("lets passages without an adapter count, but not as the paper's code, for any method", () =>
    withTempFolder(async (folder) => {
      const noise = "Orlen0 Orlen1 Orlen2 Orlen3 Orlen4 bridge built who";
      await writeFile(join(folder, "docs", "noise.txt"), noise);
      const methods = [{ id: "standard-rag" }, { id: "prag" }];
      const plain = await evaluate(folder, { options: { methods } });
      const noiseId = (await loadRun(join(folder, "run"))).questions[0]?.retrieved[0] ?? "";
      expect(plain.methods.map(({ fallbacks }) => fallbacks)).toEqual([0, 6]);
      const settings: EngineSettings = { compat: "reference", recipe: { epochs: 1 } };
      const kept = await evaluate(folder, { settings, options: { methods, out: join(folder, "kept") } });
      expect(kept.methods.map(({ fallbacks }) => fallbacks)).toEqual([0, 0]);
      const { records, questions: rows } = await loadRun(join(folder, "kept"));
      expect(rows[0]?.retrieved[0]).toBe(noiseId);
      for (const { retrieved } of records) {
        expect(retrieved).toHaveLength(3);
        expect(retrieved).not.toContain(noiseId);
      }
    }));

  it("augments what DA-RAG shows, without training for it", () =>
    withTempFolder(async (folder) => {
      const report = await evaluate(folder, {
        options: { methods: ["da-rag", "standard-rag"].map((id) => ({ id, options: { limit: 1 } })) },
      });
      const [daRag, plain] = report.methods;
      expect(daRag?.promptTokens).toBeGreaterThan(plain?.promptTokens ?? 0);
      expect(report.cost).toBeNull();
      expect(await readdir(join(folder, "data"))).not.toContain("adapters");
    }));

  it("counts prompts that do not fit, and scores them 0", () =>
    withTempFolder(async (folder) => {
      const report = await evaluate(folder, {
        settings: { maxTokens: 100_000 },
        options: { methods: [{ id: "closed-book" }] },
      });
      expect(report.methods[0]).toMatchObject({ tooLong: 6, failed: 0, f1: 0, answerPresence: 0 });
    }));

  it("runs without a corpus where no method retrieves", () =>
    withTempFolder(async (folder) => {
      const report = await evaluate(folder, {
        source: { corpus: undefined },
        options: { methods: [{ id: "closed-book" }] },
      });
      expect(report).toMatchObject({ retrieval: null, cost: null, isComplete: true });
    }));
});
