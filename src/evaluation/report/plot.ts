import { escapeHtml } from "./html.ts";

/** A point of a plot, with what is shown when the pointer rests on it. */
export interface Point {
  x: number;
  y: number;
  /** Interval of y. */
  low?: number | undefined;
  high?: number | undefined;
  hint?: string | undefined;
}

export interface Series {
  name: string;
  points: readonly Point[];
}

/** What the axes say. */
export interface Axes {
  title: string;
  x: string;
  y: string;
}

const size = { width: 720, height: 360, left: 58, right: 16, top: 14, bottom: 46 };
const legendLine = 20;
const colours = ["#0072b2", "#d55e00", "#009e73", "#b8860b", "#cc79a7", "#3d9bd1", "#7a7a7a", "#6a4fb3"];

/** The colour of a series: the page's own, which knows light and dark, else a fixed one. */
const colour = (i: number) => `var(--c${i % colours.length},${colours[i % colours.length]})`;
const round = (value: number) => String(Math.round(value * 10) / 10);

/** Curves: F1, tokens or time by the number of passages. */
export function lineChart(series: readonly Series[], axes: Axes): string {
  const frame = createFrame(series, axes, { yFromZero: true });
  const marks = series.map(({ name, points }, i) => {
    const path = points.map(({ x, y }) => `${round(frame.x(x))},${round(frame.y(y))}`).join(" ");
    const dots = points.map((point) => dot(point, { name, colour: colour(i), frame, radius: 3 }));
    return `<polyline points="${path}" style="fill:none;stroke:${colour(i)};stroke-width:2"/>${dots.join("")}`;
  });
  return frame.draw(marks, series);
}

/** One point per series: quality against cost. */
export function scatterPlot(series: readonly Series[], axes: Axes): string {
  const frame = createFrame(series, axes, { yFromZero: true });
  const marks = series.flatMap(({ name, points }, i) =>
    points.map((point) => dot(point, { name, colour: colour(i), frame, radius: 6 })),
  );
  return frame.draw(marks, series);
}

/** Bars in groups. Every series has one value per group; one that is missing is no bar. */
export function barChart(
  groups: readonly string[],
  series: readonly { name: string; values: readonly (number | undefined)[] }[],
  axes: Pick<Axes, "title" | "y">,
): string {
  const flat = series.map(({ name, values }) => ({
    name,
    points: values.map((y, x) => ({ x, y: y ?? 0 })),
  }));
  const frame = createFrame(flat, { ...axes, x: "" }, { yFromZero: true, groups });
  const slot = (size.width - size.left - size.right) / Math.max(1, groups.length);
  const width = (0.8 * slot) / Math.max(1, series.length);
  const marks = series.flatMap(({ name, values }, i) =>
    values.flatMap((value, group) => {
      if (value === undefined) return [];
      const x = size.left + group * slot + 0.1 * slot + i * width;
      const [top, base] = [frame.y(value), frame.y(0)];
      const hint = `${name}, ${groups[group]}: ${round(value)}`;
      return [
        `<rect x="${round(x)}" y="${round(top)}" width="${round(Math.max(1, width - 2))}" height="${round(Math.max(0, base - top))}" style="fill:${colour(i)}"><title>${escapeHtml(hint)}</title></rect>`,
      ];
    }),
  );
  return frame.draw(marks, series);
}

/** The same figure as a file of its own, on white. */
export function standaloneSvg(svg: string): string {
  const style =
    "<style>text{font:12px sans-serif;fill:#1c2430}.soft{fill:#5c6675}.grid{stroke:#d7dce3}.axis{stroke:#5c6675}</style>";
  return `${svg.replace(/^(<svg[^>]*)>/, `$1 xmlns="http://www.w3.org/2000/svg" style="background:#fff">${style}`)}\n`;
}

interface Frame {
  x(value: number): number;
  y(value: number): number;
  draw(marks: readonly string[], series: readonly { name: string }[]): string;
}

