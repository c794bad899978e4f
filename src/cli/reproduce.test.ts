import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hashFiles } from "../engine/engine.suite.ts";
import { prag, withWorkFolder } from "./cli.suite.ts";
import { createProgram } from "./program.ts";
import { planRuns, targets } from "./reproduce-plan.ts";
import { atlas, findSets, setsLackingTexts } from "./reproduce-sets.ts";
import { createTerminal } from "./terminal.ts";

const popqa = {
  name: "popqa" as const,
  source: { dataset: "popQA.tsv", corpus: ["p.tsv"] },
  isShareable: false,
};
const hotpot = { ...popqa, name: "hotpotqa" as const };
const plain = { sets: [atlas, popqa], compat: "none" as const };

describe("the plan of a reproduction", () => {
  it.each(targets)("of %s has runs with names and methods of their own", (target) => {
    const runs = planRuns(target, { ...plain, warm: "warm" });
    expect(new Set(runs.map(({ name }) => name)).size).toBe(runs.length);
    for (const { methods } of runs) {
      expect(methods.length).toBeGreaterThan(0);
      expect(new Set(methods.map(({ id }) => id)).size).toBe(methods.length);
    }
  });

  it("leaves a dataset out whose questions bring no texts along where there is no corpus, or says so at once", () =>
    withWorkFolder(async (folder) => {
      await mkdir(join(folder, "data"));
      const row = JSON.stringify({ id: "a", question: "Who?", answers: ["Mira"] });
      await writeFile(join(folder, "data", "popqa.jsonl"), `${row}\n`);
      const contexts = [{ title: "Mira", text: "Mira built it.", supporting: true }];
      const other = JSON.stringify({ id: "b", question: "Who?", answers: ["Mira"], contexts });
      await writeFile(join(folder, "data", "hotpotqa.jsonl"), `${other}\n`);
      const sets = await findSets(join(folder, "data"), undefined);
      expect(sets.map(({ name }) => name)).toEqual(["atlas", "hotpotqa", "popqa"]);
      expect((await setsLackingTexts(sets)).map(({ name }) => name)).toEqual(["popqa"]);
      const refused = await prag(folder, ["reproduce", "table1", "--data", "data", "--sets", "popqa"]);
      expect(refused).toMatchObject({ code: 4, stdout: "" });
      expect(refused.stderr).toMatch(/popqa: the questions bring no texts along.*psgs_w100\.tsv/s);
    }));

  it("asks the whole atlas and the first questions of the others, or as many as wanted", () => {
    const samples = (options: object) =>
      planRuns("table1", { ...plain, ...options }).map(({ sample }) => sample);
    expect(samples({})).toEqual([undefined, 300]);
    expect(samples({ sample: 12 })).toEqual([12, 12]);
  });

  it("compares starts, augmenters and parts of the augmentation in runs that differ in that alone", () => {
    const runs = planRuns("table2", { ...plain, warm: "warm" });
    expect(runs.map(({ name, settings }) => [name, settings])).toEqual([
      ["atlas", { initAdapter: null }],
      ["atlas+warm", { initAdapter: "warm" }],
      ["popqa", { initAdapter: null }],
      ["popqa+warm", { initAdapter: "warm" }],
    ]);
    expect(() => planRuns("table2", plain)).toThrow(/--warm-data/);
    const third = planRuns("table3", { ...plain, augmentModels: ["./models/first+mini/"] });
    expect(third.map(({ name }) => name)).toEqual([
      "atlas+rule",
      "atlas+own-model",
      "atlas+first-mini",
      "atlas+authored",
      "popqa+rule",
      "popqa+own-model",
      "popqa+first-mini",
    ]);
    const parts = planRuns("figure3", { ...plain, sets: [atlas] }).map(
      ({ settings }) => settings.recipe?.without,
    );
    expect(parts).toEqual(["none", "rewrite", "qa", "both"]);
  });

  it("reasons on the multi-hop sets and trains twice on PopQA where the paper's code does", () => {
    const runs = planRuns("table1", { sets: [atlas, hotpot, popqa], compat: "reference" });
    expect(runs.map(({ settings }) => settings)).toEqual([{}, { cot: true }, { recipe: { epochs: 2 } }]);
    const qwen = { sets: [hotpot], compat: "reference", model: "Qwen/Qwen2.5-1.5B-Instruct" } as const;
    expect(planRuns("table1", qwen)[0]!.settings).toEqual({ cot: true, recipe: { epochs: 2 } });
  });
});

