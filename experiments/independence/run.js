// Is an adapter the same, byte for byte, whatever is trained beside it? Each of some passages is encoded alone and in
// three different batches with others, long and short; the adapters are compared.
//
//   npm run --silent build && node experiments/independence/run.js
//     --model <folder>     another model than prag-mini
//     --count <n>          how many passages are tried (6)
//     --out <folder>       where results.json and findings.md go (default: beside this file)
import { encodeAdapter } from "../../dist/adapters/adapter-file.js";
import { supports } from "../../dist/augmentation/support.js";
import { Random } from "../../dist/base/random.js";
import { augmentPassages } from "../../dist/engine/augment.js";
import { encodeGroups } from "../../dist/training/encode.js";
import { layerRecipe } from "../../dist/training/recipe.js";
import { collectAtlas, openAtlas, runExperiment } from "../atlas.js";
import { describeRun, table, writeFindings } from "../report.js";

await runExperiment({ count: { type: "string", default: "6" }, out: { type: "string" } }, async (options) => {
  const engine = await openAtlas(options, {});
  try {
    await collectAtlas(engine);
    const results = await compare(engine.parts, options);
    const folder = options.out ?? import.meta.dirname;
    const text = findingsText(results);
    await writeFindings(folder, { results, title: "Independence of adapters", text });
    process.stdout.write(`${text}\n`);
  } finally {
    await engine.dispose();
  }
});

async function compare(parts, { count, seed }) {
  const model = await parts.model();
  const { augmented } = await augmentPassages(parts, [...(await parts.corpus()).passages()]);
  const random = new Random(seed);
  const chosen = random.fork("passages").sample(augmented, Number(count));
  const recipes = {
    "the model's own recipe": model.recipe,
    "the paper's sequences (with passages)": layerRecipe(model.recipe, [
      { pattern: "product", mask: "all", pairs: 3, updates: 3, negatives: { count: 0 } },
    ]),
  };
  const rows = [];
  for (const [name, recipe] of Object.entries(recipes)) {
    for (const one of chosen) {
      const mates = random.fork(one.passage.id).sample(
        augmented.filter((other) => other !== one),
        9,
      );
      const groups = [
        [one],
        [one, ...mates.slice(0, 3)],
        [...mates.slice(3, 5), one, mates[5]],
        [...mates.slice(6), one],
      ];
      const adapters = await encodeEach(parts, { groups, recipe, wanted: one });
      rows.push({ recipe: name, title: one.passage.title, ...distances(adapters) });
      process.stderr.write(`${name}: ${one.passage.title}\n`);
    }
  }
  return { ...describeRun(model), recipe: model.recipe, rows };
}

/** The wanted passage's adapter from each group. */
async function encodeEach(parts, { groups, recipe, wanted }) {
  const { tokenizer, initial } = await parts.model();
  const { prompts, clock } = parts;
  const trainer = await parts.openTrainer();
  const distributions = await parts.openDistributions();
  const negatives = { tokenizer, generator: await parts.generator(), distributions, prompts };
  const adapters = [];
  try {
    const encodeParts = { trainer, tokenizer, prompts, supports, initial, clock, negatives };
    for await (const batch of encodeGroups(groups, recipe, encodeParts)) {
      adapters.push(...batch.filter(({ augmented }) => augmented === wanted).map(({ adapter }) => adapter));
    }
    return adapters;
  } finally {
    await trainer.dispose();
    await distributions.dispose();
  }
}

/** How far the adapters of the batches are from the one that was trained alone. */
function distances([alone, ...others]) {
  const provenance = { baseModel: { name: "any", fingerprint: "any" }, createdBy: "experiment" };
  const bytes = (adapter, dtype) => Buffer.from(encodeAdapter(adapter, { dtype, provenance }));
  const equal = (dtype) => others.filter((other) => bytes(other, dtype).equals(bytes(alone, dtype))).length;
  return {
    batches: others.length,
    equalF32: equal("f32"),
    equalF16: equal("f16"),
    farthest: Math.max(...others.map((other) => relativeDistance(other, alone))),
  };
}

/** Largest relative distance of a factor in the 2-norm. */
function relativeDistance(adapter, wanted) {
  let farthest = 0;
  for (const [name, factors] of wanted.modules) {
    for (const factor of ["down", "up"]) {
      let [difference, norm] = [0, 0];
      factors[factor].forEach((value, i) => {
        difference += (adapter.modules.get(name)[factor][i] - value) ** 2;
        norm += value ** 2;
      });
      farthest = Math.max(farthest, Math.sqrt(difference / (norm || 1)));
    }
  }
  return farthest;
}

function findingsText({ rows, machine, date, model }) {
  const names = [...new Set(rows.map(({ recipe }) => recipe))];
  const sum = (some, key) => some.reduce((total, row) => total + row[key], 0);
  return [
    `${date}, ${machine}; model ${model.name} (${model.fingerprint}). Adapters of a passage from three batches with different ` +
      "companions, against the one that was trained alone:",
    table(
      ["recipe", "passages", "equal bytes as f32", "equal bytes as f16", "farthest factor (relative 2-norm)"],
      names.map((name) => {
        const some = rows.filter(({ recipe }) => recipe === name);
        return [
          name,
          some.length,
          `${sum(some, "equalF32")} of ${sum(some, "batches")}`,
          `${sum(some, "equalF16")} of ${sum(some, "batches")}`,
          Math.max(...some.map(({ farthest }) => farthest)).toExponential(1),
        ];
      }),
    ),
  ].join("\n\n");
}
