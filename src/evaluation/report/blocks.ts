/** A cell of a table: a number with its interval and marks, or a text. */
export interface Cell {
  text: string;
  /** The best of its column. */
  isBest?: boolean;
  /** Signs of significance, explained under the table. */
  marks?: string;
  /** Smaller, behind the text: an interval. */
  detail?: string;
}

/** A part of a report, written once as HTML and once as Markdown. All texts are plain and are escaped when written. */
export type Block =
  | { kind: "text"; text: string }
  | { kind: "table"; caption: string; head: readonly string[]; rows: readonly TableRow[]; note?: string }
  | { kind: "figure"; name: string; svg: string; caption: string };

export interface TableRow {
  cells: readonly Cell[];
  /** Numbers of the paper, set apart from ours. */
  isPaper?: boolean;
}

export interface Section {
  title: string;
  blocks: readonly Block[];
}

/** A report before it is written. */
export interface ReportDocument {
  title: string;
  /** What everybody should know first. */
  lead: readonly string[];
  sections: readonly Section[];
}

export const text = (value: string | number): Cell => ({ text: String(value) });
export const nothing: Cell = { text: "–" };

/** A fraction as per cent with one digit. */
export function percent(fraction: number): string {
  return (100 * fraction).toFixed(1);
}

/** `12.3 – 45.6`, in per cent. */
export function percentInterval({ low, high }: { low: number; high: number }): string {
  return `${percent(low)} – ${percent(high)}`;
}

/** A difference of fractions in points, with its sign. */
export function points(difference: number): string {
  return `${difference > 0 ? "+" : difference < 0 ? "−" : "±"}${percent(Math.abs(difference))}`;
}

/** Milliseconds as they are read best. */
export function duration(ms: number): string {
  return ms >= 10_000
    ? `${(ms / 1000).toFixed(1)} s`
    : ms >= 1000
      ? `${(ms / 1000).toFixed(2)} s`
      : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

/** `p = 0.012`, `p < 0.0001`. */
export function probability(p: number): string {
  return p < 0.0001 ? "< 0.0001" : p.toFixed(4);
}
