// F1 of every run in every group of questions, as bars.
const runs = ["closed-book", "shuffled", "negatives", "summed", "prag", "right", "standard-rag", "combine"];

export function groupChart({ table: rows, groups }) {
  const names = Object.entries(groups)
    .filter(([, count]) => count >= 5)
    .map(([name]) => name);
  const label = (name) => `${name.replace("_", " ")}/${groups[name]} questions`;
  const values = rows
    .filter(({ run, group }) => runs.includes(run) && names.includes(group))
    .map(({ run, group, f1 }) => ({ run, group: label(group), f1: 100 * f1 }));
  return {
    data: { values },
    width: { step: 14 },
    height: 220,
    mark: "bar",
    encoding: {
      column: {
        field: "group",
        type: "nominal",
        sort: names.map(label),
        title: null,
        spacing: 14,
        header: { labelFontSize: 11, labelExpr: "split(datum.label, '/')" },
      },
      x: { field: "run", type: "nominal", sort: runs, title: null, axis: { labels: false, ticks: false } },
      y: { field: "f1", type: "quantitative", title: "F1 (%)", scale: { domain: [0, 100] } },
      color: { field: "run", type: "nominal", sort: runs, title: null },
    },
  };
}
