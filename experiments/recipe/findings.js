// The table and the picture of a comparison of recipes.
import { writeSvg } from "../plot.js";
import { percent, table } from "../report.js";

/** What counts when recipes are compared: the best merge's F1, trained and other wordings alike. */
export function worth(row) {
  return both(row.merged[bestMerge(row)]);
}

const both = ({ trained, other }) => (trained + other) / 2;

/** The name of the merge with the best F1. */
export function bestMerge({ merged }) {
  return Object.keys(merged).sort((a, b) => both(merged[b]) - both(merged[a]))[0];
}

const pair = ({ trained, other }) => `${percent(trained)} / ${percent(other)}`;

export function findingsText({ model, machine, date, passages, base, chosenOn, reportedOn }) {
  return [
    `${model.name} \`${model.fingerprint}\`, ${machine}, ${date}. F1 in per cent: trained wordings / the last two pairs; processor seconds a passage.`,
    `Base: \`${JSON.stringify(base)}\``,
    `## Chosen on ${passages} passages`,
    rowsTable(chosenOn),
    `## Reported on ${passages} others`,
    rowsTable(reportedOn),
    "With the three passages in the prompt as well (Combine), by merge:",
    combinedTable(reportedOn),
    "![Cost and F1](cost.svg)",
  ].join("\n\n");
}

function rowsTable({ rows, closedBook }) {
  const merges = Object.keys(rows[0].merged);
  const header = [
    "recipe",
    "seconds",
    "loss",
    "alone",
    ...merges.map((name) => `merged, ${name}`),
    ...(rows[0].shuffled ? ["shuffled, best merge"] : []),
  ];
  const lines = rows.map((row) => [
    `${row.name}${Object.keys(row.change).length ? ` \`${JSON.stringify(row.change)}\`` : ""}`,
    row.seconds.toFixed(2),
    row.loss.toFixed(3),
    pair(row.alone),
    ...merges.map((name) =>
      name === bestMerge(row) ? `**${pair(row.merged[name])}**` : pair(row.merged[name]),
    ),
    ...(row.shuffled ? [pair(row.shuffled)] : []),
  ]);
  return `${table(header, lines)}\n\nWithout adapters: ${pair(closedBook)}.`;
}

function combinedTable({ rows }) {
  const merges = Object.keys(rows[0].combined);
  return table(
    ["recipe", ...merges.map((name) => (name === "none" ? "no adapters" : name))],
    rows.map((row) => [row.name, ...merges.map((name) => pair(row.combined[name]))]),
  );
}

/** F1 of the best merge over processor seconds. */
export function costChart(path, { chosenOn, reportedOn }) {
  const values = [
    ...chosenOn.rows.map((row) => ({ ...row, passages: "chosen on" })),
    ...reportedOn.rows.map((row) => ({ ...row, passages: "reported on" })),
  ].map((row) => ({ name: row.name, passages: row.passages, seconds: row.seconds, f1: 100 * worth(row) }));
  const encoding = {
    x: {
      field: "seconds",
      type: "quantitative",
      title: "processor seconds a passage",
      scale: { zero: true },
    },
    y: {
      field: "f1",
      type: "quantitative",
      title: "F1, best merge of three (%)",
      scale: { domain: [0, 100] },
    },
    color: { field: "passages", type: "nominal" },
  };
  return writeSvg(path, {
    width: 560,
    height: 360,
    data: { values },
    encoding,
    layer: [
      { mark: { type: "point", filled: true, size: 60 } },
      { mark: { type: "text", dx: 6, align: "left", fontSize: 9 }, encoding: { text: { field: "name" } } },
    ],
  });
}
