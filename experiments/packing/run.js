// Training loss over seconds for the recipes `reference` (one sequence an update) and `packed` (all sequences of a passage in
// each update, common beginnings computed once) on the same 50 passages of the atlas, and the F1 that the adapters reach.
//
//   npm run --silent build && node experiments/packing/run.js
//     --model <folder>     another model than prag-mini
//     --passages <n>       how many passages (50)
//     --epochs 1,2,4       passes of recipe reference; each is a point of one curve, since its learning rate is constant
//     --updates 6,12,24    numbers of updates of recipe packed, each a run of its own
//     --out <folder>       where results.json, findings.md and loss.svg go (default: beside this file)
import { join } from "node:path";
import { supports } from "../../dist/augmentation/support.js";
import { Random } from "../../dist/base/random.js";
import { augmentPassages } from "../../dist/engine/augment.js";
import { evaluateMethod } from "../../dist/evaluation/evaluate.js";
import { loadQuestions } from "../../dist/evaluation/questions.js";
import { mean } from "../../dist/evaluation/summary.js";
import { prag } from "../../dist/methods/prag.js";
import { encodeGroups, groupPassages } from "../../dist/training/encode.js";
import { createSequences } from "../../dist/training/examples.js";
import { pack } from "../../dist/training/packing.js";
import { layerRecipe } from "../../dist/training/recipe.js";
import { atlas, collectAtlas, openAtlas, rightRetriever, runExperiment } from "../atlas.js";
import { writeSvg } from "../plot.js";
import { describeRun, writeFindings } from "../report.js";
import { findingsText, lossChart, secondsToReach } from "./findings.js";

const options = {
  passages: { type: "string", default: "50" },
  epochs: { type: "string", default: "1,2,4" },
  updates: { type: "string", default: "6,12,24" },
  out: { type: "string" },
};
const numbers = (text) => text.split(",").map(Number);

await runExperiment(options, async (given) => {
  const titles = await chooseTitles(given);
  const engine = await openAtlas(given, {});
  try {
    await collectAtlas(engine, { titles });
    const bench = await openBench(engine.parts, titles);
    const runs = [];
    try {
      const base = (await engine.parts.model()).recipe;
      for (const recipe of recipesOf(base, given)) runs.push(await measure(bench, recipe));
    } finally {
      await bench.dispose();
    }
    const results = summarise(await engine.parts.model(), bench, runs);
    const folder = given.out ?? import.meta.dirname;
    await writeFindings(folder, {
      results,
      title: "Packed updates against single sequences",
      text: findingsText(results),
    });
    await writeSvg(join(folder, "loss.svg"), lossChart(results));
    process.stdout.write(`${findingsText(results)}\n`);
  } finally {
    await engine.dispose();
  }
});

/** The titles of a seeded sample of articles. */
async function chooseTitles({ passages, seed }) {
  const questions = await loadQuestions(join(atlas, "questions.jsonl"));
  const titles = [...new Set(questions.flatMap(({ articles }) => articles))].sort();
  return new Set(new Random(seed).fork("passages").sample(titles, Number(passages)));
}

/** The runs, by what they are called in the chart; all train on the same sequences. */
function recipesOf(base, { epochs, updates }) {
  const none = { negatives: { count: 0 }, decay: "constant" };
  return [
    ...numbers(epochs).map((count) => ({
      id: `reference, ${count} × each`,
      family: "reference",
      recipe: layerRecipe(base, [{ ...none, name: "reference", epochs: count }]),
    })),
    ...numbers(updates).map((count) => ({
      id: `packed, ${count} updates`,
      family: "packed",
      recipe: layerRecipe(base, [{ ...none, name: "packed", updates: count, sequencesPerUpdate: 0 }]),
    })),
    { id: "the model's own recipe", family: "preset", recipe: base },
  ];
}

/** All that the runs share: trainer, passages, questions. The trainer fits every recipe, since none changes the rank. */
async function openBench(parts, titles) {
  const model = await parts.model();
  const corpus = await parts.corpus();
  const { augmented } = await augmentPassages(parts, [...corpus.passages()]);
  const usable = augmented
    .filter(({ pairs }) => pairs.length > 0)
    .sort((a, b) => (a.passage.id < b.passage.id ? -1 : 1));
  const questions = (await loadQuestions(join(atlas, "questions.jsonl"))).filter(
    ({ type, articles }) => type === "single-hop" && articles.every((title) => titles.has(title)),
  );
  const trainer = await parts.openTrainer();
  const distributions = await parts.openDistributions();
  const { tokenizer, initial } = model;
  const { prompts, clock } = parts;
  const generator = await parts.generator();
  const encodeParts = {
    trainer,
    tokenizer,
    prompts,
    supports,
    initial,
    clock,
    negatives: { tokenizer, generator, distributions, prompts },
  };
  return {
    parts,
    encodeParts,
    augmented: usable,
    passages: usable.map(({ passage }) => passage),
    questions,
    async dispose() {
      await trainer.dispose();
      await distributions.dispose();
    },
  };
}