function createFrame(
  series: readonly Series[],
  axes: Axes,
  { yFromZero, groups }: { yFromZero: boolean; groups?: readonly string[] },
): Frame {
  const all = series.flatMap(({ points }) => points);
  const xs = groups ? [0, Math.max(1, groups.length)] : all.map(({ x }) => x);
  const ys = all.flatMap(({ y, low = y, high = y }) => [y, low, high]);
  const xTicks = niceTicks(Math.min(...xs, ...(groups ? [] : [0])), Math.max(...xs, 1));
  const yTicks = niceTicks(Math.min(...ys, ...(yFromZero ? [0] : [])), Math.max(...ys, 0.01));
  const scale = (ticks: readonly number[], from: number, to: number) => {
    const [low, high] = [ticks[0]!, ticks.at(-1)!];
    return (value: number) => from + ((value - low) / (high - low)) * (to - from);
  };
  const x = scale(groups ? xs : xTicks, size.left, size.width - size.right);
  const y = scale(yTicks, size.height - size.bottom, size.top);
  return {
    x,
    y,
    draw(marks, named) {
      const rows = legendRows(named.map(({ name }) => name));
      const height = size.height + rows.length * legendLine;
      const columns = groups ? groupLabels(groups) : xTicks.map((tick) => xLabel(tick, x(tick))).join("");
      return [
        `<svg viewBox="0 0 ${size.width} ${height}" role="img" aria-label="${escapeHtml(axes.title)}">`,
        yTicks.map((tick) => gridLine(tick, y(tick))).join(""),
        columns,
        axisTitle(axes.x, (size.left + size.width - size.right) / 2, size.height - 8),
        `<text class="soft" text-anchor="middle" transform="translate(14 ${round((size.height - size.bottom) / 2)}) rotate(-90)">${escapeHtml(axes.y)}</text>`,
        ...marks,
        legend(rows),
        "</svg>",
      ].join("");
    },
  };
}

function dot(
  { x, y, low, high, hint }: Point,
  { name, colour: fill, frame, radius }: { name: string; colour: string; frame: Frame; radius: number },
): string {
  const at = round(frame.x(x));
  const whisker =
    low === undefined || high === undefined
      ? ""
      : `<line x1="${at}" x2="${at}" y1="${round(frame.y(low))}" y2="${round(frame.y(high))}" style="stroke:${fill};stroke-width:1.5;opacity:.6"/>`;
  const title = `<title>${escapeHtml(`${name}: ${hint ?? `${round(x)}, ${round(y)}`}`)}</title>`;
  return `${whisker}<circle cx="${at}" cy="${round(frame.y(y))}" r="${radius}" style="fill:${fill}">${title}</circle>`;
}

/** Four to eight round numbers that enclose an interval. */
export function niceTicks(low: number, high: number): number[] {
  const span = high > low ? high - low : 1;
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough * 0.999) ?? power * 10;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function gridLine(tick: number, y: number): string {
  return `<line class="grid" x1="${size.left}" x2="${size.width - size.right}" y1="${round(y)}" y2="${round(y)}"/><text class="soft" text-anchor="end" x="${size.left - 6}" y="${round(y + 4)}">${tick.toLocaleString("en")}</text>`;
}

function xLabel(tick: number, x: number): string {
  return `<text class="soft" text-anchor="middle" x="${round(x)}" y="${size.height - size.bottom + 18}">${tick.toLocaleString("en")}</text>`;
}

function groupLabels(groups: readonly string[]): string {
  const slot = (size.width - size.left - size.right) / Math.max(1, groups.length);
  return groups
    .map(
      (name, i) =>
        `<text class="soft" text-anchor="middle" x="${round(size.left + (i + 0.5) * slot)}" y="${size.height - size.bottom + 18}">${escapeHtml(name)}</text>`,
    )
    .join("");
}

function axisTitle(title: string, x: number, y: number): string {
  return `<text class="soft" text-anchor="middle" x="${round(x)}" y="${y}">${escapeHtml(title)}</text>`;
}

/** Names in rows that are not wider than the figure. */
function legendRows(names: readonly string[]): { name: string; x: number; i: number }[][] {
  const rows: { name: string; x: number; i: number }[][] = [];
  let x = Number.POSITIVE_INFINITY;
  for (const [i, name] of names.entries()) {
    const width = 30 + 7 * name.length;
    if (x + width > size.width) {
      rows.push([]);
      x = size.left;
    }
    rows.at(-1)!.push({ name, x, i });
    x += width;
  }
  return rows;
}

function legend(rows: readonly (readonly { name: string; x: number; i: number }[])[]): string {
  return rows
    .map((row, line) => {
      const y = size.height + line * legendLine + 4;
      return row
        .map(
          ({ name, x, i }) =>
            `<rect x="${x}" y="${y}" width="12" height="12" rx="2" style="fill:${colour(i)}"/><text x="${x + 17}" y="${y + 10}">${escapeHtml(name)}</text>`,
        )
        .join("");
    })
    .join("");
}
