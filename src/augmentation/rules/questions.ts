import type { QuestionAnswer } from "../../corpus/corpus.ts";
import { having, place, stranded, time } from "./adverbial-rules.ts";
import { kind, kinship, maker, measure, property, quality, role, size } from "./being-rules.ts";
import { agent, doer, thing } from "./doing-rules.ts";
import { capitalize } from "./phrases.ts";
import type { FactQuestions, Rule, Statement } from "./statement.ts";

/** The questions that a statement answers, fact by fact. */
export function questionsOf(statement: Statement): FactQuestions[] {
  if (/\band$|^(?:more|less|most|much|many|few|all|both|several)$/.test(statement.object)) return [];
  const facts = rules.flatMap((rule) => rule(statement));
  return facts
    .map((fact) => fact.map(tidy).filter(({ question, answer }) => isFluent(question) && isFluent(answer)))
    .filter((fact) => fact.length > 0);
}

const rules: readonly Rule[] = [
  time,
  place,
  agent,
  doer,
  thing,
  measure,
  size,
  maker,
  kind,
  property,
  role,
  quality,
  having,
  kinship,
  stranded,
];

const unfit =
  /\b(?:himself|herself|itself|themselves|he|she|it|they|him|them|his|her|its|their|this|these|those|another|others|such|there)\b/i;

/** No pronoun that would hang in the air, and nothing cut off at the end. */
function isFluent(text: string): boolean {
  return !unfit.test(text) && !/\b(?:and|or|a|an|the)\??$/.test(text) && text.trim() !== "";
}

function tidy({ question, answer }: QuestionAnswer): QuestionAnswer {
  const clean = (text: string) => text.replace(/\s+/g, " ").trim().replace(/[,.]$/, "");
  return {
    question: `${capitalize(clean(question))}?`,
    answer: clean(answer).replace(/^(?:the )?year (?=\d)/, ""),
  };
}
