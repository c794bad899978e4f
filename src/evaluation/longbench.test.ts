import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FormatError } from "../base/errors.ts";
import { extractAnswer } from "../text/normalise.ts";
import { loadDataset } from "./load-dataset.ts";
import { longBenchTasks, memoragNumbers } from "./longbench.ts";

const folder = mkdtempSync(join(tmpdir(), "longbench-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const line = (more: Record<string, unknown> = {}) =>
  JSON.stringify({
    input: "Who built it?",
    context: "Long text.",
    answers: ["Mira Tolk", "M. Tolk"],
    length: 2,
    dataset: "hotpotqa",
    language: "en",
    all_classes: null,
    _id: "a",
    ...more,
  });

let counter = 0;
function load(...lines: string[]) {
  const path = join(folder, `${counter++}.jsonl`);
  writeFileSync(path, lines.join("\n"));
  return loadDataset(path);
}

async function scoreOf(said: string, more: Record<string, unknown> = {}) {
  const { questions, score } = await load(line(more));
  return score!(questions[0]!, { text: said, answer: extractAnswer(said), chainOfThought: false }).f1;
}

describe("LongBench", () => {
  it("is told by its fields, reads rows with their texts, and names the line of a malformed one", async () => {
    const { format, questions, maxTokens } = await load(line(), line({ _id: "b", input: "" }), "");
    expect(format).toBe("longbench");
    expect(maxTokens).toBe(32);
    expect(questions[0]).toMatchObject({
      id: "a",
      type: "hotpotqa",
      question: "Who built it?",
      answers: ["Mira Tolk", "M. Tolk"],
      paragraphs: [{ title: "", text: "Long text." }],
    });
    expect(questions[1]!.question).toBe("Summarise the text.");
    expect((await load(line(), line({ _id: "b", dataset: "qasper" }))).maxTokens).toBeUndefined();
    await expect(load(line(), line({ _id: "b", context: " \n" }))).rejects.toThrow(/:2.*context.*empty/);
    await expect(load(line(), line({ _id: "b", answers: [] }))).rejects.toThrow(/:2/);
    await expect(load(line({ dataset: "lcc" }))).rejects.toThrow(FormatError);
    expect((await load(line({ dataset: "own", metric: "f1" }))).questions[0]!.type).toBe("own");
    await expect(load(line(), "{")).rejects.toThrow(/:2/);
  });

  it("scores by the dataset's metric, the best over the answers", async () => {
    expect(await scoreOf("The builder Mira Tolk")).toBeCloseTo((2 * 2) / 5);
    expect(await scoreOf("Tolk Tolk")).toBeCloseTo((2 * 1) / 4);
    expect(await scoreOf("yes it is", { answers: ["yes"] })).toBeCloseTo(0.5); // not all or nothing
    expect(await scoreOf(" August 25, 1963.", { answers: ["August 25, 1963"] })).toBe(1); // no cut at a comma
    const summary = { dataset: "gov_report", answers: ["a b c d"] };
    expect(await scoreOf("a b\nx d", summary)).toBeCloseTo(0.75); // all lines count
    expect(await scoreOf("", summary)).toBe(0);
  });

  it("has published numbers for known datasets alone", () => {
    for (const name of Object.keys(memoragNumbers)) expect(longBenchTasks).toHaveProperty(name);
  });
});
