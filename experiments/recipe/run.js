// Compares encode recipes and merges for a model without looking at the atlas' questions. Each adapter is trained on all but the last
// two pairs of its passage's augmentation. Judged are the trained wordings and the last two pairs, which ask in other words (some of
// them about facts that no trained pair tells), with the right adapter alone and merged with those of the passages that BM25 finds
// beside it (k = 3). All recipes run on some passages; the best ones and the present preset again on others, and those count.
//
//   npm run --silent build && node experiments/recipe/run.js
//     --model <folder>       another model than prag-mini
//     --passages <n>         how many passages to choose on, and as many to report on (30)
//     --only <name,name>     some of the recipes
//     --finalists <n>        how many of the best go on to the second passages (3)
//     --settings <file>      recipes to compare (settings.json)
//     --threads <n>
//     --out <folder>         where results.json, findings.md and cost.svg go (default: beside this file)
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createInitialAdapter } from "../../dist/adapters/initialise.js";
import { supports } from "../../dist/augmentation/support.js";
import { openEngine } from "../../dist/engine/open-engine.js";
import { answerPrompts } from "../../dist/prompts/answer.js";
import { openRuntime } from "../../dist/runtime/runtime.js";
import { openBaseDistributions } from "../../dist/training/base-distribution.js";
import { encodeGroups, groupPassages } from "../../dist/training/encode.js";
import { defaultRecipe, layerRecipe } from "../../dist/training/recipe.js";
import { openTrainer } from "../../dist/training/trainer.js";
import { createProgress, describeRun, writeFindings } from "../report.js";
import { bestMerge, costChart, findingsText, worth } from "./findings.js";
import { openJudge } from "./judge.js";
import { readPassages } from "./passages.js";

const { values: options } = parseArgs({
  options: {
    model: { type: "string" },
    passages: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    settings: { type: "string", default: join(import.meta.dirname, "settings.json") },
    only: { type: "string" },
    finalists: { type: "string", default: "3" },
    out: { type: "string", default: import.meta.dirname },
    threads: { type: "string" },
  },
});
const { base, merges, combined, recipes } = JSON.parse(await readFile(options.settings, "utf8"));
const count = Number(options.passages);
const passages = await readPassages(2 * count, Number(options.seed));

const engine = await openEngine({
  ...(options.model ? { model: options.model } : {}),
  dataFolder: "/nonexistent",
});
const runtime = await openRuntime(options.threads ? { threads: Number(options.threads) } : {});
try {
  const bench = await openBench();
  const names = options.only?.split(",") ?? Object.keys(recipes);
  const first = await compare(bench, passages.slice(0, count), names, "choose");
  const ranked = [...first.rows].sort((a, b) => worth(b) - worth(a)).map(({ name }) => name);
  const finalists = new Set([...ranked.slice(0, Number(options.finalists)), names[0]]);
  const second = await compare(bench, passages.slice(count), [...finalists], "report");
  const results = {
    ...describeRun(bench.model),
    seed: Number(options.seed),
    passages: count,
    base,
    chosenOn: first,
    reportedOn: second,
  };
  await writeFindings(options.out, {
    results,
    title: "Recipes and merges for prag-mini",
    text: findingsText(results),
  });
  await costChart(join(options.out, "cost.svg"), results);
} finally {
  await engine.dispose();
  await runtime.dispose();
}

async function openBench() {
  const model = await engine.parts.model();
  const generator = await engine.parts.generator();
  const distributions = await openBaseDistributions(runtime, model, { maxTokens: 512 });
  return { model, generator, distributions };
}

/** Every recipe on the same passages, with the closed-book score beside them. */
async function compare(bench, corpus, names, stage) {
  const judge = openJudge(bench.generator, corpus);
  const rows = [];
  const progress = createProgress();
  for (const name of names) {
    rows.push(await measure(bench, { corpus, judge, name, isFinal: stage === "report" }));
    progress({ task: stage, done: rows.length, total: names.length, note: "recipes" });
  }
  return { closedBook: await judge.closedBook(), rows };
}

async function measure({ model, generator, distributions }, { corpus, judge, name, isFinal }) {
  const recipe = layerRecipe(defaultRecipe, [base, recipes[name]]);
  const { rank, alpha, targetModules } = recipe;
  const trainer = await openTrainer(runtime, model, {
    config: { rank, alpha, targetModules },
    maxTokens: 1024,
  });
  const parts = {
    trainer,
    initial: createInitialAdapter(model.shapes, { rank, alpha, targetModules }, `recipe/${recipe.seed}`),
    tokenizer: model.tokenizer,
    prompts: answerPrompts,
    supports,
    negatives: { tokenizer: model.tokenizer, generator, distributions, prompts: answerPrompts },
    clock: () => performance.now(),
  };
  const adapters = new Map();
  let loss = 0;
  const before = process.cpuUsage();
  for await (const batch of encodeGroups(groupPassages(corpus, recipe), recipe, parts))
    for (const one of batch) {
      adapters.set(one.augmented.passage.id, one.adapter);
      loss += one.losses.at(-1) / corpus.length;
    }
  const { user, system } = process.cpuUsage(before);
  await trainer.dispose();
  const seconds = (user + system) / 1e6 / corpus.length;
  const row = { name, change: recipes[name], seconds, loss, ...(await judge.adapters(adapters, merges)) };
  if (!isFinal) return row;
  const shuffled = await judge.shuffled(adapters, merges[bestMerge(row)]);
  return { ...row, shuffled, combined: await judge.combined(adapters, combined) };
}
