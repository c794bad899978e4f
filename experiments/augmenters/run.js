// What the augmenters are worth on the atlas: pairs and rewrites made, kept, and dropped with the reason; and which of the
// model and the rules the engine takes by itself.
//
//   npm run --silent build && node experiments/augmenters/run.js
//     --model <folder>     another model than prag-mini
//     --passages <n>       how many articles (all)
//     --out <folder>       where results.json and findings.md go (default: beside this file)
import { sumAccounts } from "../../dist/augmentation/augmenter.js";
import { chooseAugmenter } from "../../dist/augmentation/choose-augmenter.js";
import { createModelAugmenter } from "../../dist/augmentation/model-augmenter.js";
import { ruleAugmenter } from "../../dist/augmentation/rule-augmenter.js";
import { collectAtlas, openAtlas, runExperiment, sampleTitles } from "../atlas.js";
import { describeRun, table, writeFindings } from "../report.js";

const options = { passages: { type: "string" }, out: { type: "string" } };

await runExperiment(options, async (given) => {
  const engine = await openAtlas(given, {});
  try {
    await collectAtlas(engine, { titles: await sampleTitles(given) });
    const results = await measure(engine.parts);
    const folder = given.out ?? import.meta.dirname;
    const text = findingsText(results);
    await writeFindings(folder, { results, title: "Augmenters", text });
    process.stdout.write(`${text}\n`);
  } finally {
    await engine.dispose();
  }
});

async function measure(parts) {
  const model = await parts.model();
  const passages = [...(await parts.corpus()).passages()];
  const settings = { rewrites: 1, pairs: 3, seed: 42 }; // the paper's numbers
  const augmenters = [createModelAugmenter({ generator: await parts.generator() }), ruleAugmenter];
  const rows = [];
  for (const augmenter of augmenters) {
    const start = parts.clock();
    const made = await augmenter.augment(passages, settings);
    const seconds = (parts.clock() - start) / 1000;
    const full = made.filter(({ augmented }) => augmented.pairs.length >= settings.pairs).length;
    rows.push({
      augmenter: augmenter.name,
      seconds,
      full,
      ...sumAccounts(made.map(({ account }) => account)),
    });
    process.stderr.write(`${augmenter.name}: ${seconds.toFixed(0)} s\n`);
  }
  const { reason, usableShare } = await chooseAugmenter(augmenters[0], passages, settings);
  return {
    ...describeRun(model),
    settings,
    passages: passages.length,
    rows,
    choice: { reason, usableShare },
  };
}

function findingsText({ date, machine, model, settings, passages, rows, choice }) {
  const share = ({ made, usable }) =>
    made === 0 ? "–" : `${usable} of ${made} (${Math.round((100 * usable) / made)} %)`;
  const reasons = [...new Set(rows.flatMap(({ dropped }) => Object.keys(dropped)))].sort();
  return [
    `${date}, ${machine}; model ${model.name} (${model.fingerprint}). ${passages} articles of the atlas, ${settings.rewrites} rewrite and ${settings.pairs} pairs wanted of each.`,
    table(
      ["augmenter", "texts asked", "pairs kept", "rewrites kept", "articles with all pairs", "seconds"],
      rows.map(({ augmenter, attempts, pairs, rewrites, full, seconds }) => [
        augmenter,
        attempts,
        share(pairs),
        share(rewrites),
        full,
        seconds.toFixed(1),
      ]),
    ),
    `The engine's own trial says: ${choice.reason}.`,
    "Left out, and why:",
    table(
      ["reason", ...rows.map(({ augmenter }) => augmenter)],
      reasons.map((reason) => [reason, ...rows.map(({ dropped }) => dropped[reason] ?? 0)]),
    ),
  ].join("\n\n");
}
