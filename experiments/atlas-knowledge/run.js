// Does the knowledge really come from the adapters? All methods on the atlas, in groups of questions, with controls:
// shuffled adapters, the right passage's adapter alone, adapters trained with negatives, facts left out of training.
//
//   npm run --silent build && node experiments/atlas-knowledge/run.js
//     --model <folder>     another model than prag-mini
//     --work <folder>      keeps data and adapters there, so that a second run trains nothing anew
//     --passages <n>       only a seeded sample of the articles, and the questions about them
//     --recipe <json>      numbers that replace those of the model's preset
//     --seed <n>           of samples, shuffling and bootstrap
//     --out <folder>       where results.json, records.jsonl, findings.md and f1.svg go (default: beside this file)
import { join } from "node:path";
import { writeAtomic } from "../../dist/base/files.js";
import { Random } from "../../dist/base/random.js";
import { createMethod } from "../../dist/engine/create-method.js";
import { evaluateMethod } from "../../dist/evaluation/evaluate.js";
import { summarise } from "../../dist/evaluation/summary.js";
import { wordingGroups, wordingOf } from "../../dist/evaluation/wording.js";
import { combine, prag } from "../../dist/methods/prag.js";
import { standardRag } from "../../dist/methods/standard-rag.js";
import {
  atlasQuestions,
  convertAdapters,
  encodeAtlas,
  openAtlas,
  questionGroups,
  rightRetriever,
  runExperiment,
  sampleTitles,
} from "../atlas.js";
import { writeSvg } from "../plot.js";
import { describeRun, writeFindings } from "../report.js";
import { groupChart } from "./chart.js";
import { compareMethods, findingsText } from "./findings.js";

/** Share of single-hop questions whose facts are taken out of training for the group `uncovered`. */
const heldOutShare = 1 / 3;
const dtypes = ["f32", "f16", "int8"];

await runExperiment({ passages: { type: "string" }, out: { type: "string" } }, async (given) => {
  const titles = await sampleTitles(given);
  const questions = await atlasQuestions({ titles });
  const options = { ...given, titles };
  const folder = options.out ?? import.meta.dirname;
  const main = await runMain(options, questions);
  const runs = {
    ...main.runs,
    ...(await runNegatives(options, questions)),
    ...(await runHeldOut(options, main)),
  };
  const storage = await runDtypes(options, questions, main);
  const results = {
    ...main.description,
    seed: options.seed,
    groups: countGroups(questions, main.groupOf),
    table: tabulate(runs, main.groupOf),
    storage,
    comparisons: compareMethods(runs, { groupOf: main.groupOf, random: new Random(options.seed) }),
  };
  await writeAtomic(join(folder, "records.jsonl"), recordLines(runs, main.groupOf));
  await writeFindings(folder, {
    results,
    title: "Where the knowledge comes from",
    text: findingsText(results),
  });
  await writeSvg(join(folder, "f1.svg"), groupChart(results));
  process.stdout.write(`${findingsText(results)}\n`);
});

/** Trains on everything, and asks with every method and control. Adapters are kept as float32 for the comparison of formats. */
async function runMain(options, questions) {
  await withAtlas(options, { folder: "f32", adapterDtype: "f32" }, {}, async () => undefined);
  const converted = await convertAdapters(options, { from: "f32", to: "f16", dtype: "f16" });
  return withAtlas(options, { folder: "f16", adapterDtype: "f16" }, {}, async (parts, encoded) => {
    if (encoded.report.encoded > 0) throw new Error("converted adapters were not found again");
    const model = await parts.model();
    const groupOf = questionGroups(questions, encoded.pairsByTitle);
    const ask = (id, method, some = questions, limit = 3) => evaluate({ id, method, questions: some, limit });
    const method = (name, extra = {}) => createMethod(parts, name, { onMissing: "skip", ...extra });
    const runs = {
      "closed-book": await ask("closed-book", await method("closed-book")),
      "standard-rag": await ask("standard-rag", await method("standard-rag")),
      prag: await ask("prag", await method("prag")),
      combine: await ask("combine", await method("combine")),
      shuffled: await ask("shuffled", await method("prag", { shuffleAdapters: options.seed })),
      summed: await ask("summed", await summedPrag(parts, await parts.retriever())),
      right: await evaluateRight("right", parts, questions),
      ...(await readRight(parts, questions)),
    };
    const description = {
      ...describeRun(model),
      recipe: model.recipe,
      merge: await parts.mergeSettings(),
      augmenter: encoded.report.augmentation.augmenters,
      corpus: { passages: encoded.report.passages, pairs: encoded.report.augmentation.pairs },
      bytesPerAdapter: converted.bytesPerAdapter,
    };
    return { runs, groupOf, description, questions };
  });
}

/** The same recipe with negatives: merged by the weights that serve such adapters best, summed, and alone. */
async function runNegatives(options, questions) {
  const recipe = { negatives: { count: 36, perUpdate: 3, weight: 1 } };
  const merge = { weights: "score", scale: 0.55 };
  return withAtlas(options, { folder: "negatives", recipe, merge }, {}, async (parts) => {
    const method = await createMethod(parts, "prag", { onMissing: "skip" });
    const summed = await summedPrag(parts, await parts.retriever());
    return {
      negatives: await evaluate({ id: "negatives", method, questions, limit: 3 }),
      "negatives, summed": await evaluate({ id: "negatives, summed", method: summed, questions, limit: 3 }),
      "negatives, right": await evaluateRight("negatives, right", parts, questions),
    };
  });
}

