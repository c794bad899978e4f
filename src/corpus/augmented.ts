import { z } from "zod";
import { FormatError, messageOf } from "../base/errors.ts";
import { parseValue } from "../base/files.ts";
import type { AugmentedPassage, Passage, QuestionAnswer } from "./corpus.ts";

/** Ready-made augmentations and the passages they belong to. */
export interface MatchedAugmentations {
  /** In the order of the file; of several for one passage the first. */
  augmented: AugmentedPassage[];
  /** Augmentations that fit no passage, or that a title alone does not tell apart. */
  unknown: number;
  /** Augmentations of a passage that has one already. */
  repeated: number;
  /** Pairs whose question or answer is no text. */
  dropped: number;
}

/** A row of our JSONL. The passage is told by its id, by its text, or by a title (and position) that only it has. */
const ownRow = z.object({
  passageId: z.string().optional(),
  title: z.string().optional(),
  text: z.string().optional(),
  position: z.int().optional(),
  rewrites: z.array(z.string()).default([]),
  pairs: z.array(z.unknown()).default([]),
  augmenter: z.string(),
});

/** A record of the reference project (https://github.com/oneal2000/PRAG, data_aug): a question with augmented passages. */
const referenceRecord = z.object({ augment: z.array(z.looseObject({ passage: z.string() })) });

/** One augmentation before its passage is known. */
interface Found {
  key: {
    passageId?: string | undefined;
    title?: string | undefined;
    text?: string | undefined;
    position?: number | undefined;
  };
  rewrites: string[];
  pairs: unknown[];
  augmenter: string;
}

/**
 * Reads ready-made augmentations, as our JSONL `{ passageId? | text? | title?, position?, rewrites, pairs, augmenter }`
 * or in the reference project's JSON, and finds their passages. A row of another form is a `FormatError`.
 */
export function matchAugmentations(
  text: string,
  { path, passages }: { path: string; passages: readonly Passage[] },
): MatchedAugmentations {
  const find = createFinder(passages);
  const matched = new Map<string, AugmentedPassage>();
  const counts = { unknown: 0, repeated: 0, dropped: 0 };
  for (const { key, rewrites, pairs, augmenter } of parseAugmentations(text, path)) {
    const coerced = pairs.map(coercePair).filter((pair) => pair !== undefined);
    const fitting = find(key);
    if (!fitting.length) counts.unknown++;
    else if (fitting.every(({ id }) => matched.has(id))) counts.repeated++;
    else counts.dropped += pairs.length - coerced.length;
    for (const passage of fitting)
      if (!matched.has(passage.id)) matched.set(passage.id, { passage, rewrites, pairs: coerced, augmenter });
  }
  return { augmented: [...matched.values()], ...counts };
}

function parseAugmentations(text: string, path: string): Found[] {
  return parseRows(text, path).flatMap(({ value, place }) => {
    const isReference = typeof value === "object" && value !== null && "augment" in value;
    if (isReference) return parseValue(value, referenceRecord, place).augment.map(fromReference);
    const { rewrites, pairs, augmenter, ...key } = parseValue(value, ownRow, place);
    return [{ key, rewrites, pairs, augmenter }];
  });
}

/** The values of a JSON array, or of lines of JSON, and where they stand. */
function parseRows(text: string, path: string): { value: unknown; place: string }[] {
  const parse = (json: string, place: string): unknown => {
    try {
      return JSON.parse(json);
    } catch (error) {
      throw new FormatError(`not valid JSON (${messageOf(error)})`, { path: place, cause: error });
    }
  };
  const source = text.replace(/^\ufeff/, "");
  if (source.trimStart().startsWith("[")) {
    const values = parseValue(parse(source, path), z.array(z.unknown()), path);
    return values.map((value, i) => ({ value, place: `${path}[${i}]` }));
  }
  return source.split("\n").flatMap((line, i) => {
    const place = `${path}:${i + 1}`;
    return line.trim() === "" ? [] : [{ value: parse(line, place), place }];
  });
}

/** The keys carry the model's name: `<model>_rewrite`, `<model>_qa`; the first model with pairs is taken. */
function fromReference(record: Record<string, unknown> & { passage: string }): Found {
  const models = Object.keys(record).flatMap((name) => /^(.+)_(?:qa|rewrite)$/.exec(name)?.[1] ?? []);
  const augmenter = models.find((model) => Array.isArray(record[`${model}_qa`])) ?? models[0] ?? "reference";
  const rewrite = record[`${augmenter}_rewrite`];
  const pairs = record[`${augmenter}_qa`];
  return {
    key: { text: record.passage },
    rewrites: typeof rewrite === "string" && rewrite.trim() !== "" ? [rewrite] : [],
    pairs: Array.isArray(pairs) ? pairs : [],
    augmenter,
  };
}

/** Answers as the reference reads them: several are joined, numbers become text, none is "Unknown". */
const answer = z.union([
  z.string(),
  z.number().transform(String),
  z.boolean().transform((value) => (value ? "True" : "False")),
  z.null().transform(() => "Unknown"),
  z
    .array(z.union([z.string(), z.number()]))
    .nonempty()
    .transform((values) => values.join(", ")),
]);

const pairSchema = z.object({
  question: z.string(),
  answer,
  fullAnswer: z.string().nullish(),
  full_answer: z.string().nullish(),
});

/** A pair of texts, or nothing where it is not one. */
function coercePair(value: unknown): QuestionAnswer | undefined {
  const { data } = pairSchema.safeParse(value);
  if (!data || data.question.trim() === "" || data.answer.trim() === "") return undefined;
  const fullAnswer = data.fullAnswer ?? data.full_answer;
  return { question: data.question, answer: data.answer, ...(fullAnswer ? { fullAnswer } : {}) };
}

const sameText = (text: string) => text.normalize("NFC").replace(/\s+/g, " ").trim();

/** Finds the passages of a key: one, or all with the same text where only the text is known. */
function createFinder(passages: readonly Passage[]): (key: Found["key"]) => Passage[] {
  const byId = new Map(passages.map((passage) => [passage.id, passage]));
  const byText = groupBy(passages, ({ text }) => sameText(text));
  const byTitle = groupBy(passages, ({ title }) => sameText(title));
  return ({ passageId, title, text, position }) => {
    if (passageId !== undefined) return [byId.get(passageId)].filter((passage) => passage !== undefined);
    const hasTitle = (passage: Passage) => title === undefined || sameText(passage.title) === sameText(title);
    if (text !== undefined) return (byText.get(sameText(text)) ?? []).filter(hasTitle);
    const titled = title === undefined ? [] : (byTitle.get(sameText(title)) ?? []);
    const placed = titled.filter((passage) => position === undefined || passage.position === position);
    return placed.length === 1 ? placed : [];
  };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
