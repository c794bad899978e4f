import type { Block, Cell, ReportDocument, TableRow } from "./blocks.ts";

/** A text that stands for itself in Markdown: no markup, no HTML, no end of a table's cell. */
export function escapeMarkdown(value: string): string {
  return value
    .replace(/[\x00-\x1f\x7f-\x9f]+/g, " ")
    .replace(/[\\`*_[\]<>|#~&!]/g, (sign) => `\\${sign}`)
    .replace(/\\([<>&])/g, (_whole, sign: string) => `&#${sign.charCodeAt(0)};`);
}

/** The report as Markdown; figures lie beside it as files. */
export function writeMarkdown({ title, lead, sections }: ReportDocument): string {
  const parts = [
    `# ${escapeMarkdown(title)}`,
    ...lead.map(escapeMarkdown),
    ...sections.flatMap((section) => [
      `## ${escapeMarkdown(section.title)}`,
      ...section.blocks.map((block) => writeBlock(block)),
    ]),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** File name of a figure beside the Markdown: letters, digits and `_.-` alone, whatever a dataset is called. */
export function figureFile(name: string): string {
  return `figures/${name.replace(/[^\w.-]+/g, "-").slice(0, 120)}.svg`;
}

function writeBlock(block: Block): string {
  switch (block.kind) {
    case "text":
      return escapeMarkdown(block.text);
    case "figure":
      return `![${escapeMarkdown(block.caption)}](${figureFile(block.name)})`;
    case "table":
      return [
        `**${escapeMarkdown(block.caption)}**`,
        "",
        line(block.head.map(escapeMarkdown)),
        line(block.head.map((_, i) => (i ? "---:" : "---"))),
        ...block.rows.map((row) => line(row.cells.map((cell) => writeCell(cell, row)))),
        ...(block.note ? ["", escapeMarkdown(block.note)] : []),
      ].join("\n");
  }
}

function writeCell({ text, marks = "", detail, isBest }: Cell, { isPaper }: TableRow): string {
  const value = `${escapeMarkdown(text)}${escapeMarkdown(marks)}`;
  const strong = isBest ? `**${value}**` : isPaper ? `*${value}*` : value;
  return detail ? `${strong} (${escapeMarkdown(detail)})` : strong;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
