import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FormatError } from "../base/errors.ts";
import { cutMiddle, loadLongBench, scoreLongBench, summariseLongBench } from "./longbench.ts";

const folder = mkdtempSync(join(tmpdir(), "longbench-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const line = (more: Record<string, unknown> = {}) =>
  JSON.stringify({
    _id: "a",
    input: "Who built it?",
    context: "Long text.",
    answers: ["Mira Tolk", "M. Tolk"],
    length: 2,
    dataset: "hotpotqa",
    language: "en",
    all_classes: null,
    ...more,
  });

let counter = 0;
function load(...lines: string[]) {
  const path = join(folder, `${counter++}.jsonl`);
  writeFileSync(path, lines.join("\n"));
  return loadLongBench(path);
}

describe("LongBench", () => {
  it("reads rows, and names the line of a malformed one", async () => {
    const [row] = await load(line(), "");
    expect(row).toEqual({
      id: "a",
      question: "Who built it?",
      context: "Long text.",
      answers: ["Mira Tolk", "M. Tolk"],
      dataset: "hotpotqa",
    });
    await expect(load(line(), line({ answers: [] }))).rejects.toThrow(/:2/);
    await expect(load(line({ dataset: "lcc" }))).rejects.toThrow(FormatError);
    await expect(load("")).rejects.toThrow(FormatError);
  });

  it("scores by the dataset's metric, the best over the answers", async () => {
    const [question] = await load(line());
    expect(scoreLongBench(question!, "The builder Mira Tolk")).toBeCloseTo((2 * 2) / 5);
    expect(scoreLongBench(question!, "Tolk Tolk")).toBeCloseTo((2 * 1) / 4);
    const [yes] = await load(line({ answers: ["yes"] }));
    expect(scoreLongBench(yes!, "yes it is")).toBeCloseTo(0.5); // not all or nothing
    const [summary] = await load(line({ dataset: "gov_report", answers: ["a b c d"] }));
    expect(scoreLongBench(summary!, "a b x d")).toBeCloseTo(0.75);
    expect(scoreLongBench(summary!, "")).toBe(0);
  });

  it("cuts the middle out, and means in hundredths beside the published numbers", async () => {
    expect(cutMiddle([1, 2, 3, 4, 5], 4)).toEqual([1, 2, 4, 5]);
    expect(cutMiddle([1, 2], 4)).toEqual([1, 2]);
    const [row] = await load(line());
    expect(
      summariseLongBench([
        { row: row!, score: 1 },
        { row: row!, score: 0 },
        { row: row!, score: 1 },
      ]),
    ).toEqual([{ dataset: "hotpotqa", questions: 3, score: 66.67, published: [47.1, 48.4, 57.0] }]);
  });
});
