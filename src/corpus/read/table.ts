import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { z } from "zod";
import { InputError } from "../../base/errors.ts";
import { decodeFile } from "./decode.ts";
import type { Reader, RecordProblem, SourceFile, SourceRecord } from "./reader.ts";

/** An unclosed quote would make one record of the rest of a file; in characters. */
const maxRecordLength = 1 << 22;

const row = z.array(z.string());

interface Columns {
  text: number;
  title: number;
  id: number;
  isPassage: boolean;
}

/** Comma-separated values with a header that names a `text` column, and maybe `title` and `id`. */
export const readCsv: Reader = (file) => readTable(file, ",");

/**
 * Tab-separated values, as CSV. The header `id text title` is that of DPR's Wikipedia passages
 * (https://github.com/facebookresearch/DPR): every row of such a file is one passage.
 */
export const readTsv: Reader = (file) => readTable(file, "\t");

async function* readTable(
  { path, signal }: SourceFile,
  delimiter: string,
): AsyncGenerator<SourceRecord | RecordProblem> {
  const source = Readable.from(decodeFile(path, signal));
  const parser = parse({
    delimiter,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxRecordLength,
  });
  source.on("error", (error) => parser.destroy(error));
  source.pipe(parser);
  let columns: Columns | undefined;
  let number = 0;
  try {
    for await (const value of parser) {
      const cells = row.parse(value);
      if (!columns) columns = findColumns(cells, delimiter);
      else yield toRecord(cells, columns, ++number);
    }
  } catch (error) {
    if (error instanceof CsvError)
      throw new InputError(`malformed after record ${number}: ${error.message}`, { cause: error });
    throw error;
  } finally {
    source.destroy();
    parser.destroy();
  }
}

function findColumns(header: string[], delimiter: string): Columns {
  const names = header.map((name) => name.trim().toLowerCase());
  const text = names.findIndex((name) => ["text", "contents", "content"].includes(name));
  if (text < 0)
    throw new InputError(
      `no column "text" in the first line (found ${names.slice(0, 8).join(", ").slice(0, 200)})`,
    );
  const isPassage = delimiter === "\t" && names.join() === "id,text,title";
  return { text, title: names.indexOf("title"), id: names.indexOf("id"), isPassage };
}

function toRecord(cells: string[], columns: Columns, number: number): SourceRecord | RecordProblem {
  const text = cells[columns.text];
  if (text === undefined) return { problem: `record ${number}: it has ${cells.length} columns and no text` };
  const id = cells[columns.id]?.trim();
  return {
    title: cells[columns.title] ?? "",
    text,
    record: id || String(number),
    isPassage: columns.isPassage,
  };
}
