// Compares encode recipes for a model, without looking at atlas' questions: each adapter is trained on the first pairs of its
// passage's augmentation and judged on the last ones, which ask for the same facts in other words, merged with the adapters of
// the passages that BM25 returns beside it (k = 3) and alone (k = 1).
// npm run build && node experiments/recipe/run.js [--model FOLDER] [--passages 40] [--only NAME,NAME] [--settings FILE.json]
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createInitialAdapter } from "../../dist/adapters/initialise.js";
import { merge } from "../../dist/adapters/merge.js";
import { supports } from "../../dist/augmentation/support.js";
import { Random } from "../../dist/base/random.js";
import { passageId } from "../../dist/corpus/identity.js";
import { openEngine } from "../../dist/engine/open-engine.js";
import { answerPrompts } from "../../dist/prompts/answer.js";
import { bm25Retriever } from "../../dist/retrieval/bm25.js";
import { buildBm25Index } from "../../dist/retrieval/bm25-index.js";
import { openRuntime } from "../../dist/runtime/runtime.js";
import { extractAnswer } from "../../dist/text/normalise.js";
import { scoreAnswer } from "../../dist/text/scores.js";
import { openBaseDistributions } from "../../dist/training/base-distribution.js";
import { encodeGroups, groupPassages } from "../../dist/training/encode.js";
import { defaultRecipe, layerRecipe } from "../../dist/training/recipe.js";
import { openTrainer } from "../../dist/training/trainer.js";

const here = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    model: { type: "string" },
    passages: { type: "string", default: "40" },
    seed: { type: "string", default: "1" },
    settings: { type: "string", default: join(here, "settings.json") },
    only: { type: "string" },
    out: { type: "string" },
    threads: { type: "string" },
  },
});
const settings = JSON.parse(await readFile(options.settings, "utf8"));
const names = options.only
  ? options.only.split(",")
  : Object.keys(settings).filter((name) => name !== "base");
const heldOut = 2;

const engine = await openEngine({
  ...(options.model ? { model: options.model } : {}),
  dataFolder: "/nonexistent",
});
const model = await engine.parts.model();
const generator = await engine.parts.generator();
const runtime = await openRuntime(options.threads ? { threads: Number(options.threads) } : {});
const corpus = await loadAtlas(Number(options.passages), Number(options.seed));
const index = buildBm25Index(corpus.map(({ passage }) => passage));
const retriever = bm25Retriever({ index, passages: (ordinal) => corpus[ordinal].passage });
const distributions = await openBaseDistributions(runtime, model, { maxTokens: 512 });

const results = {};
const same = (x) => x.pairs.slice(0, 5); // trained wording
const held = (x) => x.heldOut;
for (const name of names) {
  const recipe = layerRecipe(defaultRecipe, [settings.base, settings[name]]);
  const { rank, alpha, targetModules } = recipe;
  const trainer = await openTrainer(runtime, model, {
    config: { rank, alpha, targetModules },
    maxTokens: 1024,
  });
  const initial = createInitialAdapter(model.shapes, { rank, alpha, targetModules }, `recipe/${recipe.seed}`);
  const adapters = new Map();
  let [tokens, losses] = [0, []];
  const start = performance.now();
  const parts = {
    trainer,
    initial,
    tokenizer: model.tokenizer,
    prompts: answerPrompts,
    supports,
    negatives: { tokenizer: model.tokenizer, generator, distributions, prompts: answerPrompts },
    clock: () => performance.now(),
  };
  for await (const batch of encodeGroups(groupPassages(corpus, recipe), recipe, parts)) {
    for (const one of batch) {
      adapters.set(one.augmented.passage.id, one.adapter);
      tokens += one.trainingTokens;
      losses.push(one.losses.at(-1));
    }
  }
  const seconds = (performance.now() - start) / 1000;
  await trainer.dispose();
  const row = {
    seconds: seconds / corpus.length,
    tokens: tokens / corpus.length,
    loss: mean(losses),
    alone: { trained: await score(same, adapters, 1), other: await score(held, adapters, 1) },
    merged: { trained: await score(same, adapters, 3), other: await score(held, adapters, 3) },
    shuffled: { other: await score(held, rotate(adapters), 3) },
  };
  results[name] = { recipe: settings[name], ...row };
  const f = (x) => (100 * x).toFixed(1).padStart(5);
  console.log(
    `${name.padEnd(28)} ${row.seconds.toFixed(2)} s ${Math.round(row.tokens)} tok loss ${row.loss.toFixed(3)} | alone ${f(row.alone.trained)} ${f(row.alone.other)} | merged ${f(row.merged.trained)} ${f(row.merged.other)} | shuffled ${f(row.shuffled.other)}`,
  );
  if (options.out)
    await writeFile(options.out, `${JSON.stringify({ model: model.name, results }, null, 2)}\n`);
}
const none = new Map();
console.log(
  `closed-book: trained ${(100 * (await score(same, none, 3))).toFixed(1)} other ${(100 * (await score(held, none, 3))).toFixed(1)}`,
);
await engine.dispose();
await runtime.dispose();

async function score(pick, adapters, k) {
  const requests = [];
  const truths = [];
  for (const one of corpus) {
    for (const { question, answer } of pick(one)) {
      const hits = k === 1 ? [{ passage: one.passage }] : await retriever.retrieve(question, k);
      const found = hits.map((hit) => adapters.get(hit.passage.id)).filter(Boolean);
      requests.push({
        messages: answerPrompts.messages(question),
        prefix: answerPrompts.prefix,
        maxTokens: 24,
        ...(found.length ? { adapter: merge(found) } : {}),
      });
      truths.push(answer);
    }
  }
  const texts = await generator.generateBatch(requests);
  return mean(texts.map(({ text }, i) => scoreAnswer(extractAnswer(text), [truths[i]]).f1));
}

function mean(values) {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Every passage gets the adapter of the next one. */
function rotate(adapters) {
  const entries = [...adapters];
  return new Map(entries.map(([id], i) => [id, entries[(i + 7) % entries.length][1]]));
}

async function loadAtlas(count, seed) {
  const root = join(here, "../../examples/atlas");
  const lines = (await readFile(join(root, "augmented.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { readdir } = await import("node:fs/promises");
  const texts = new Map();
  for (const file of await readdir(join(root, "documents"))) {
    const [head, ...rest] = (await readFile(join(root, "documents", file), "utf8")).trim().split("\n");
    texts.set(head.replace(/^# /, ""), rest.join("\n").trim());
  }
  return new Random(seed).sample(lines, count).map(({ title, rewrites, pairs }) => {
    const text = texts.get(title);
    const passage = { id: passageId({ title, text }), documentId: "", title, text, position: 0 };
    return {
      passage,
      rewrites,
      pairs: pairs.slice(0, -heldOut),
      heldOut: pairs.slice(-heldOut),
      augmenter: "authored",
    };
  });
}
