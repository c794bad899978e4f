// F1 of every run in every group of questions, as bars.
const runs = ["closed-book", "shuffled", "no negatives", "prag", "right", "standard-rag", "combine"];

export function groupChart({ table: rows, groups }) {
  const names = Object.entries(groups)
    .filter(([, count]) => count > 0)
    .map(([name]) => name);
  const values = rows
    .filter(({ run, group }) => runs.includes(run) && names.includes(group))
    .map(({ run, group, f1 }) => ({ run, group: `${group} (${groups[group]})`, f1: 100 * f1 }));
  return {
    data: { values },
    width: { step: 12 },
    height: 220,
    mark: "bar",
    encoding: {
      column: {
        field: "group",
        sort: names.map((name) => `${name} (${groups[name]})`),
        title: null,
        spacing: 14,
        header: { labelFontSize: 11 },
      },
      x: { field: "run", sort: runs, title: null, axis: { labels: false, ticks: false } },
      y: { field: "f1", type: "quantitative", title: "F1 (%)", scale: { domain: [0, 100] } },
      color: { field: "run", sort: runs, title: null },
    },
  };
}
