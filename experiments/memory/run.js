// What a memory keeps of long texts, in parts that can be run alone: perplexity of a continuation, recall of planted facts, bytes and
// times, the reward of clues before and after the third stage, F1 beside the baselines, and a text of a million tokens.
//
//   npm run --silent build && node experiments/memory/run.js --work WORK
//     --work <folder>         what data.js wrote; steps are kept there, and the same command goes on after an end
//     --only <parts>          of perplexity,recall,costs,reward,f1,long (all)
//     --model <folder>        another model than prag-mini
//     --memory-model <folder> memory weights (those that belong to the model)
//     --before <folder>       memory weights of the second stage, for reward (WORK/stage-2)
//     --ratios 2,4,8,16       ratios
//     --windows <n>           windows of a stretch; the last one is the continuation (4)
//     --count <n>             stretches of perplexity (40)
//     --facts <n>             planted facts of each depth and ratio (10)
//     --examples <n>          examples of reward (40)
//     --sample <n>            questions of each set of f1 (40)
//     --tokens <n>            of the long text (131072; a million: 1000000)
//     --threads <n>           processor threads (all)
//     --out <folder>          where results.json, findings.md and the figures go (default: beside this file)
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readJsonl } from "../../dist/base/jsonl.js";
import { tokenizeParagraphs } from "../../dist/engine/memorize.js";
import { findMemoryModel } from "../../dist/engine/memory-model.js";
import { openEngine } from "../../dist/engine/open-engine.js";
import { sampleClues } from "../../dist/engine/sample-clues.js";
import { clueExampleSchema } from "../../dist/training/memory-clues.js";
import { createProgress, describeRun, writeFindings } from "../report.js";
import { writeEncoder } from "./encoder.js";
import { drawCharts, findingsText, summarise } from "./findings.js";
import { measureCosts, measureLong, measurePerplexity, measureRecall } from "./measures.js";
import { openSteps } from "./steps.js";

const partNames = ["perplexity", "recall", "costs", "reward", "f1", "long"];
const root = resolve(import.meta.dirname, "../..");
const { values: options } = parseArgs({
  options: {
    work: { type: "string" },
    only: { type: "string", default: partNames.join(",") },
    model: { type: "string", default: "prag-mini" },
    "memory-model": { type: "string" },
    before: { type: "string" },
    ratios: { type: "string", default: "2,4,8,16" },
    windows: { type: "string", default: "4" },
    count: { type: "string", default: "40" },
    facts: { type: "string", default: "10" },
    examples: { type: "string", default: "40" },
    sample: { type: "string", default: "40" },
    tokens: { type: "string", default: "131072" },
    threads: { type: "string" },
    out: { type: "string", default: import.meta.dirname },
  },
});
if (!options.work) throw new Error("name the folder that data.js wrote: --work WORK");
const only = options.only.split(",");
const unknown = only.find((name) => !partNames.includes(name));
if (unknown) throw new Error(`part "${unknown}" is not known; parts are ${partNames.join(", ")}`);
const { work, out } = options;
const ratios = options.ratios.split(",").map(Number);
const [windows, count, facts, tokens, sample, examples] = [
  "windows",
  "count",
  "facts",
  "tokens",
  "sample",
  "examples",
].map((name) => Number(options[name]));
const progress = createProgress();
const settings = (memoryModel) => ({
  model: options.model,
  memoryModel,
  dataFolder: join(work, ".prag"),
  threads: options.threads && Number(options.threads),
});

/** Runs a task with an engine of its own, and closes it. */
async function withEngine(memoryModel, task) {
  const engine = await openEngine(settings(memoryModel), { progress });
  try {
    return await task(engine.parts);
  } finally {
    await engine.dispose();
  }
}

