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

/** All points of recipe `reference` are one curve; every packed run is its own. */
function curves({ runs }) {
  const reference = runs.filter(({ family }) => family === "reference");
  const start = reference[0]?.curve[0];
  const points = reference.map(({ curve }) => curve.at(-1));
  return [
    ...(start ? [{ id: "reference", points: [start, ...points] }] : []),
    ...runs.filter(({ family }) => family === "packed").map(({ id, curve }) => ({ id, points: curve })),
  ];
}

export function lossChart(results) {
  const values = curves(results).flatMap(({ id, points }) =>
    points.map(({ seconds, loss }) => ({ run: id, seconds, loss })),
  );
  const order = curves(results).map(({ id }) => id);
  return {
    data: { values },
    width: 520,
    height: 300,
    mark: { type: "line", point: { size: 25 } },
    encoding: {
      x: {
        field: "seconds",
        type: "quantitative",
        title: `seconds of training, ${results.passages} passages together`,
      },
      y: { field: "loss", type: "quantitative", title: "mean loss over all sequences of a passage" },
      color: { field: "run", sort: order, title: null },
    },
  };
}

export function findingsText(results) {
  const { model, machine, date, recipe, passages, pairs, questions, runs } = results;
  const reference = runs.filter(({ family }) => family === "reference").at(-1);
  const seconds = (value) => (value === undefined ? "never" : value.toFixed(1));
  return [
    `${date}, ${machine}; model ${model.name} (${model.fingerprint}); ${passages} passages, ${pairs} pairs; pattern ${recipe.pattern}, ` +
      `mask ${recipe.mask}, rank ${recipe.rank}, alpha ${recipe.alpha}, learning rate ${recipe.learningRate}, constant, no negatives ` +
      `(the last row: as the model's preset says). F1 on ${questions} single-hop questions.`,
    "![training loss over seconds](loss.svg)",
    `The loss is the mean over all sequences of a passage, the same for every run. "Seconds to reference" is when a packed run comes down to the final loss of "${reference?.id}" (${reference?.after.toFixed(3)}, after ${reference?.seconds.toFixed(1)} s).`,
    table(
      [
        "run",
        "seconds",
        "tokens",
        "final loss",
        "seconds to reference",
        "F1, right adapter",
        "F1, three merged",
      ],
      runs.map((run) => [
        run.id,
        run.seconds.toFixed(1),
        run.tokens,
        run.after.toFixed(3),
        run.family === "packed" ? seconds(run.secondsToReference) : "–",
        percent(run.f1.right),
        percent(run.f1.merged),
      ]),
    ),
  ].join("\n\n");
}
