import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { feedForwardModules } from "../adapters/adapter.ts";
import { createInitialAdapter } from "../adapters/initialise.ts";
import { writeJson } from "../base/files.ts";
import { openJsonl } from "../base/jsonl.ts";
import { Random } from "../base/random.ts";
import { compareAdapters } from "./controls.ts";
import { niceTicks } from "./report/plot.ts";
import { createReport, createRun, rounds, someMethods } from "./report.suite.ts";
import { writeReport } from "./report.ts";
import { someConfig } from "./run.suite.ts";

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>|*_\`&lt;\u0007`;

const methods = someMethods;

describe("report", () => {
  it("is one page that fetches nothing, with a table per dataset and our numbers beside the paper's", () => {
    const dataset = { ...someConfig().dataset, name: "hotpotqa_dev_first302" };
    const { html, markdown } = createReport([
      createRun("runs/atlas", methods),
      createRun("runs/hotpotqa", methods, { config: { dataset } }),
    ]);
    const { document } = parseHTML(html);
    expect([...document.querySelectorAll("script, link, img, iframe, [src]")]).toEqual([]);
    expect(html).not.toMatch(/url\(|@import|https?:\/\/(?!www\.w3\.org)/);
    expect(html).toContain("prefers-color-scheme: dark");
    const [first] = [...document.querySelectorAll("table")];
    const rows = [...first!.querySelectorAll("tbody tr")].map((row) => row.textContent.trim());
    expect(rows.find((row) => row.startsWith("prag"))).toMatch(/^prag50\.0‡?\d/);
    expect(rows.some((row) => row.startsWith("paper: prag") && row.includes("20.0"))).toBe(true);
    expect(markdown).toContain("| prag | **50.0**");
    expect(markdown).toContain("compat none");
  });

  it("calls the mean of a sample with as many questions of each type what it is, and shows no total of the paper's beside it", () => {
    const { dataset } = someConfig();
    const sample = { ...dataset.sample, size: 10, order: "first-per-type" as const };
    const config = { dataset: { ...dataset, name: "hotpotqa", sample } };
    const { markdown } = createReport([createRun("runs/hotpotqa", methods, { config })]);
    const rows = markdown.split("\n");
    const heads = rows.filter((row) => row.startsWith("| method |"));
    expect(heads[0]).toContain("hotpotqa (mean of types, 20)");
    expect(heads[1]).toContain("| mean of types (20) | comparison (10) |");
    const plain = createReport([createRun("runs/hotpotqa", methods)]).markdown;
    expect(plain).toContain("| total (20) | comparison (10) |");
    const paper = rows.filter((row) => row.includes("paper: prag"));
    expect(paper).toHaveLength(1); // by type alone
    expect(paper[0]).toContain("| *–* |");
  });

  it("does not take the order of a sample for what the sample is", () => {
    const { dataset } = someConfig();
    const runOf = (size: number | null, questions: number) => {
      const sample = { ...dataset.sample, size, order: "first-per-type" as const };
      return createRun("runs/hotpotqa", methods, {
        questions,
        config: { dataset: { ...dataset, name: "hotpotqa", sample } },
      });
    };
    const whole = createReport([runOf(null, 20)]).markdown; // of all questions nothing is drawn
    expect(whole).toContain("| total (20) | comparison (10) |");
    expect(whole).toMatch(/paper: prag\* \| \*20\.0\*/);
    const uneven = createReport([runOf(11, 21)]).markdown; // one type has fewer than were asked for
    expect(uneven).toContain("| total (21) | comparison (11) | bridge (10) |");
    expect(uneven).toMatch(/paper: prag\* \| \*–\*/); // but it is not the dataset's total
  });

  it("knows a run over long texts and one over passages of the same dataset apart", () => {
    const { dataset } = someConfig();
    const { markdown, figures } = createReport([
      createRun("runs/table1/atlas", methods),
      createRun(
        "runs/memorag/atlas",
        { memorag: 0.7 },
        { config: { dataset: { ...dataset, format: "longbench" } } },
      ),
    ]);
    expect(markdown).toContain("Table 1: methods");
    expect(markdown).toContain("| memorag | **70.0**");
    expect([...figures.keys()]).toEqual(
      expect.arrayContaining(["figures/atlas-prompt-tokens.svg", "figures/atlas-long-prompt-tokens.svg"]),
    );
  });

  it("marks what differs from P-RAG, and the best", () => {
    const { markdown } = createReport([createRun("runs/atlas", methods, { questions: 60 })]);
    const line = (name: string) => markdown.split("\n").find((one) => one.startsWith(`| ${name} |`));
    expect(line("closed-book")).toMatch(/\| 10\.0†‡ \(/);
    expect(line("prag")).toMatch(/\| \*\*50\.0\*\* \(/);
    expect(line("prag:shuffled")).toMatch(/\| 0\.0 .*−50\.0/);
  });

  it("shows a hostile text as text, in HTML and in Markdown", () => {
    const { html, markdown } = createReport([createRun("runs/atlas", methods, { text: hostile })]);
    const { document } = parseHTML(html);
    expect([...document.querySelectorAll("script, img")]).toEqual([]);
    expect(document.querySelector("main")!.textContent).toContain("<script>alert(1)</script>");
    expect(markdown).not.toMatch(/<script|<img/);
    const table = markdown.split("\n").filter((line) => line.includes("alert"));
    expect(table.length).toBeGreaterThan(0);
    for (const line of table) expect(line.replaceAll("\\|", "").split("|")).toHaveLength(8);
  });

  it("shows hostile names as text, and writes no file but its own", () => {
    const names = ["../../escaped/x", `x.svg)${hostile}`, "../../escaped\\x", "CON/../..", "a".repeat(500)];
    const sweep = Object.fromEntries([1, 2, 3].map((k) => [`prag:k${k}`, 0.5 / k]));
    const runs = names.flatMap((name, i) => {
      const dataset = { ...someConfig().dataset, name, hash: `${i}`.repeat(16) };
      return ["", "+sweep", `+${hostile}`].map((variant) =>
        createRun(`runs/${i}${variant}`, { ...methods, [hostile]: 0.3, ...sweep }, { config: { dataset } }),
      );
    });
    const { html, markdown, figures } = createReport(runs, { shareable: names });
    const { document } = parseHTML(html);
    expect([...document.querySelectorAll("script, img")]).toEqual([]);
    expect(document.querySelector("main")!.textContent).toContain("<script>alert(1)</script>");
    expect(markdown).not.toMatch(/<script|<img/);
    for (const name of figures.keys()) expect(name).toMatch(/^figures\/[\w.-]{1,124}\.svg$/);
    const shown = [...markdown.matchAll(/^!\[.*\]\((.*?)\)$/gm)].map(([, name]) => name!);
    expect(new Set(shown).size).toBe(shown.length); // none stands in the place of another
    expect(shown.sort()).toEqual([...figures.keys()].sort());
    for (const svg of figures.values()) expect(svg).not.toMatch(/<script|<img/);
  });

  it("keeps the texts of datasets that may not be passed on to itself", () => {
    const dataset = { ...someConfig().dataset, name: "popqa" };
    const run = createRun("runs/popqa", methods, { text: "secret words", config: { dataset } });
    const { html, markdown, figures } = createReport([run]);
    for (const file of [html, markdown, ...figures.values()]) expect(file).not.toContain("secret words");
    expect(html).toContain("q4 (01234567)");
    expect(createReport([run], { shareable: ["popqa"] }).html).toContain("secret words");
  });

  it("sets runs side by side that differ in one thing, on the questions that all answered", () => {
    const recipe = (without: string) => ({ recipe: { name: "packed", pattern: "product", without } });
    const { markdown } = createReport([
      createRun("runs/atlas", methods, { questions: 20 }),
      createRun(
        "runs/atlas+warm",
        { prag: 0.9 },
        { questions: 10, config: { initHash: "fedcba9876543210" } },
      ),
      createRun("runs/atlas+own-model", { prag: 0.4 }, { config: { augmentation: { augmenter: "model" } } }),
      createRun("runs/atlas+figure3-both", { prag: 0.6 }, { config: recipe("none") }),
      createRun("runs/atlas+figure3-qa", { prag: 0.2 }, { config: recipe("qa") }),
    ]);
    const row = (start: string) => markdown.split("\n").find((line) => line.startsWith(start));
    expect(row("| start |")).toBe("| start | atlas (10) |");
    expect(row("| random |")).toMatch(/100\.0|\*\*100\.0/); // the first half of the questions, all right
    expect(row("| warm |")).toMatch(/90\.0/);
    expect(row("| own-model |")).toMatch(/40\.0/);
    expect(row("| rewrite only |")).toMatch(/20\.0/);
    expect(row("| both |")).toMatch(/60\.0/);
  });

  it("draws curves by number of passages", () => {
    const sweep = Object.fromEntries(
      [1, 2, 3, 10].flatMap((k) => [
        [`prag:k${k}`, 0.5 / k],
        [`combine:k${k}`, 0.1],
      ]),
    );
    const { html, figures } = createReport([createRun("runs/atlas+sweep", sweep)]);
    expect([...figures.keys()]).toEqual(expect.arrayContaining(["figures/atlas-sweep-f1.svg"]));
    const { document } = parseHTML(html);
    const figure = [...document.querySelectorAll("figure svg")].find((svg) =>
      svg.getAttribute("aria-label")?.includes("F1 (%) by passages"),
    )!;
    expect([...figure.querySelectorAll("polyline")]).toHaveLength(2);
    expect([...figure.querySelectorAll("circle")]).toHaveLength(8);
  });

  it("keeps models and compatibility apart, each with figures of its own", () => {
    const runs = ["none", "reference"].map((compat) =>
      createRun(`runs/${compat}/atlas`, methods, { config: { compat } }),
    );
    const { html, figures } = createReport(runs);
    expect(html).toContain("Table 1: methods (tiny, compat none)");
    expect(html).toContain("Table 1: methods (tiny, compat reference)");
    expect([...figures.keys()].filter((name) => name.includes("prompt-tokens"))).toHaveLength(2);
  });

  it("is written from run folders, and the same again comes out byte for byte", async () => {
    const root = await mkdtemp(join(tmpdir(), "prag-report-"));
    // Another method was begun after the summary was written.
    const dataset = { ...someConfig().dataset, questions: 20 };
    const run = createRun(join(root, "atlas"), { ...methods, dragin: 1 }, { config: { dataset } });
    run.records.pop();
    try {
      await writeJson(join(run.folder, "config.json"), run.config);
      for (const [name, rows] of [
        ["questions.jsonl", run.questions],
        ["records.jsonl", run.records],
      ] as const) {
        const file = await openJsonl(join(run.folder, name));
        for (const row of rows) await file.append(row);
        await file.close();
      }
      const paths = await writeReport([run.folder], join(root, "report"), { rounds });
      expect(paths).toContain(join(root, "report", "report.html"));
      const first = await readFile(paths[0]!, "utf8");
      await writeReport([run.folder], join(root, "report"), { rounds });
      expect(await readFile(paths[0]!, "utf8")).toBe(first);
      expect(first).toContain("Not finished: atlas");
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });

  it("does not depend on the order in which questions were answered", () => {
    const sweep = Object.fromEntries([1, 2, 3].map((k) => [`prag:k${k}`, 0.5 / k]));
    const run = createRun("runs/atlas", { ...methods, ...sweep });
    const shuffled = { ...run, records: new Random("order").shuffle(run.records) };
    expect(createReport([shuffled])).toEqual(createReport([run]));
  });

  it.each(["constructor", "toString", "__proto__"])("is not confused by a dataset named %s", (name) => {
    const { dataset, recipe } = someConfig();
    const shares = { ...methods, constructor: 0.5 };
    const runs = ["jsonl", "longbench"].flatMap((format) =>
      ["", "+none", "+other"].map((variant) =>
        createRun(`${format}/x${variant}`, shares, {
          config: {
            dataset: { ...dataset, name, format },
            ...(variant && { recipe: { ...recipe, without: variant === "+other" ? name : "none" } }),
            initHash: (variant === "+other" ? "f" : "e").repeat(16),
          },
        }),
      ),
    );
    const { markdown } = createReport(runs);
    expect(markdown).toContain("## Table 1");
    expect(markdown).not.toMatch(/paper: prag|published: |native code|NaN|undefined/);
  });

  it("refuses runs without an answer", () => {
    expect(() => createReport([createRun("runs/atlas", {})])).toThrow(/prag eval/);
  });
});

describe("similarity of adapters", () => {
  it("tells documents apart that differ, and not those that are the same", () => {
    const shapes = [{ name: "layers.0.mlp.up_proj", inFeatures: 16, outFeatures: 8 }];
    const config = {
      rank: 2,
      alpha: 4,
      targetModules: feedForwardModules.filter((name) => name === "up_proj"),
    };
    const random = new Random("similarity");
    const drawn = (documentId: string, like?: Float32Array) => {
      const adapter = createInitialAdapter(shapes, config, "same start");
      const up = adapter.modules.get("layers.0.mlp.up_proj")!.up;
      up.set(like ?? up.map(() => random.normal()));
      return { documentId, adapter, up };
    };
    const a = drawn("a");
    const items = [a, drawn("a", a.up), drawn("b"), drawn("c")];
    const report = compareAdapters("atlas", items, { random });
    expect(report).toMatchObject({ adapters: 4, within: { pairs: 1 }, between: { pairs: 5 } });
    expect(report.within.mean).toBeCloseTo(1, 5);
    expect(Math.abs(report.between.mean)).toBeLessThan(0.9);
  });
});

describe("ticks", () => {
  it.each([
    [0, 1],
    [0, 37],
    [0.2, 0.21],
    [0, 12_345],
    [5, 5],
  ])("enclose %d to %d in few round numbers", (low, high) => {
    const ticks = niceTicks(low, high);
    expect(ticks.length).toBeGreaterThanOrEqual(2);
    expect(ticks.length).toBeLessThanOrEqual(9);
    expect(ticks[0]).toBeLessThanOrEqual(low);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(high);
  });
});