/** Mean reward of the clues of each example, sampled with some memory weights. */
async function rewardsOf(memoryModel) {
  const all = await readJsonl(join(work, "measure.jsonl"), clueExampleSchema);
  const every = Math.max(1, Math.floor(all.length / examples)); // of documents and of questions
  const chosen = all.filter((_, i) => i % every === 0).slice(0, examples);
  return withEngine(memoryModel, async (parts) => {
    const { fingerprint } = (await parts.memorySession()).identity.memoryModel;
    const path = join(work, `rewards-${fingerprint.slice(0, 12)}.jsonl`);
    const content = JSON.stringify(chosen.map(({ question }) => question));
    const sampled = await sampleClues(parts, chosen, { from: memoryModel, ratio: 4, path, content });
    return sampled.map(
      ({ samples }) => samples.reduce((sum, { reward }) => sum + reward, 0) / samples.length,
    );
  });
}

async function measureReward(memoryModel) {
  const before = await rewardsOf(options.before ?? join(work, "stage-2"));
  return { before, after: await rewardsOf(memoryModel) };
}

/** MemoRAG and its baselines on the same questions, by the command for it. */
async function measureF1(memoryModel) {
  const config = join(work, "f1.json");
  await writeFile(config, JSON.stringify({ embedder: { folder: await writeEncoder(work) } }));
  const words = ["reproduce", "memorag", "--data", join(work, "longbench"), "--sets", "squad,altqa"];
  const passages = ["--max-words", "60", "--limit", "3", "--ratio", "4"];
  const own = [...passages, "--sample", String(sample), "--config", config, "--out", join(work, "runs")];
  const using = [
    "--model",
    options.model,
    "--memory-model",
    memoryModel,
    "--data-folder",
    join(work, ".prag"),
  ];
  const threads = options.threads ? ["--threads", options.threads] : [];
  const args = [join(root, "bin/prag.js"), ...words, ...own, ...using, ...threads];
  await new Promise((done, failed) => {
    const child = spawn(process.execPath, args, { stdio: "inherit" });
    child.on("error", failed);
    child.on("close", (code) =>
      code === 0 ? done() : failed(new Error(`prag reproduce memorag ended with ${code}`)),
    );
  });
  return Promise.all(
    ["squad", "altqa"].map(async (name) =>
      JSON.parse(await readFile(join(work, "runs/memorag", name, "summary.json"), "utf8")),
    ),
  );
}

/** Parts that one engine measures. */
async function measureMemory(parts, memoryModel, steps) {
  const model = await parts.model();
  const folder = join(work, "held-out");
  const texts = readdirSync(folder)
    .sort()
    .map((name) => tokenizeParagraphs(model.tokenizer, readFileSync(join(folder, name), "utf8")));
  const given = { parts, model, memoryModel, texts, ratios, windows, steps };
  const measured = {};
  if (only.includes("perplexity")) measured.perplexity = await measurePerplexity({ ...given, count });
  if (only.includes("recall")) measured.recall = await measureRecall({ ...given, facts });
  if (only.includes("costs")) measured.costs = await measureCosts(given);
  if (only.includes("long")) measured.long = await measureLong({ ...given, tokens, work });
  return measured;
}

await mkdir(out, { recursive: true });
const memoryFolder = options["memory-model"] ?? `${options.model.split("/").at(-1)}-memory`;
const found = await withEngine(memoryFolder, async (parts) => {
  const model = await parts.model();
  const memoryModel = await findMemoryModel(parts.config, model);
  const { name, fingerprint, window } = memoryModel;
  const steps = await openSteps(join(work, "steps.jsonl"), {
    identity: `${model.fingerprint} ${fingerprint}`,
    progress,
  });
  try {
    const run = {
      ...describeRun(model),
      memoryModel: { name, fingerprint: fingerprint.slice(0, 16), window },
    };
    return { run, measured: await measureMemory(parts, memoryModel, steps) };
  } finally {
    await steps.close();
  }
});
const { measured } = found;
if (only.includes("reward")) measured.reward = await measureReward(memoryFolder);
if (only.includes("f1")) measured.f1 = await measureF1(memoryFolder);
const before = await readFile(join(out, "results.json"), "utf8").then(JSON.parse, () => ({}));
const isSame = before.run?.memoryModel.fingerprint === found.run.memoryModel.fingerprint;
const results = { ...(isSame ? before : {}), run: found.run, ...summarise(measured) };
await drawCharts(out, results);
await writeFindings(out, { results, title: "What a memory keeps of a text", text: findingsText(results) });
