// What the runs say: comparisons with their intervals, the floors, and the text of findings.md.
import { pairedBootstrap, pairedTTest } from "../../dist/evaluation/statistics.js";
import { percent, table } from "../report.js";

const comparisons = [
  ["prag", "shuffled"],
  ["prag", "closed-book"],
  ["shuffled", "closed-book"],
  ["prag", "summed"],
  ["right", "prag"],
  ["prag", "negatives"],
  ["right", "negatives, right"],
  ["combine", "standard-rag"],
  ["combine", "prag"],
  ["combine, right", "standard-rag, right"],
];

/** Paired comparisons of F1 on the questions in other words, on all single-hop questions, and on all. */
export function compareMethods(runs, { groupOf, random }) {
  const singleHop = new Set(["same-wording", "other-words", "uncovered"]);
  const sets = {
    "other-words": (id) => groupOf.get(id) === "other-words",
    "single-hop": (id) => singleHop.has(groupOf.get(id)),
    all: () => true,
  };
  return Object.entries(sets).flatMap(([group, isIn]) =>
    comparisons.flatMap(([a, b]) => {
      const scores = (run) => runs[run].records.filter(({ id }) => isIn(id)).map(({ f1 }) => f1);
      if (scores(a).length < 2) return [];
      const { difference, interval, p } = pairedBootstrap(scores(a), scores(b), {
        random: random.fork(`${group} ${a} ${b}`),
      });
      const { p: tTest } = pairedTTest(scores(a), scores(b));
      return [{ group, a, b, questions: scores(a).length, difference, interval, p, tTest }];
    }),
  );
}

/** The figures that were asked for, with what was reached. */
export function checkFloors({ table: rows, comparisons: compared }) {
  const f1 = (run, group = "other-words") => rows.find((row) => row.run === run && row.group === group)?.f1;
  const shuffled = compared.find((one) => one.group === "other-words" && one.b === "shuffled");
  if (!shuffled) return [];
  const better = (group) => Math.max(f1("standard-rag", group), f1("prag", group)) - 0.02;
  const { difference, interval } = shuffled;
  return [
    ["F1 of P-RAG ≥ 25.0", percent(f1("prag")), f1("prag") >= 0.25],
    ["F1 of P-RAG above shuffled adapters ≥ 15.0", percent(difference), difference >= 0.15],
    ["… with the 95 % interval above 0", intervalText(interval), interval.low > 0],
    [
      "shuffled within 10.0 of closed-book",
      percent(f1("shuffled") - f1("closed-book")),
      Math.abs(f1("shuffled") - f1("closed-book")) <= 0.1,
    ],
    [
      `Combine ≥ better of standard RAG and P-RAG − 2 (${percent(better("other-words"))})`,
      percent(f1("combine")),
      f1("combine") >= better("other-words"),
    ],
    [
      `the same on all questions (${percent(better("all"))})`,
      percent(f1("combine", "all")),
      f1("combine", "all") >= better("all"),
    ],
  ].map(([floor, reached, holds]) => ({ floor, reached, holds }));
}

export function findingsText(results) {
  const { model, recipe, machine, date, groups, storage, augmenter, corpus, seed } = results;
  const { negatives } = recipe;
  const merge = `${results.merge.weights}, scale ${results.merge.scale}`;
  return [
    `${date}, ${machine}; model ${model.name} (${model.fingerprint}); recipe ${recipe.name}, pattern ${recipe.pattern}, mask ${recipe.mask}, ` +
      `rank ${recipe.rank}, alpha ${recipe.alpha}, learning rate ${recipe.learningRate} (${recipe.decay}), ${recipe.updates} updates, ` +
      `${recipe.sequencesPerUpdate || "all"} sequences${negatives.count ? ` and ${negatives.perUpdate || "all"} of ${negatives.count} negatives (weight ${negatives.weight})` : ""} each; seed ${seed}. ` +
      `${corpus.passages} passages, ${corpus.pairs} training pairs, augmented by: ${Object.keys(augmenter).join(", ")}.`,
    "F1 in percent by group of questions (`right`: only the adapters of the supporting passages, one for single-hop questions; `shuffled`: adapters of other passages; " +
      "`held out`: the asked fact was left out of training; " +
      `elsewhere k = 3 by BM25, merged by ${merge}; \`summed\`: merged by plain sum, as the paper does):`,
    groupTable(results.table, groups),
    "![F1 by group](f1.svg)",
    "All questions of each run:",
    runTable(results.table),
    "What was asked for, on the same fact in other words:",
    table(
      ["figure", "reached", "holds"],
      checkFloors(results).map(({ floor, reached, holds }) => [floor, reached, holds ? "yes" : "**no**"]),
    ),
    "Differences of F1 with 95 % intervals of the paired bootstrap (10,000 rounds), and the paired t-test beside it:",
    table(
      ["a − b", "questions", "n", "difference", "interval", "p", "t-test p"],
      results.comparisons.map(({ a, b, group, questions, difference, interval, p, tTest }) => [
        `${a} − ${b}`,
        group,
        questions,
        percent(difference),
        intervalText(interval),
        probability(p),
        probability(tTest),
      ]),
    ),
    "P-RAG with adapters stored as:",
    table(
      ["format", "bytes a passage", "F1", "EM", "same text as f16"],
      storage.map(({ dtype, bytesPerAdapter, f1, em, sameTextAsF16 }) => [
        dtype,
        bytesPerAdapter,
        percent(f1),
        percent(em),
        percent(sameTextAsF16),
      ]),
    ),
  ].join("\n\n");
}

function groupTable(rows, groups) {
  const names = Object.keys(groups);
  const runs = [...new Set(rows.map(({ run }) => run))];
  const cell = (run, group) => percent(rows.find((row) => row.run === run && row.group === group)?.f1);
  const heldOut = rows.find(({ run }) => run === "held out")?.questions ?? 0;
  const count = (name) => (name === "uncovered" ? `${groups[name]} + ${heldOut} held out` : groups[name]);
  return table(
    ["run", ...names.map((name) => `${name} (${count(name)})`)],
    runs.map((run) => [run, ...names.map((name) => cell(run, name))]),
  );
}

function runTable(rows) {
  const all = rows.filter(({ group }) => group === "all");
  return table(
    ["run", "n", "EM", "F1", "precision", "recall", "prompt tokens", "retrieved", "failed"],
    all.map((row) => [
      row.run,
      row.questions,
      percent(row.em),
      percent(row.f1),
      percent(row.precision),
      percent(row.recall),
      row.promptTokens.toFixed(0),
      percent(row.retrievalRecall),
      row.failed,
    ]),
  );
}

const probability = (p) => (p < 0.0001 ? "< 0.0001" : p.toFixed(4));

const intervalText = ({ low, high }) => `${percent(low)} to ${percent(high)}`;
