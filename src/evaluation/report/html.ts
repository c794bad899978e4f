import type { Block, Cell, ReportDocument, Section, TableRow } from "./blocks.ts";

/** A text that stands for itself in HTML and in attributes, whatever a dataset or model wrote. */
export function escapeHtml(value: string): string {
  return value
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, "")
    .replace(/[&<>"'`]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

const style = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6675; --line: #d7dce3; --ground: #fff; --raised: #f5f7fa; --best: #0b6b4f;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b8860b; --c4: #cc79a7; --c5: #3d9bd1; --c6: #7a7a7a; --c7: #6a4fb3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf0; --soft: #9aa5b5; --line: #38414f; --ground: #14181f; --raised: #1c222c; --best: #5fd0a8;
  --c0: #56b4e9; --c1: #f08a4b; --c2: #3fc79a; --c3: #e6c34a; --c4: #e3a3c6; --c5: #8ecdf2; --c6: #b0b0b0; --c7: #ab95ea; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 75rem; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .6rem; } h2 { font-size: 1.25rem; margin: 2.6rem 0 .4rem; }
p { max-width: 46rem; margin: .5rem 0; overflow-wrap: anywhere; } nav { margin: 1rem 0; } nav a { margin-right: 1rem; white-space: nowrap; }
a { color: var(--c0); } figure { margin: 1rem 0; } figcaption, caption, .note { color: var(--soft); font-size: .9rem; text-align: left; }
caption { padding: .2rem 0 .5rem; } .note { margin-top: .4rem; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .8rem .6rem; margin: .8rem 0; background: var(--raised); }
.wide:focus-visible { outline: 2px solid var(--c0); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .6rem; text-align: right; vertical-align: top; border-top: 1px solid var(--line); white-space: nowrap; }
thead th { border-top: 0; color: var(--soft); font-weight: 600; vertical-align: bottom; }
th:first-child { text-align: left; position: sticky; left: -.8rem; background: var(--raised); }
@media (max-width: 40rem) { th:first-child { white-space: normal; max-width: 8.5rem; } }
td.words { text-align: left; white-space: normal; min-width: 12rem; overflow-wrap: anywhere; }
td.best { font-weight: 700; color: var(--best); } tr.paper th, tr.paper td { color: var(--soft); font-style: italic; }
small { display: block; color: var(--soft); font-weight: 400; font-size: .75rem; } sup { font-weight: 700; }
svg { width: 100%; max-width: 46rem; height: auto; display: block; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .soft { fill: var(--soft); } svg .grid { stroke: var(--line); } svg .axis { stroke: var(--soft); }
`;

/** The whole page: one file, no script, nothing fetched. */
export function writeHtml({ title, lead, sections }: ReportDocument): string {
  const links = sections.map((section, i) => `<a href="#s${i + 1}">${escapeHtml(section.title)}</a>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${lead.map((line) => `<p>${escapeHtml(line)}</p>`).join("\n")}
<nav aria-label="Sections">${links.join(" ")}</nav>
${sections.map(writeSection).join("\n")}
</main>
</body>
</html>
`;
}

function writeSection({ title, blocks }: Section, i: number): string {
  return `<section id="s${i + 1}"><h2>${escapeHtml(title)}</h2>\n${blocks.map(writeBlock).join("\n")}\n</section>`;
}

function writeBlock(block: Block): string {
  switch (block.kind) {
    case "text":
      return `<p>${escapeHtml(block.text)}</p>`;
    case "figure":
      return `<figure>${block.svg}<figcaption>${escapeHtml(block.caption)}</figcaption></figure>`;
    case "table":
      return `<div class="wide" tabindex="0" role="region" aria-label="${escapeHtml(block.caption)}"><table>
<caption>${escapeHtml(block.caption)}</caption>
<thead><tr>${block.head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join("")}</tr></thead>
<tbody>
${block.rows.map(writeRow).join("\n")}
</tbody></table>${block.note ? `<p class="note">${escapeHtml(block.note)}</p>` : ""}</div>`;
  }
}

function writeRow({ cells, isPaper }: TableRow): string {
  const [first, ...rest] = cells;
  const head = first ? `<th scope="row">${writeCell(first)}</th>` : "";
  const body = rest.map((cell) => {
    const classes = [
      ...(cell.isBest ? ["best"] : []),
      ...(/^[\d.,+−±–<%\s]*( (ms|s|×))?$/.test(cell.text) || cell.text.length <= 14 ? [] : ["words"]),
    ];
    return `<td${classes.length ? ` class="${classes.join(" ")}"` : ""}>${writeCell(cell)}</td>`;
  });
  return `<tr${isPaper ? ' class="paper"' : ""}>${head}${body.join("")}</tr>`;
}

function writeCell({ text, marks, detail }: Cell): string {
  const sup = marks ? `<sup>${escapeHtml(marks)}</sup>` : "";
  return `${escapeHtml(text)}${sup}${detail ? `<small>${escapeHtml(detail)}</small>` : ""}`;
}
