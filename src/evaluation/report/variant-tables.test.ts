import { describe, expect, it } from "vitest";
import { createReport, createRun, linesOf } from "../report.suite.ts";
import type { RunConfig } from "../run-format.ts";

const start = (letter: string, initSource?: RunConfig["initSource"]) => ({
  config: { initHash: letter.repeat(16), initSource },
});
/** Rows of a section's table: name and F1. */
const rowsOf = (markdown: string, section: string) =>
  linesOf(markdown.slice(markdown.indexOf(`## ${section}`)).split("\n## ")[0]!, "| ")
    .slice(2)
    .map((line) => /^\| (.*?) \| \**([\d.]+)/.exec(line)!.slice(1));

describe("tables of variants", () => {
  it("show every run, those of equal names by the beginning of a hash", () => {
    const { markdown } = createReport([
      createRun("a/atlas", { prag: 0.5 }, start("a", "seed")),
      createRun("b/atlas+warm", { prag: 0.7 }, start("b", "adapter")),
      createRun("c/atlas+warm", { prag: 0.9 }, start("c", "adapter")),
    ]);
    expect(rowsOf(markdown, "Table 2")).toEqual([
      ["random", "50.0"],
      ["warm (bbbbbbbb)", "70.0"],
      ["warm (cccccccc)", "90.0"],
    ]);
  });

  it("call a start random that is known to be so, not the largest", () => {
    const { markdown } = createReport([
      createRun("a/atlas", { prag: 0.5, combine: 0.5 }, start("a", "adapter")),
      createRun("b/atlas", { prag: 0.7 }, start("b", "seed")),
    ]);
    expect(rowsOf(markdown, "Table 2")).toEqual([
      ["start aaaaaaaa", "50.0"],
      ["random", "70.0"],
    ]);
    const older = createReport([
      createRun("a/atlas", { prag: 0.5 }, start("a")),
      createRun("b/atlas", { prag: 0.7 }, start("b")),
    ]);
    expect(rowsOf(older.markdown, "Table 2").map(([name]) => name)).toEqual([
      "start aaaaaaaa",
      "start bbbbbbbb",
    ]);
  });

  it("show augmentations of one name", () => {
    const by = (pairs: number) => ({ config: { augmentation: { augmenter: "auto", pairs } } });
    const { markdown } = createReport([
      createRun("a/atlas", { prag: 0.5 }, by(3)),
      createRun("b/atlas", { prag: 0.7 }, by(12)),
    ]);
    const rows = rowsOf(markdown, "Table 3");
    expect(rows.map(([, f1]) => f1)).toEqual(["50.0", "70.0"]);
    for (const [name] of rows) expect(name).toMatch(/^auto \([0-9a-f]{8}\)$/);
  });
});
