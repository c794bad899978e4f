import type { QuestionAnswer } from "../corpus/corpus.ts";

/** What could be read of a model's answer: whole pairs, and why the rest was left out. */
export interface ReadPairs {
  pairs: QuestionAnswer[];
  problems: string[];
}

/** Longer answers are cut: no model of ours is asked for more, and the reader's time stays bounded. */
const maxCharacters = 20_000;
const maxFields = 40;
const maxStringCharacters = 2_000;

const key = /["'“”‘’`]?([A-Za-z][\w ]{0,19})["'“”‘’`]?\s?:/y;
const bareWord = /(?:true|false|null|none|-?\d[\d,.]*)(?=\s?[,}\]"'“‘])/iy;
const openingQuotes = /["'“”‘’`]/;
/** After a closing quote comes the end, a bracket, or (with or without a comma) the next key or list item. */
const afterValue = /\s?(?:$|[}\]]|,?\s?[{}\]]|,?\s?["'“”‘’`]?[A-Za-z][\w ]{0,19}["'“”‘’`]?\s?:)/y;
const afterItem = /\s?(?:$|\]|,)/y;

type Value = string | number | boolean | null | Value[];

/**
 * Reads question-answer pairs from whatever a model wrote: JSON in surrounding text, with missing or extra commas, single
 * or curly quotes, unescaped quotes inside, several items in one object, a half item at the end (left out), objects
 * without a list; else lines `Q: … A: …`. Never throws, and its time is bounded by the length.
 */
export function readPairs(text: string): ReadPairs {
  const flat = text.slice(0, maxCharacters).replace(/\s+/g, " ");
  const pairs: QuestionAnswer[] = [];
  const problems: string[] = [];
  let budget = 20 * flat.length;
  for (let at = flat.indexOf("{"); at >= 0 && budget > 0; at = flat.indexOf("{", at)) {
    const object = readObject(flat, at + 1);
    budget -= object.end - at;
    for (const item of object.items) {
      const pair = toPair(item);
      if (typeof pair === "string") problems.push(pair);
      else pairs.push(pair);
    }
    // An object without any pair may contain the objects that we look for.
    at = object.items.length > 0 ? object.end : at + 1;
  }
  if (pairs.length === 0) pairs.push(...readPlainPairs(text.slice(0, maxCharacters)));
  if (pairs.length === 0 && problems.length === 0) problems.push("no pair found in the text");
  return { pairs, problems };
}

type Item = Map<string, Value>;

/** The items of one object: more than one where a model forgot the braces between them. */
function readObject(text: string, start: number): { items: Item[]; end: number } {
  const items: Item[] = [];
  let item: Item = new Map();
  let at = start;
  const finish = () => {
    if (item.has("question") && item.has("answer")) items.push(item);
    item = new Map();
  };
  for (let field = 0; field < maxFields; field++) {
    at = skip(text, at, /[\s,]*/y);
    const name = match(text, at, key);
    if (!name) break;
    const value = readValue(text, at + name[0].length);
    if (!value) break;
    const known = canonicalKey(name[1]!);
    if (known === "question" && item.has(known)) finish();
    item.set(known, value.value);
    at = value.end;
  }
  finish();
  if (text[at] === "}") at++;
  return { items, end: at };
}

function canonicalKey(name: string): string {
  const plain = name.toLowerCase().replace(/[^a-z]/g, "");
  if (plain === "q") return "question";
  if (plain === "a") return "answer";
  return plain;
}

/** A scalar or a list of scalars; nothing where the value is an object or is cut off by the end of the text. */
function readValue(text: string, start: number): { value: Value; end: number } | undefined {
  const at = skip(text, start, / ?/y);
  if (text[at] === "[") return readList(text, at + 1);
  if (openingQuotes.test(text[at] ?? "")) return readString(text, at, afterValue);
  const word = match(text, at, bareWord);
  if (word) return { value: bareValue(word[0]), end: at + word[0].length };
  return readBareText(text, at);
}

