// Training loss over seconds for the recipes `reference` (one sequence an update) and `packed` (all sequences of a passage in
// each update, common beginnings computed once) on the same 50 passages of the atlas, and the F1 that the adapters reach.
//
//   npm run --silent build && node experiments/packing/run.js
//     --model <folder>     another model than prag-mini
//     --passages <n>       how many passages (50)
//     --epochs 1,2,4       passes of recipe reference; each is a point of one curve, since its learning rate is constant
//     --updates 4,8,16     numbers of updates of recipe packed
//     --slice <n>          sequences an update, in turn, for packed runs between both (the preset's number, else 4)
//     --recipe <json>      numbers that replace those of the model's preset
//     --out <folder>       where results.json, findings.md and the curves go (default: beside this file)
//
// One thread computes, and seconds are those that the process spent on a processor: what else the machine does meanwhile
// does not count.
import { join } from "node:path";
import { supports } from "../../dist/augmentation/support.js";
import { augmentPassages } from "../../dist/engine/augment.js";
import { evaluateMethod } from "../../dist/evaluation/evaluate.js";
import { mean } from "../../dist/evaluation/summary.js";
import { prag } from "../../dist/methods/prag.js";
import { encodeGroups, groupPassages } from "../../dist/training/encode.js";
import { createSequences } from "../../dist/training/examples.js";
import { pack } from "../../dist/training/packing.js";
import { layerRecipe } from "../../dist/training/recipe.js";
import {
  atlasQuestions,
  collectAtlas,
  openAtlas,
  rightRetriever,
  runExperiment,
  sampleTitles,
} from "../atlas.js";
import { writeSvg } from "../plot.js";
import { describeRun, writeFindings } from "../report.js";
import { findingsText, joinCurves, lossChart } from "./findings.js";

const options = {
  passages: { type: "string", default: "50" },
  epochs: { type: "string", default: "1,2,4" },
  updates: { type: "string", default: "4,8,16" },
  slice: { type: "string" },
  out: { type: "string" },
};
/** Processor time of this process, all threads together, in seconds. */
const processorSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const numbers = (text) => text.split(",").map(Number);

/** What is trained: the model's own kind of sequences, and the paper's (every version of the passage with three pairs). */
const objectives = [
  { name: "own", change: {} },
  { name: "paper", change: { pattern: "product", mask: "all", pairs: 3 } },
];

await runExperiment(options, async (given) => {
  const titles = await sampleTitles(given);
  const engine = await openAtlas({ ...given, threads: "1" }, {});
  try {
    await collectAtlas(engine, { titles });
    const bench = await openBench(engine.parts, titles);
    const results = { ...(await describe(bench)), objectives: [] };
    try {
      for (const { name, change } of objectives) {
        const runs = [];
        for (const one of recipesOf(bench.recipe, change, given)) runs.push(await measure(bench, one));
        results.objectives.push(summarise(name, runs));
      }
    } finally {
      await bench.dispose();
    }
    const [folder, text] = [given.out ?? import.meta.dirname, findingsText(results)];
    await writeFindings(folder, { results, title: "Packed updates against single sequences", text });
    for (const objective of results.objectives) {
      await writeSvg(join(folder, `loss-${objective.name}.svg`), lossChart(objective, results.passages));
    }
    process.stdout.write(`${text}\n`);
  } finally {
    await engine.dispose();
  }
});

/** The runs by family; within one, each is the beginning of the next, since the learning rate is constant. */
function recipesOf(own, change, { epochs, updates, slice = own.sequencesPerUpdate || 4 }) {
  const plain = layerRecipe(own, [{ ...change, negatives: { count: 0 }, decay: "constant" }]);
  const packed = (family, sequencesPerUpdate) =>
    numbers(updates).map((count) => ({
      id: `${family}, ${count} updates`,
      family,
      recipe: layerRecipe(plain, [{ name: "packed", updates: count, sequencesPerUpdate }]),
    }));
  const isOwn = Object.keys(change).length === 0;
  return [
    ...numbers(epochs).map((count) => ({
      id: `reference, ${count} × each sequence`,
      family: "reference",
      recipe: layerRecipe(plain, [{ name: "reference", epochs: count }]),
    })),
    ...packed("packed, all sequences", 0),
    ...(isOwn ? packed(`packed, ${slice} in turn`, Number(slice)) : []),
    ...(isOwn ? [{ id: "the model's own recipe", family: "own", recipe: own }] : []),
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
  const questions = (await atlasQuestions({ titles })).filter(({ type }) => type === "single-hop");
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
    recipe: model.recipe,
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
    curve: curveOf(recipe, { losses, updateSeconds, before, after }),
    f1,
  };
}

async function train({ encodeParts, augmented }, recipe) {
  const adapters = new Map();
  const losses = [];
  const updateSeconds = [];
  let tokens = 0;
  const groups = groupPassages(augmented, recipe);
  const start = processorSeconds();
  for (const group of groups) {
    let [last, update] = [processorSeconds(), 0];
    const onUpdate = () => {
      const now = processorSeconds();
      updateSeconds[update] = (updateSeconds[update] ?? 0) + now - last;
      [last, update] = [now, update + 1];
    };
    for await (const batch of encodeGroups([group], recipe, { ...encodeParts, onUpdate })) {
      for (const encoded of batch) {
        adapters.set(encoded.augmented.passage.id, encoded.adapter);
        losses.push(encoded.losses);
        tokens += encoded.trainingTokens;
      }
      [last, update] = [processorSeconds(), 0];
    }
  }
  return { adapters, losses, updateSeconds, seconds: processorSeconds() - start, tokens };
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

/** Loss over seconds. Where an update sees a part of the sequences, its loss is not the whole's: only the ends are known. */
function curveOf(recipe, { losses, updateSeconds, before, after }) {
  const total = updateSeconds.reduce((sum, value) => sum + value, 0);
  const end = { seconds: total, loss: after };
  if (recipe.name === "reference" || recipe.sequencesPerUpdate > 0)
    return [{ seconds: 0, loss: before }, end];
  let seconds = 0;
  const points = losses[0].map((_, update) => {
    const point = { seconds, loss: mean(losses.map((list) => list[update])) };
    seconds += updateSeconds[update];
    return point;
  });
  return [...points, end];
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
    merge: await parts.mergeSettings(),
  });
  return (await evaluateMethod(method, questions, { limit: 3, maxTokens: 32 })).summary.f1;
}

async function describe({ parts, augmented, questions, recipe }) {
  return {
    ...describeRun(await parts.model()),
    recipe,
    passages: augmented.length,
    pairs: augmented.reduce((total, { pairs }) => total + pairs.length, 0),
    questions: questions.length,
  };
}

function summarise(name, runs) {
  const { pattern, mask, pairs } = runs[0].recipe;
  return {
    name,
    sequences: { pattern, mask, pairs },
    curves: joinCurves(runs),
    runs: runs.map(({ recipe: _, curve: __, ...run }) => run),
  };
}