describe("datasets of a folder", () => {
  it("are told by the names of their files, with the corpus beside them", async () => {
    const folder = await mkdtemp(join(tmpdir(), "prag-sets-"));
    try {
      await mkdir(join(folder, "2wikimultihopqa"));
      const names = ["2wikimultihopqa/dev.json", "hotpot_dev_distractor_v1.json", "popQA.tsv", "other.jsonl"];
      for (const name of names) await writeFile(join(folder, name), "");
      const own = await findSets(folder, undefined);
      expect(own.map(({ name }) => name)).toEqual(["atlas", "2wikimultihopqa", "hotpotqa", "popqa"]);
      expect(own[2]!.source).toEqual({ dataset: join(folder, names[1]!), corpus: "contexts" });
      await writeFile(join(folder, "psgs_w100.tsv"), "");
      const [found] = await findSets(folder, ["popqa"]);
      expect(found!.source.corpus).toEqual([join(folder, "psgs_w100.tsv")]);
      await expect(findSets(folder, ["complexwebquestions"])).rejects.toThrow(/no file of complexweb/);
      await expect(findSets(folder, ["squad"])).rejects.toThrow(/datasets are atlas/);
      expect((await findSets(undefined, undefined)).map(({ name }) => name)).toEqual(["atlas"]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** Runs a command in this process; returns what it printed. */
async function call(cwd: string, words: readonly string[]): Promise<string> {
  let printed = "";
  const stdout = { write: (text: string) => (printed += text) };
  const program = createProgram({
    terminal: createTerminal(stdout, { write: () => true }, {}),
    signal: new AbortController().signal,
    env: {},
    cwd,
    clock: () => performance.now(),
    stdin: process.stdin,
  });
  const config = ["--config", join(cwd, "prag.config.json")];
  await program.parseAsync([...words, ...config], { from: "user" });
  return printed;
}

describe("prag reproduce", () => {
  it(
    "plans, runs what is missing, writes the page, and the same again changes nothing but times",
    () =>
      withWorkFolder(async (folder) => {
        await writeFile(
          join(folder, "train.jsonl"),
          '{"question": "Where is Quern?", "answers": ["In Dray"]}\n',
        );
        const words = [
          "reproduce",
          "table2",
          "--sets",
          "atlas",
          "--sample",
          "2",
          "--warm-data",
          join(folder, "train.jsonl"),
        ];
        const out = ["--out", join(folder, "runs"), "--json"];
        await mkdir(join(folder, "runs", "table2", "warm"), { recursive: true }); // as an interrupt leaves it
        const plan = JSON.parse(await call(folder, [...words, ...out, "--plan"]));
        expect(plan.runs).toMatchObject([
          { name: "atlas", questions: 2, answers: 2, isExact: true },
          { name: "atlas+warm", questions: 2, answers: 2 },
        ]);
        expect(plan.runs[1].toEncode).toBe(plan.runs[1].passages);
        const { runs, files } = JSON.parse(await call(folder, [...words, ...out]));
        expect(runs).toMatchObject([
          { name: "atlas", isComplete: true, methods: [{ name: "prag", questions: 2 }] },
          { name: "atlas+warm", isComplete: true },
        ]);
        const page = await readFile(files[0], "utf8");
        expect(page).toContain("Table 2: the start of adapters");
        const before = await hashFiles(join(folder, "runs"));
        await call(folder, [...words, ...out]);
        expect(await hashFiles(join(folder, "runs"))).toEqual(before);
        const page2 = ["report", "runs/table2/atlas", "runs/table2/warm", "--out", "page", "--json"];
        const written = JSON.parse(await call(folder, page2));
        expect(written.runs).toEqual([join(folder, "runs", "table2", "atlas")]); // the other holds no run
        expect(await readFile(join(folder, "page", "report.md"), "utf8")).toContain("Table 1");
        await expect(call(folder, ["report", "docs"])).rejects.toThrow(/no config.json/);
      }),
    120_000,
  );
});

describe("options of a reproduction", () => {
  it.each([
    [
      "table2",
      ["--methods", "prag"],
      /--methods is for table1, table4, memorag, and has no effect on table2/,
    ],
    ["table1", ["--init-adapter", "warm"], /--init-adapter is for table2/],
    ["controls", ["--warm-data", "train.jsonl"], /--warm-data is for table2/],
    ["table2", ["--warm-count", "5", "--init-adapter", "warm"], /--warm-count draws from --warm-data/],
    ["figure3", ["--augment-models", "m"], /--augment-models is for table3/],
    ["table1", ["--ratio", "4"], /--ratio is for memorag/],
    ["table4", ["--memory-model", "m"], /--memory-model is for memorag/],
    ["sweep", ["--answer-model", "m"], /--answer-model is for memorag/],
    ["sweep", ["--limit", "5"], /--limit is for .*has no effect on sweep/],
    ["table4", ["--in-flight", "4"], /--in-flight is for .*has no effect on table4/],
    ["memorag", ["--in-flight", "4"], /--in-flight is for .*has no effect on memorag/],
  ])("of %s: %j is refused where it would be ignored", async (target, words, message) => {
    await expect(call(".", ["reproduce", target, ...words])).rejects.toThrow(message);
  });

  it.each(["--augmentations", "--max-words"])(
    "%s of an evaluation is refused without a corpus",
    async (flag) => {
      const words = ["eval", "--dataset", "none.jsonl", "--out", "none", flag, "5"];
      await expect(call(".", words)).rejects.toThrow(new RegExp(`${flag} is for a corpus`));
    },
  );
});

describe("prag reproduce controls", () => {
  it(
    "compares the adapters of its own passages, once, whatever other runs train in the same collection",
    () =>
      withWorkFolder(async (folder) => {
        const out = ["--sets", "atlas", "--out", join(folder, "runs"), "--json"];
        const table = (sample: string) =>
          call(folder, ["reproduce", "table1", "--methods", "prag", "--sample", sample, ...out]);
        const controls = () => call(folder, ["reproduce", "controls", "--sample", "2", ...out]);
        await table("8");
        await controls();
        const run = join(folder, "runs", "controls", "atlas");
        const jsonOf = async (file: string) => JSON.parse(await readFile(join(run, file), "utf8"));
        const { adapters } = await jsonOf("similarity.json");
        expect(adapters).toBeLessThanOrEqual(6);
        expect((await jsonOf("summary.json")).cost.adapters).toBe(adapters);
        const before = await hashFiles(run);
        await rm(join(folder, "runs", "table1"), { recursive: true });
        await table("14");
        await controls();
        expect(await hashFiles(run)).toEqual(before);
      }),
    120_000,
  );
});

describe("prag reproduce table3", () => {
  it(
    "lets another model augment anew where settings differ, and for the paper's code as many passages as may move up",
    () =>
      withWorkFolder(async (folder) => {
        await cp(join(folder, "model"), join(folder, "other"), { recursive: true });
        const words = ["reproduce", "table3", "--sets", "atlas", "--sample", "1", "--limit", "1", "--json"];
        const made = async (out: string, more: readonly string[] = []) => {
          await call(folder, [
            ...words,
            "--augment-models",
            join(folder, "other"),
            "--out",
            join(folder, out),
            ...more,
          ]);
          const names = (await readdir(join(folder, ".prag", "eval"))).filter((name) =>
            /^augmented/.test(name),
          );
          const files = names.map((name) => readFile(join(folder, ".prag", "eval", name), "utf8"));
          return (await Promise.all(files))
            .map((text) => text.trimEnd().split("\n").length)
            .sort((a, b) => a - b);
        };
        expect(await made("runs")).toEqual([1]);
        expect(await made("again")).toEqual([1]);
        const path = join(folder, "prag.config.json");
        const settings = JSON.parse(await readFile(path, "utf8"));
        await writeFile(path, JSON.stringify({ ...settings, augment: { ...settings.augment, pairs: 2 } }));
        expect(await made("pairs")).toEqual([1, 1]);
        expect(await made("kept", ["--compat", "reference"])).toEqual([1, 1, 11]);
      }),
    240_000,
  );
});

describe("prag warmup", () => {
  it(
    "writes the start, keeps the curve of the loss, and says what is wrong with data and numbers",
    () =>
      withWorkFolder(async (folder) => {
        const rows = ["Dray", "Tarn", "Quern"].map((answer) => ({
          question: `Where is ${answer}?`,
          answers: [answer],
        }));
        await writeFile(join(folder, "train.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
        const words = ["warmup", "--data", "train.jsonl", "--out", "warm", "--json"];
        const report = JSON.parse(await call(folder, [...words, "--epochs", "2"]));
        expect(report).toMatchObject({ pairs: 3, updates: 6, resumedAt: 0, dropped: 0 });
        expect(await readFile(join(folder, "warm", "loss.svg"), "utf8")).toContain("<polyline");
        expect(JSON.parse(await readFile(join(folder, "warm", "warm-up.json"), "utf8"))).toMatchObject({
          data: "train.jsonl",
          losses: report.losses,
          initHash: report.initHash,
        });
        await expect(call(folder, [...words, "--epochs", "3"])).rejects.toThrow(
          /other data, model or settings/,
        );
        await expect(call(folder, [...words, "--batch", "0"])).rejects.toThrow(/--batch must be above 0/);
        await expect(call(folder, [...words, "--cot"])).rejects.toThrow(/none of 3 rows/);
      }),
    60_000,
  );
});