/** Takes the facts of some questions out of the training pairs, and asks these questions. */
async function runHeldOut(options, { questions, groupOf }) {
  const covered = questions.filter(
    ({ type, id }) => type === "single-hop" && groupOf.get(id) !== "uncovered",
  );
  const count = Math.round(heldOutShare * covered.length);
  const heldOut = new Random(options.seed).fork("held out").sample(covered, count);
  const change = (row) => ({
    ...row,
    pairs: row.pairs.filter((pair) =>
      heldOut.every(
        ({ articles, answers }) =>
          !articles.includes(row.title) || wordingOf({ question: "", answers }, [pair]) === "uncovered",
      ),
    ),
  });
  await convertAdapters(options, { from: "f32", to: "held-out", dtype: "f16" });
  return withAtlas(options, { folder: "held-out", adapterDtype: "f16" }, { change }, async (parts) => ({
    "held out": await evaluate({
      id: "held out",
      method: await createMethod(parts, "prag", { onMissing: "skip" }),
      questions: heldOut,
      limit: 3,
    }),
    "held out, right": await evaluateRight("held out, right", parts, heldOut),
  }));
}

/** P-RAG with the same adapters in each format. */
async function runDtypes(options, questions, main) {
  const rows = [];
  for (const dtype of dtypes) {
    const { bytesPerAdapter } = await convertAdapters(options, { from: "f32", to: dtype, dtype });
    const run =
      dtype === "f16"
        ? main.runs.prag
        : await withAtlas(options, { folder: dtype, adapterDtype: dtype }, {}, async (parts) =>
            evaluate({
              id: `prag ${dtype}`,
              method: await createMethod(parts, "prag", { onMissing: "skip" }),
              questions,
              limit: 3,
            }),
          );
    const { f1, em } = run.summary;
    const same = run.records.filter(({ text }, i) => text === main.runs.prag.records[i].text).length;
    rows.push({ dtype, bytesPerAdapter, f1, em, sameTextAsF16: same / run.records.length });
  }
  return rows;
}

async function withAtlas(options, settings, augmentation, task) {
  const engine = await openAtlas(options, settings);
  try {
    const encoded = await encodeAtlas(engine, { titles: options.titles, ...augmentation });
    return await task(engine.parts, encoded);
  } finally {
    await engine.dispose();
  }
}

/** P-RAG with the adapters of the supporting passages alone, summed as they were trained: one for single-hop questions. */
async function evaluateRight(id, parts, questions) {
  const corpus = await parts.corpus();
  const retriever = rightRetriever(questions, [...corpus.passages()]);
  return evaluate({ id, method: await summedPrag(parts, retriever), questions, limit: 4 });
}

/** The supporting passages alone in the prompt, without and with their adapters: can the model read them? */
async function readRight(parts, questions) {
  const corpus = await parts.corpus();
  const retriever = rightRetriever(questions, [...corpus.passages()]);
  const read = (id, method) => evaluate({ id, method, questions, limit: 4 });
  const summed = { ...(await adapterParts(parts)), retriever, merge: { weights: "sum", scale: 1 } };
  return {
    "standard-rag, right": await read("standard-rag, right", standardRag(summed)),
    "combine, right": await read("combine, right", combine(summed)),
  };
}

/** P-RAG with the paper's merge, whatever the settings say. */
async function summedPrag(parts, retriever) {
  return prag({ ...(await adapterParts(parts)), retriever, merge: { weights: "sum", scale: 1 } });
}

async function adapterParts(parts) {
  const encoding = await parts.encoding();
  return {
    generator: await parts.generator(),
    clock: parts.clock,
    prompts: parts.prompts,
    adapters: {
      keyOf: (passageId) => encoding.keyOf(passageId),
      load: (passages) => encoding.load(passages.map((passage) => passage.id)),
    },
    onMissing: "skip",
  };
}

async function evaluate({ id, method, questions, limit }) {
  const onDone = (_, done, total) => {
    if (done % 40 === 0 || done === total) process.stderr.write(`${id}: ${done}/${total}\n`);
  };
  return evaluateMethod(method, questions, { limit, maxTokens: 32, onDone });
}

function countGroups(questions, groupOf) {
  const groups = {};
  for (const name of wordingGroups) groups[name] = 0;
  for (const { id } of questions) groups[groupOf.get(id)] = (groups[groupOf.get(id)] ?? 0) + 1;
  return groups;
}

/** One row per run and group; questions whose facts were left out of training are the group `uncovered`. */
function tabulate(runs, groupOf) {
  return Object.entries(runs).flatMap(
    ([
      id,
      {
        records,
        summary: { name },
      },
    ]) => {
      const groupOfRun = (record) => (id.startsWith("held out") ? "uncovered" : groupOf.get(record.id));
      const groups = ["all", ...new Set(records.map(groupOfRun))];
      return groups.map((group) => {
        const some = group === "all" ? records : records.filter((record) => groupOfRun(record) === group);
        return { run: id, group, ...summarise(name, some) };
      });
    },
  );
}

/** Every answer of every run, one a line. */
function recordLines(runs, groupOf) {
  const lines = Object.entries(runs).flatMap(([run, { records }]) =>
    records.map(({ id, answer, em, f1 }) =>
      JSON.stringify({ run, id, group: groupOf.get(id), answer, em, f1 }),
    ),
  );
  return `${lines.join("\n")}\n`;
}
