import { describe, expect, it } from "vitest";
import { createReport, createRun, linesOf } from "../report.suite.ts";
import { estimate } from "./runs.ts";

/** Shares of right answers by number of passages. */
const sweepOf = (share: number) =>
  Object.fromEntries([1, 2, 3].map((k) => [`prag:k${k}`, (10 * share - k) / 10]));

describe("sweeps of one dataset", () => {
  it("each show their own numbers under names of their own", () => {
    const { markdown } = createReport([
      createRun("a/atlas", sweepOf(0.4)),
      createRun("b/atlas+sweep", sweepOf(0.6), { config: { retriever: { name: "dense" } } }),
      createRun("c/atlas+sweep", sweepOf(0.8), { config: { retriever: { name: "dense" } } }),
      createRun("d/atlas+sweep-negatives", sweepOf(1)),
    ]);
    const table = markdown.slice(markdown.indexOf("F1 by number of passages**"));
    const rows = linesOf(table, "| prag").slice(0, 4);
    const cells = rows.map((row) =>
      row
        .split("|")
        .slice(1, 5)
        .map((cell) => cell.trim().split(" (")[0]),
    );
    expect(cells.map(([, ...values]) => values)).toEqual(
      [0.4, 0.6, 0.8, 1].map((share) => [1, 2, 3].map((k) => (10 * (10 * share - k)).toFixed(1))),
    );
    const names = rows.map((row) => row.split("|")[1]);
    expect(new Set(names).size).toBe(4);
    expect(names[1]).toContain("retriever dense");
    expect(names[3]).toBe(" prag, negatives ");
  });
});

describe("estimate", () => {
  it("is of the scores that are given, not of others of the same name and number", () => {
    const run = { rounds: 10, estimates: new Map() };
    expect(estimate([0, 0], "seed", run).mean).toBe(0);
    expect(estimate([1, 1], "seed", run).mean).toBe(1);
  });
});
