import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, FormatError, NotFoundError } from "../base/errors.ts";
import { someConfig, someRecord } from "./run.suite.ts";
import { continueConfig, loadRun } from "./run-folder.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (name: string, ...lines: unknown[]) =>
  writeFile(join(folder, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));

describe("loadRun", () => {
  it("reads what is there, without a half-written last record", async () => {
    const config = someConfig();
    const record = someRecord({ id: "a" });
    await write("config.json", config);
    await writeFile(join(folder, "records.jsonl"), `${JSON.stringify(record)}\n{"id": "b", "quest`);
    const run = await loadRun(folder);
    expect(run).toEqual({ folder, config, questions: [], records: [record], summary: undefined });
  });

  it("names the field that is wrong, and the absent folder", async () => {
    await write("config.json", { ...someConfig(), seed: "x" });
    await expect(loadRun(folder)).rejects.toThrow(FormatError);
    await expect(loadRun(folder)).rejects.toThrow(/config\.json: field "seed"/);
    await expect(loadRun(join(folder, "none"))).rejects.toThrow(NotFoundError);
  });

  it.each([
    ["recipe", { name: { toString: 1 } }],
    ["recipe", { without: ["qa"] }],
    ["augmentation", { augmenter: { toString: 1 } }],
    ["retriever", { name: 7 }],
  ])("wants names as texts in a %s: %j", async (field, value) => {
    await write("config.json", { ...someConfig(), [field]: value });
    await expect(loadRun(folder)).rejects.toThrow(FormatError);
  });

  it("refuses times whose sums are no numbers", async () => {
    const { timings } = someRecord();
    await write("config.json", someConfig());
    await write("records.jsonl", someRecord({ timings: { ...timings!, totalMs: 1.7e308 } }), someRecord());
    await expect(loadRun(folder)).rejects.toThrow(/totalMs/);
  });
});

describe("continueConfig", () => {
  it("goes on with a run that does not say where its start is from", () => {
    const now = someConfig({ initSource: "seed" });
    expect(continueConfig(someConfig(), now, "runs/x")).toEqual(someConfig());
  });

  it("adds methods and leaves the rest as it was", () => {
    const before = someConfig({ methods: [{ id: "prag", options: {}, description: {} }] });
    const now = someConfig({
      methods: [
        { id: "combine", options: {}, description: {} },
        { id: "prag", options: {}, description: {} },
      ],
      environment: { threads: 8 },
    });
    expect(continueConfig(before, now, folder)).toEqual({
      ...before,
      methods: [
        { id: "prag", options: {}, description: {} },
        { id: "combine", options: {}, description: {} },
      ],
    });
  });

  it("refuses another config and names the field with both values", () => {
    const before = someConfig();
    const other = someConfig({ answering: { ...before.answering, limit: 5 } });
    expect(() => continueConfig(before, other, "runs/x")).toThrow(ConfigError);
    expect(() => continueConfig(before, other, "runs/x")).toThrow(
      /runs\/x holds a run with answering\.limit 3, but this call has 5/,
    );
    const without = someConfig({ corpus: null });
    expect(() => continueConfig(before, without, "runs/x")).toThrow(/corpus \{.*but this call has null/);
  });

  it("refuses a variant of the same name with other options", () => {
    const variant = (shuffleAdapters: number) =>
      someConfig({ methods: [{ id: "prag:shuffled", options: { shuffleAdapters }, description: {} }] });
    expect(continueConfig(variant(1), variant(1), folder).methods).toHaveLength(1);
    expect(() => continueConfig(variant(1), variant(2), folder)).toThrow(/prag:shuffled/);
  });
});
