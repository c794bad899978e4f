import { describe, expect, it } from "vitest";
import { createProgressBar } from "./progress-bar.ts";

function fake({ isTerminal, columns = 100 }: { isTerminal: boolean; columns?: number }) {
  const written: string[] = [];
  const time = { ms: 0 };
  const bar = createProgressBar({
    write: (text) => written.push(text),
    isTerminal,
    columns,
    clock: () => time.ms,
  });
  const report = (
    atMs: number,
    done: number,
    { task = "encode", note }: { task?: string; note?: string } = {},
  ) => {
    time.ms = atMs;
    bar.progress({ task, done, total: 100, ...(note !== undefined && { note }) });
  };
  return { written, bar, report };
}

describe("a progress bar on a terminal", () => {
  it("shows share, note and the time that is left at the speed so far", () => {
    const { written, report } = fake({ isTerminal: true });
    report(0, 0);
    report(30_000, 25, { note: "25 of 100 passages" });
    expect(written[0]).toBe(`\rencode [${" ".repeat(24)}] 0 %\x1b[K`);
    expect(written[1]).toBe(
      `\rencode [${"=".repeat(6)}${" ".repeat(18)}] 25 %  25 of 100 passages  1:30 left\x1b[K`,
    );
  });

  it("counts only what this run has done when it estimates", () => {
    const { written, report } = fake({ isTerminal: true });
    report(0, 80);
    report(10_000, 90);
    expect(written[1]).toContain("0:10 left");
  });

  it("is drawn ten times a second at most, and when a task is complete", () => {
    const { written, report } = fake({ isTerminal: true });
    for (let ms = 0; ms < 1000; ms += 10) report(ms, ms / 10);
    expect(written.length).toBe(10);
    report(1000, 99);
    report(1001, 100);
    expect(written.at(-1)).toContain("100 %");
  });

  it("never writes more than a line, and takes it away", () => {
    const { written, bar, report } = fake({ isTerminal: true, columns: 30 });
    report(0, 1, { note: "a note that is much longer than the line" });
    expect(written[0]?.replace(/[\r\x1b]|\[K/g, "").length).toBe(29);
    bar.clear();
    bar.clear();
    expect(written.slice(1)).toEqual(["\r\x1b[K"]);
  });

  it("begins anew with another task", () => {
    const { written, report } = fake({ isTerminal: true });
    report(0, 0);
    report(1000, 50);
    report(2000, 0, { task: "index" });
    report(3000, 50, { task: "index" });
    expect(written[2]).not.toContain("left");
    expect(written[3]).toContain("0:01 left");
  });
});

describe("progress without a terminal", () => {
  it("is a plain line every ten seconds", () => {
    const { written, bar, report } = fake({ isTerminal: false });
    for (let second = 0; second <= 25; second++) report(second * 1000, second * 2, { note: "n" });
    bar.clear();
    expect(written).toEqual(["encode: 20 % (n), 0:40 left\n", "encode: 40 % (n), 0:30 left\n"]);
  });

  it("says nothing of short tasks", () => {
    const { written, report } = fake({ isTerminal: false });
    report(0, 0);
    report(9000, 100);
    expect(written).toEqual([]);
  });
});
