import { basename, dirname, join } from "node:path";
import type { z } from "zod";
import { ConfigError, FormatError, NotFoundError } from "../base/errors.ts";
import { parseLines } from "../base/jsonl.ts";
import type { Scorer } from "./answer-questions.ts";
import { readDatasetFile } from "./datasets/dataset-file.ts";
import { parseCustomRows, parseJsonList, parseJsonlRows } from "./datasets/jsonl.ts";
import { type Aliases, parseAliases, parseHotpot, parseTwoWiki } from "./datasets/multi-hop.ts";
import { parseComplexWebQuestions, parsePopQa } from "./datasets/single-hop.ts";
import { longBenchTaskOf, parseLongBench, scoreLongBench } from "./longbench.ts";
import { checkQuestions, type PlacedQuestion, type Question } from "./questions.ts";

/** Files that can be read as a dataset. */
export const datasetFormats = [
  "jsonl",
  "2wikimultihopqa",
  "hotpotqa",
  "popqa",
  "cwq",
  "custom",
  "longbench",
] as const;
export type DatasetFormat = (typeof datasetFormats)[number];

/** A dataset, read. */
export interface Dataset {
  /** For reports: the format's name, or that of the file where the format says nothing. */
  name: string;
  format: DatasetFormat;
  questions: Question[];
  /** What should be known about it, for people. */
  notes: string[];
  /** Its own scores, in place of those of short answers. */
  score?: Scorer | undefined;
  /** Tokens of an answer, where all of its questions agree. */
  maxTokens?: number | undefined;
}

export interface LoadDatasetOptions {
  /** Told by the content where absent. */
  format?: DatasetFormat | undefined;
  /** `reference` reads answers and types as the paper's code does. */
  compat?: "none" | "reference" | undefined;
  /** The alias file of 2WikiMultihopQA; `id_aliases.json` beside the dataset where absent. */
  aliases?: string | undefined;
}

/** Reads a dataset in any of the formats. What is wrong in it is a `FormatError` with the line or row. */
export async function loadDataset(path: string, options: LoadDatasetOptions = {}): Promise<Dataset> {
  const text = await readDatasetFile(path);
  const format = options.format ?? recogniseFormat(text, path);
  if (options.aliases !== undefined && format !== "2wikimultihopqa")
    throw new ConfigError(
      `--aliases names aliases of 2WikiMultihopQA, but ${path} is read as ${format}; leave it away, or give --format 2wikimultihopqa`,
    );
  const isReference = options.compat === "reference";
  const notes: string[] = [];
  const placed = await parseDataset(text, { path, format, isReference, aliases: options.aliases, notes });
  const questions = checkQuestions(placed, path);
  const unanswerable = questions.filter(({ answers }) => answers.length === 0).length;
  if (unanswerable) notes.push(`${unanswerable} questions have no accepted answer and score 0`);
  const isNamedByFormat = !["jsonl", "custom", "longbench"].includes(format);
  return {
    name: isNamedByFormat ? format : basename(path).replace(/(\.jsonl|\.json)?(\.gz)?$/, ""),
    format,
    questions: isReference ? questions.map((question) => withoutType(question, format)) : questions,
    notes,
    ...(format === "longbench" && { score: scoreLongBench, maxTokens: tokensOfAnswers(questions) }),
  };
}

/** Reads rows of one's own as a dataset is read: one JSON object a line, packed or not, the last line with its end or without. */
export async function loadRows<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  return parseLines(await readDatasetFile(path), schema, path).map(({ row }) => row);
}

function tokensOfAnswers(questions: readonly Question[]): number | undefined {
  const limits = new Set(questions.map(({ type }) => longBenchTaskOf(type)?.maxTokens));
  return limits.size === 1 ? [...limits][0] : undefined;
}

/** In the paper's code only the multi-hop sets have types. */
function withoutType(question: Question, format: DatasetFormat): Question {
  return format === "popqa" || format === "cwq" ? { ...question, type: "question" } : question;
}

interface ParseOptions {
  path: string;
  format: DatasetFormat;
  isReference: boolean;
  aliases: string | undefined;
  notes: string[];
}

async function parseDataset(text: string, options: ParseOptions): Promise<PlacedQuestion[]> {
  const { path, format } = options;
  switch (format) {
    case "jsonl":
      return parseJsonlRows(text, path);
    case "longbench":
      return parseLongBench(text, path);
    case "popqa":
      return parsePopQa(text, path);
    case "hotpotqa":
      return parseHotpot(parseJsonList(text, path), path);
    case "cwq":
      return parseComplexWebQuestions(parseJsonList(text, path), path);
    case "custom":
      return parseCustomRows(parseJsonList(text, path), path);
    case "2wikimultihopqa":
      return parseWithAliases(parseJsonList(text, path), options);
  }
}

async function parseWithAliases(
  rows: readonly unknown[],
  { path, isReference, aliases: given, notes }: ParseOptions,
): Promise<PlacedQuestion[]> {
  const aliases = await findAliases(given ?? join(dirname(path), "id_aliases.json"), {
    isNeeded: given !== undefined || isReference,
  });
  if (!aliases)
    notes.push("there is no id_aliases.json beside the dataset: only the literal answers are accepted");
  const { placed, differing } = parseTwoWiki(rows, {
    path,
    aliases: aliases ?? new Map(),
    aliasesOnly: isReference,
  });
  if (differing) {
    const accepted = isReference
      ? "the aliases alone are accepted, as in the paper's code"
      : "both are accepted";
    notes.push(`the aliases of ${differing} answers leave the answer itself out; ${accepted}`);
  }
  return placed;
}

async function findAliases(path: string, { isNeeded }: { isNeeded: boolean }): Promise<Aliases | undefined> {
  try {
    return parseAliases(await readDatasetFile(path), path);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    if (!isNeeded) return undefined;
    throw new ConfigError(
      `--compat reference accepts the aliases of 2WikiMultihopQA in place of the answers, but ${path} does not exist; put it beside the dataset, or name it`,
      { cause: error },
    );
  }
}

/** Which fields tell the lists apart; the first row that fits counts. */
const listMarks: [DatasetFormat, readonly string[]][] = [
  ["2wikimultihopqa", ["_id", "context", "evidences"]],
  ["hotpotqa", ["_id", "context", "supporting_facts"]],
  ["cwq", ["ID", "answers"]],
  ["custom", ["question", "answer"]],
];

function recogniseFormat(text: string, path: string): DatasetFormat {
  const start = text.slice(0, 100_000).trimStart();
  if (start.startsWith("{")) return isLongBench(text) ? "longbench" : "jsonl";
  if (start.startsWith("[")) {
    const first: unknown = parseJsonList(text, path)[0];
    const found = listMarks.find(([, fields]) => hasFields(first, fields));
    if (found) return found[0];
  }
  const header = (start.split("\n", 1)[0] ?? "").trim().split("\t");
  if (header.includes("question") && header.includes("obj")) return "popqa";
  throw new FormatError(
    `is not in a format that is known; wanted JSONL, or a file of ${datasetFormats.slice(1).join(", ")}; if it is one of them, say so with --format`,
    { path },
  );
}

/** Told by the first row; a malformed one is for the reader of rows to name. */
function isLongBench(text: string): boolean {
  try {
    return hasFields(JSON.parse(text.trimStart().split("\n", 1)[0] ?? ""), ["input", "context", "dataset"]);
  } catch {
    return false;
  }
}

function hasFields(value: unknown, fields: readonly string[]): boolean {
  return typeof value === "object" && value !== null && fields.every((field) => field in value);
}
