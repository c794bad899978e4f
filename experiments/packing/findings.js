// The curve, and the text of findings.md.
import { percent, table } from "../report.js";

/** When a curve first comes down to a loss, between two of its points in proportion; undefined where it never does. */
export function secondsToReach(curve, loss) {
  for (const [i, point] of curve.entries()) {
    if (point.loss > loss) continue;
    const before = curve[i - 1];
    if (!before) return point.seconds;
    const share = (before.loss - loss) / (before.loss - point.loss);
    return before.seconds + share * (point.seconds - before.seconds);
  }
  return undefined;
}

/** One curve per family: that of the longest run, or the ends of all its runs where a run only knows its ends. */
export function joinCurves(runs) {
  const families = [...new Set(runs.map(({ family }) => family))].filter((family) => family !== "own");
  return families.map((family) => {
    const members = runs.filter((run) => run.family === family);
    const longest = members.at(-1).curve;
    const ends = [longest[0], ...members.map(({ curve }) => curve.at(-1))];
    return { family, points: longest.length > 2 ? longest : ends };
  });
}

export function lossChart({ curves }, passages) {
  const values = curves.flatMap(({ family, points }) => points.map((point) => ({ family, ...point })));
  const order = curves.map(({ family }) => family);
  return {
    data: { values },
    width: 520,
    height: 300,
    mark: { type: "line", point: { size: 25 } },
    encoding: {
      x: {
        field: "seconds",
        type: "quantitative",
        title: `processor seconds of training, ${passages} passages together`,
      },
      y: { field: "loss", type: "quantitative", title: "mean loss over all sequences of a passage" },
      color: { field: "family", type: "nominal", sort: order, title: null, legend: { labelLimit: 0 } },
    },
  };
}

export function findingsText({ model, machine, date, recipe, passages, pairs, questions, objectives }) {
  return [
    `${date}, ${machine}; model ${model.name} (${model.fingerprint}); ${passages} passages, ${pairs} pairs; rank ${recipe.rank}, alpha ${recipe.alpha}, ` +
      `learning rate ${recipe.learningRate}, constant, no negatives. F1 on ${questions} single-hop questions.`,
    "The loss is the mean over all sequences of a passage, measured alike for every run. Seconds are processor time on one thread, all passages together.",
    ...objectives.flatMap((objective) => objectiveText(objective, recipe)),
  ].join("\n\n");
}

const headings = {
  own: "The model's own kind of sequences",
  paper: "The paper's sequences: every version of the passage with each pair",
};

function objectiveText({ name, sequences, curves, runs }, recipe) {
  const reference = runs.filter(({ family }) => family === "reference");
  const reach = (points, loss) => {
    const seconds = secondsToReach(points, loss);
    return seconds === undefined ? "not reached" : `${seconds.toFixed(1)} s`;
  };
  const isOwn = name === "own";
  return [
    `## ${headings[name]}`,
    `Pattern ${sequences.pattern}, mask ${sequences.mask}, ${sequences.pairs || "all"} pairs.` +
      (isOwn
        ? ` The last row is the preset as it is, with ${recipe.negatives.count} negatives and decay ${recipe.decay}.`
        : ""),
    `![training loss over seconds](loss-${name}.svg)`,
    "Seconds until the final losses of recipe reference:",
    table(
      ["run", ...reference.map(({ id, after }) => `loss ${after.toFixed(3)} (${id})`)],
      curves.map(({ family, points }) => [family, ...reference.map(({ after }) => reach(points, after))]),
    ),
    table(
      ["run", "seconds", "tokens", "final loss", "F1, right adapter", "F1, three merged"],
      runs.map((run) => [
        run.id,
        run.seconds.toFixed(1),
        run.tokens,
        run.after.toFixed(3),
        percent(run.f1.right),
        percent(run.f1.merged),
      ]),
    ),
  ];
}
