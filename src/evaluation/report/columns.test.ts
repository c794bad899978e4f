import { describe, expect, it } from "vitest";
import { createReport, createRun, linesOf, someMethods } from "../report.suite.ts";
import { someConfig } from "../run.suite.ts";
import type { RunConfig } from "../run-format.ts";

const { dataset, answering } = someConfig();
const named = (name: string, hash = dataset.hash) => ({ dataset: { ...dataset, name, hash } });
const headOf = (markdown: string) => linesOf(markdown, "| method |")[0];

describe("columns of a report", () => {
  it("show every dataset, in whatever script its name is written", () => {
    const { markdown, figures } = createReport(
      ["вопросы", "ответы"].map((name) => createRun(`runs/${name}`, someMethods, { config: named(name) })),
    );
    expect(headOf(markdown)).toBe("| method | вопросы (20) | ответы (20) |");
    expect([...figures.keys()].filter((name) => name.includes("prompt-tokens"))).toHaveLength(2);
  });

  it("tell two datasets of one name apart, and know two samples of one", () => {
    const other = createRun("b/questions", { prag: 0.9 }, { config: named("questions", "b".repeat(64)) });
    for (const row of other.questions) row.hash = "b".repeat(16);
    for (const record of other.records) record.questionHash = "b".repeat(16);
    const first = createRun("a/questions", someMethods, { config: named("questions") });
    const sample = { questions: 10, config: named("questions", "c".repeat(64)) };
    const { markdown } = createReport([first, other, createRun("c/questions", someMethods, sample)]);
    expect(headOf(markdown)).toBe("| method | questions 01234567 (20) | questions bbbbbbbb (20) |");
    expect(linesOf(markdown, "| prag |")[0]).toMatch(/50\.0.*90\.0/);
  });

  const others: [string, Partial<RunConfig>][] = [
    ["retriever dense (00000000)", { retriever: { name: "dense" } }],
    ["k 5", { answering: { ...answering, limit: 5 } }],
    ["shots 4", { answering: { ...answering, shots: 4 } }],
    ["chain of thought yes", { answering: { ...answering, chainOfThought: true } }],
    ["merge mean × 1", { merge: { weights: "mean", scale: 1 } }],
    ["settings 00000000", { answering: { ...answering, maxTokens: 5 } }],
  ];
  it.each(others)("show a run beside another one of its dataset: %s", (label, config) => {
    const runs = [createRun("a/atlas", someMethods), createRun("b/atlas", { prag: 0.9 }, { config })];
    const { markdown } = createReport(runs);
    const bare = (text: string) => text.replace(/[0-9a-f]{8}/g, "00000000");
    expect(bare(headOf(markdown)!)).toBe(`| method | atlas (20) | ${bare(`atlas, ${label}`)} (20) |`);
    expect(linesOf(markdown, "| prag |")[0]).toMatch(/50\.0.*90\.0/);
    expect(markdown).not.toContain("In no table");
    const settings = markdown.slice(markdown.indexOf("## Settings"));
    expect(settings).toContain("| retriever | k | chain of thought | shots |");
  });

  it("name a run by its variant, and show methods that the main run lacks", () => {
    const { markdown } = createReport([
      createRun("runs/atlas", someMethods),
      createRun("runs/atlas+dense", { prag: 0.9 }, { config: { retriever: { name: "dense" } } }),
      createRun("more/atlas", { flare: 0.7 }),
    ]);
    expect(headOf(markdown)).toMatch(
      /atlas \(20\) \| atlas, dense \(20\) \| atlas, flare \([0-9a-f]{8}\) \(20\) \|/,
    );
  });

  it("show the other methods of a run that has a row among variants", () => {
    const config = { initHash: "f".repeat(16) };
    const { markdown } = createReport([
      createRun("runs/atlas", someMethods),
      createRun("runs/atlas+warm", { prag: 0.9 }, { config }),
      createRun("runs/atlas+warmer", { prag: 0.7, combine: 0.8 }, { config: { initHash: "e".repeat(16) } }),
    ]);
    expect(headOf(markdown)).toBe("| method | atlas (20) | atlas, warmer (20) |");
    expect(linesOf(markdown, "| warm")).toHaveLength(2);
  });

  it("leave out what repeats one of them, and say so", () => {
    const { markdown } = createReport([
      createRun("table1/atlas", someMethods),
      createRun("table2/atlas", { prag: 0.5 }, { questions: 10 }),
      createRun("controls/atlas", { prag: 0.5, "prag:shuffled": 0.1 }),
      createRun("other/atlas+new", {}),
    ]);
    expect(headOf(markdown)).toBe("| method | atlas (20) |");
    expect(markdown).toContain("In no table: table2/atlas (repeats atlas), atlas+new (no answer yet).");
  });
});
