import { factTokens, months } from "../fact-tokens.ts";

/** A number and what it counts; `rest` is "a year". */
export interface Counted {
  number: string;
  noun: string;
  rest: string;
}

const countPattern =
  /^(?:about |around |over |more than |nearly |almost |only |exactly )?([\p{L}\d,.-]+) ((?:[\p{Ll}-]+ )*[\p{Ll}-]+s|people|men|women|children|sheep|fish)( a (?:day|week|month|year))?$/u;

/** "48 gas lamps" → number and noun; not for measures ("12 metres") and dates. */
export function countOf(object: string): Counted | undefined {
  const found = countPattern.exec(object);
  if (!found || / and /.test(found[2]!) || factTokens(found[1]!)[0]?.kind !== "number") return undefined;
  return { number: found[1]!, noun: found[2]!, rest: (found[3] ?? "").trim() };
}

/** A noun phrase as it stands inside a sentence. */
export function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** A text as a sentence begins. */
export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The months as they stand in a sentence, and a pattern for any of them. */
export const monthNames = months.map(capitalize);
export const monthPattern = `(?:${monthNames.join("|")})`;