function readList(text: string, start: number): { value: Value[]; end: number } | undefined {
  const values: Value[] = [];
  let at = start;
  while (values.length < maxFields) {
    at = skip(text, at, /[\s,]*/y);
    if (text[at] === "]") return { value: values, end: at + 1 };
    const word = match(text, at, bareWord);
    const item = word
      ? { value: bareValue(word[0]), end: at + word[0].length }
      : openingQuotes.test(text[at] ?? "")
        ? readString(text, at, afterItem)
        : undefined;
    if (!item) return undefined;
    values.push(item.value);
    at = item.end;
  }
  return undefined;
}

/** A string whose quote at `start` is opened; it ends at a quote of its kind that what follows shows to be the last. */
function readString(text: string, start: number, after: RegExp): { value: string; end: number } | undefined {
  const closing = closingQuotes(text[start]!);
  let value = "";
  for (let at = start + 1; at < text.length && value.length <= maxStringCharacters; at++) {
    const char = text[at]!;
    if (char === "\\") {
      const [escaped, length] = readEscape(text, at + 1);
      value += escaped;
      at += length;
    } else if (closing.includes(char) && match(text, at + 1, after)) {
      return { value: value.trim(), end: at + 1 };
    } else value += char;
  }
  return undefined;
}

/** A straight double quote is closed by its like alone, so that proper JSON is read as it is. */
function closingQuotes(opening: string): string {
  if (opening === '"') return '"';
  return opening === "“" || opening === "”" ? '”“"' : "'’‘`";
}

function readEscape(text: string, at: number): [text: string, length: number] {
  const char = text[at] ?? "";
  const code = match(text, at, /u([0-9a-fA-F]{4})/y);
  if (code) return [String.fromCharCode(Number.parseInt(code[1]!, 16)), 5];
  return [/[nrtbf]/.test(char) ? " " : char, char === "" ? 0 : 1];
}

/** Text without quotes, up to the next key or the closing brace; at the end of the text it may be half, and is left out. */
function readBareText(text: string, start: number): { value: string; end: number } | undefined {
  const end = text
    .slice(start, start + maxStringCharacters)
    .search(/[{}"“\]]|,\s?["'“”‘’`]?[A-Za-z][\w ]{0,19}["'“”‘’`]?\s?:/);
  if (end <= 0) return undefined;
  const value = text.slice(start, start + end).trim();
  return value === "" || text[start + end] === "{" ? undefined : { value, end: start + end };
}

function bareValue(word: string): Value {
  const lower = word.toLowerCase();
  if (lower === "null" || lower === "none") return null;
  if (lower === "true" || lower === "false") return lower === "true";
  return word.replace(/[,.]$/, ""); // kept as written: 15,140 stays 15,140
}

/** A pair with strings only, or why there is none. */
function toPair(item: Item): QuestionAnswer | string {
  const question = item.get("question");
  if (typeof question !== "string" || question === "") return "the question is not a text";
  const answer = toText(item.get("answer"));
  if (answer === undefined || answer === "") return "the answer is empty";
  const fullAnswer = toText(item.get("fullanswer"));
  return fullAnswer ? { question, answer, fullAnswer } : { question, answer };
}

function toText(value: Value | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return String(value).trim();
  return value
    .map(toText)
    .filter((part) => part !== undefined && part !== "")
    .join(", ");
}

const plainQuestion =
  /^[\s\-*#\d.)]{0,12}(?:q|question)\s{0,2}\d{0,3}\s{0,2}[*]{0,2}[:.)][*]{0,2}\s{0,4}(\S.{0,400})$/i;
const plainAnswer =
  /^[\s\-*#\d.)]{0,12}(?:a|answer)\s{0,2}\d{0,3}\s{0,2}[*]{0,2}[:.)][*]{0,2}\s{0,4}(\S.{0,400})$/i;

function readPlainPairs(text: string): QuestionAnswer[] {
  const pairs: QuestionAnswer[] = [];
  let question: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const asked = plainQuestion.exec(line)?.[1];
    const answer = plainAnswer.exec(line)?.[1];
    if (asked !== undefined) question = asked.trim();
    else if (answer !== undefined && question !== undefined) {
      pairs.push({ question, answer: answer.trim() });
      question = undefined;
    }
  }
  return pairs;
}

function match(text: string, at: number, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function skip(text: string, at: number, pattern: RegExp): number {
  return at + (match(text, at, pattern)?.[0].length ?? 0);
}
