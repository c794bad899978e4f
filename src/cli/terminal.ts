import { styleText } from "node:util";

/** Where a command's words go: results to the one stream, everything about them to the other. */
export interface Terminal {
  /** Writes to standard output as it is. */
  write(text: string): void;
  /** Writes a line to standard output. */
  print(line: string): void;
  /** Writes a line to standard error, without control characters. */
  note(line: string): void;
  /** Colours where a person reads; `part` says which stream the text is for. */
  style(style: Style, text: string): string;
  /** Standard error as a progress bar sees it. */
  readonly bar: { write(text: string): void; isTerminal: boolean; columns: number };
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** The part of a stream that is used here. */
export interface OutputStream {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

/** A terminal on two streams. Colours only where standard output is a terminal and `NO_COLOR` is not set. */
export function createTerminal(
  stdout: OutputStream,
  stderr: OutputStream,
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isColoured = Boolean(stdout.isTTY) && !env.NO_COLOR && env.TERM !== "dumb";
  return {
    write: (text) => stdout.write(text),
    print: (line) => stdout.write(`${line}\n`),
    note: (line) => stderr.write(`${printable(line)}\n`),
    style: (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text),
    bar: {
      write: (text) => stderr.write(text),
      isTerminal: Boolean(stderr.isTTY) && env.TERM !== "dumb",
      get columns() {
        return stderr.columns || 80; // some terminals do not know, and say 0
      },
    },
  };
}

/** A text of a model, or with names of files and models, without control characters, which could do anything to a terminal. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
}

/** Rows as columns of equal width, printable; numbers to the right, two spaces between. The first row is the head. */
export function formatTable(given: readonly (readonly (string | number)[])[]): string[] {
  const rows = given.map((row) => row.map((cell) => (typeof cell === "string" ? printable(cell) : cell)));
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => String(row[column] ?? "").length)),
  );
  const isNumeric = widths.map((_, column) => rows.slice(1).some((row) => typeof row[column] === "number"));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const [text, width] = [String(cell), widths[column] ?? 0];
        return isNumeric[column] ? text.padStart(width) : text.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