/** Trains all passages with a recipe, and says what it cost and what it gave. */
async function measure(bench, { id, family, recipe }) {
  const { encodeParts, augmented, questions } = bench;
  const { adapters, losses, updateSeconds, seconds, tokens } = await train(bench, recipe);
  const objective = augmented.map((one) => objectiveRow(one, recipe, encodeParts));
  const before = await objectiveLoss(
    encodeParts,
    objective,
    augmented.map(() => encodeParts.initial),
  );
  const after = await objectiveLoss(
    encodeParts,
    objective,
    augmented.map(({ passage }) => adapters.get(passage.id)),
  );
  process.stderr.write(`${id}: ${seconds.toFixed(1)} s, loss ${before.toFixed(3)} → ${after.toFixed(3)}\n`);
  const right = rightRetriever(questions, bench.passages);
  const f1 = {
    right: await answerWith(bench, adapters, right),
    merged: await answerWith(bench, adapters, await bench.parts.retriever()),
  };
  return {
    id,
    family,
    recipe,
    seconds,
    tokens,
    before,
    after,
    curve: curveOf(losses, updateSeconds, { before, after }),
    f1,
  };
}

async function train({ encodeParts, augmented }, recipe) {
  const adapters = new Map();
  const losses = [];
  const updateSeconds = [];
  let tokens = 0;
  const groups = groupPassages(augmented, recipe);
  const start = performance.now();
  for (const group of groups) {
    let [last, update] = [performance.now(), 0];
    const onUpdate = () => {
      const now = performance.now();
      updateSeconds[update] = (updateSeconds[update] ?? 0) + (now - last) / 1000;
      [last, update] = [now, update + 1];
    };
    for await (const batch of encodeGroups([group], recipe, { ...encodeParts, onUpdate })) {
      for (const encoded of batch) {
        adapters.set(encoded.augmented.passage.id, encoded.adapter);
        losses.push(encoded.losses);
        tokens += encoded.trainingTokens;
      }
      [last, update] = [performance.now(), 0];
    }
  }
  return { adapters, losses, updateSeconds, seconds: (performance.now() - start) / 1000, tokens };
}

/** The mean of a passage's sequences as one row: what every recipe is measured by. */
function objectiveRow(augmented, recipe, parts) {
  const sequences = createSequences(augmented, recipe, parts);
  return pack(
    sequences.map(({ ids, targets }) => ({
      ids,
      targets: targets.map((target) => ({ ...target, weight: target.weight / sequences.length })),
    })),
  );
}

async function objectiveLoss({ trainer }, rows, adapters) {
  const losses = [];
  for (const [i, row] of rows.entries())
    losses.push(...(await trainer.gradients([row], [adapters[i]])).losses);
  return mean(losses);
}

/** Mean loss before each update over the seconds until then; a recipe whose updates see a part only has its ends alone. */
function curveOf(losses, updateSeconds, { before, after }) {
  const total = updateSeconds.reduce((sum, value) => sum + value, 0);
  const ends = [
    { seconds: 0, loss: before },
    { seconds: total, loss: after },
  ];
  const first = losses[0] ?? [];
  if (Math.abs(mean(losses.map((list) => list[0])) / before - 1) > 1e-4) return ends;
  let seconds = 0;
  const points = first.map((_, update) => {
    const point = { seconds, loss: mean(losses.map((list) => list[update])) };
    seconds += updateSeconds[update] ?? 0;
    return point;
  });
  return [...points, ends[1]];
}

async function answerWith({ parts, questions }, adapters, retriever) {
  const method = prag({
    generator: await parts.generator(),
    clock: parts.clock,
    prompts: parts.prompts,
    retriever,
    adapters: {
      keyOf: (passageId) => (adapters.has(passageId) ? passageId : undefined),
      load: async (passages) => passages.map(({ id }) => adapters.get(id)),
    },
    onMissing: "skip",
    merge: parts.config.merge,
  });
  return (await evaluateMethod(method, questions, { limit: 3, maxTokens: 32 })).summary.f1;
}

function summarise(model, { augmented, questions }, runs) {
  const reference = runs.filter(({ family }) => family === "reference");
  const target = reference.at(-1);
  return {
    ...describeRun(model),
    recipe: model.recipe,
    passages: augmented.length,
    pairs: augmented.reduce((total, { pairs }) => total + pairs.length, 0),
    questions: questions.length,
    runs: runs.map((run) => ({
      ...run,
      recipe: undefined,
      secondsToReference:
        run.family === "packed" && target ? secondsToReach(run.curve, target.after) : undefined,
    })),
  };
}
