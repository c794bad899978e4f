import { z } from "zod";
import { FormatError } from "../../base/errors.ts";
import { parseValue } from "../../base/files.ts";
import { parseLines } from "../../base/jsonl.ts";
import type { Paragraph, PlacedQuestion } from "../questions.ts";
import { answerText, paragraphText, questionText, titleText, unique } from "./dataset-file.ts";

/** What 2WikiMultihopQA and HotpotQA have in common. */
const multiHopRow = z.object({
  _id: z.string().min(1),
  type: z.string().min(1).default("question"),
  question: questionText,
  answer: answerText,
  /** Titles with the number of a sentence. */
  supporting_facts: z.array(z.tuple([titleText, z.int()])).default([]),
  /** Titles with sentences. */
  context: z.array(z.tuple([titleText, z.array(paragraphText)])).default([]),
});

const twoWikiRow = multiHopRow.extend({ answer_id: z.string().nullish() });

/** Aliases by id of an entity. */
export type Aliases = ReadonlyMap<string, readonly string[]>;

const aliasRow = z.object({ Q_id: z.string().min(1), aliases: z.array(answerText) });

/** `id_aliases.json` of 2WikiMultihopQA: one entity a line. */
export function parseAliases(text: string, path: string): Aliases {
  const aliases = new Map<string, string[]>();
  for (const { row } of parseLines(text, aliasRow, path)) aliases.set(row.Q_id, row.aliases);
  if (aliases.size === 0)
    throw new FormatError('has no alias; wanted lines like {"Q_id": "Q1", "aliases": ["…"]}', { path });
  return aliases;
}

/**
 * `dev.json` of 2WikiMultihopQA (https://github.com/Alab-NII/2wikimultihop). Accepted are the answer and the aliases of
 * its entity; the paper's code takes the aliases alone where there are any.
 */
export function parseTwoWiki(
  rows: readonly unknown[],
  { path, aliases, aliasesOnly }: { path: string; aliases: Aliases; aliasesOnly: boolean },
): { placed: PlacedQuestion[]; differing: number } {
  let differing = 0;
  const placed = rows.map((value, i): PlacedQuestion => {
    const place = `row ${i + 1}`;
    const row = parseValue(value, twoWikiRow, `${path}: ${place}`);
    const others = row.answer_id ? aliases.get(row.answer_id) : undefined;
    const union = unique([row.answer, ...(others ?? [])]);
    if (others && unique(others).length !== union.length) differing++;
    const answers = others && aliasesOnly ? unique(others) : union;
    return { place, question: toQuestion(row, { answers, glue: " " }) };
  });
  return { placed, differing };
}

/** `hotpot_dev_distractor_v1.json` of HotpotQA (https://hotpotqa.github.io). */
export function parseHotpot(rows: readonly unknown[], path: string): PlacedQuestion[] {
  return rows.map((value, i) => {
    const place = `row ${i + 1}`;
    const row = parseValue(value, multiHopRow, `${path}: ${place}`);
    return { place, question: toQuestion(row, { answers: [row.answer], glue: "" }) };
  });
}

function toQuestion(
  { _id, type, question, context, supporting_facts }: z.infer<typeof multiHopRow>,
  { answers, glue }: { answers: string[]; glue: string },
) {
  const paragraphs = context.map(([title, sentences]): Paragraph => ({ title, text: sentences.join(glue) }));
  const articles = unique(supporting_facts.map(([title]) => title));
  return { id: _id, type, question, answers, articles, contexts: [], paragraphs };
}
