import { CsvError, parse } from "csv-parse/sync";
import { z } from "zod";
import { FormatError } from "../../base/errors.ts";
import { parseJson, parseValue } from "../../base/files.ts";
import type { PlacedQuestion } from "../questions.ts";
import { answerText, questionText, titleText, unique } from "./dataset-file.ts";

const popQaRow = z.object({
  id: z.string().min(1).optional(),
  prop: z.string().min(1).default("question"),
  question: questionText,
  obj: answerText,
  /** A JSON list stored as a text. */
  o_aliases: z.string().default("[]"),
  s_wiki_title: titleText.default(""),
});

const tsvRecords = z.array(
  z.object({ record: z.record(z.string(), z.string()), info: z.object({ lines: z.int() }) }),
);

/** `popQA.tsv` (https://github.com/AlexTMallen/adaptive-retrieval): the object and its aliases are accepted. */
export function parsePopQa(text: string, path: string): PlacedQuestion[] {
  return readTable(text, path).map(({ record, info }, i) => {
    const place = `line ${info.lines}`;
    const at = `${path}:${info.lines}`;
    const row = parseValue(record, popQaRow, at);
    const others = parseJson(row.o_aliases || "[]", z.array(answerText), `${at}: o_aliases`);
    return {
      place,
      question: {
        id: row.id ?? String(i),
        type: row.prop,
        question: row.question,
        answers: unique([row.obj, ...others]),
        articles: row.s_wiki_title ? [row.s_wiki_title] : [],
        contexts: [],
        paragraphs: [],
      },
    };
  });
}

function readTable(text: string, path: string): z.infer<typeof tsvRecords> {
  try {
    const options = {
      delimiter: "\t",
      columns: true,
      relax_quotes: true,
      skip_empty_lines: true,
      info: true,
    };
    return parseValue(parse(text, options), tsvRecords, path);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new FormatError(`malformed table: ${error.message}`, { path, cause: error });
  }
}

const complexRow = z.object({
  ID: z.string().min(1),
  question: questionText,
  compositionality_type: z.string().min(1).default("question"),
  answers: z
    .array(z.object({ answer: answerText.nullish(), aliases: z.array(answerText).default([]) }))
    .default([]),
});

/** `ComplexWebQuestions_dev.json` (https://www.tau-nlp.sites.tau.ac.il/compwebq): all answers with all their aliases. */
export function parseComplexWebQuestions(rows: readonly unknown[], path: string): PlacedQuestion[] {
  return rows.map((value, i) => {
    const place = `row ${i + 1}`;
    const row = parseValue(value, complexRow, `${path}: ${place}`);
    const answers = row.answers.flatMap(({ answer, aliases }) => [...(answer ? [answer] : []), ...aliases]);
    const { ID: id, compositionality_type: type, question } = row;
    const none = { articles: [], contexts: [], paragraphs: [] };
    return { place, question: { id, type, question, answers: unique(answers), ...none } };
  });
}
