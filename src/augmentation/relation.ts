import { type AnswerType, answerTypeOf, isCandidate } from "./answer-type.ts";
import { type FactToken, factTokens } from "./fact-tokens.ts";
import { isNamePart, occurrences } from "./support.ts";
import { readVerb, stemOf } from "./verbs.ts";

/** Words of a question that do not tell which fact it asks for. */
const empty = new Set(
  "who whom whose what which when where why how is are was were be been do does did has have had can could will would in on at by from near to of for with and or as many much year date day month century name called named kind type place city town country person first last other its his her their it he she they one there about into made make stand stands stood lie lies find get got come comes go take took hold held large big give gave some any".split(
    " ",
  ),
);

/**
 * Whether the passage tells what is asked in another clause than the one the answer was taken from: that clause shares
 * words with the question and has a candidate of the right type, while no clause with the answer shares any.
 */
export function answersAnotherFact(
  asked: readonly FactToken[],
  answered: readonly FactToken[],
  { title, text }: { title: string; text: string },
): boolean {
  const type = answerTypeOf(asked);
  const tokens = factTokens(text);
  if (contradictsLifeSpan(asked, answered, text) || missesOrdinal(asked, tokens)) return true;
  const own = new Set(factTokens(title).map(({ form }) => stemOf(form)));
  const wanted = new Set(
    asked
      .filter(isTelling)
      .map(({ form }) => stemOf(form))
      .filter((stem) => !own.has(stem)),
  );
  const given = new Set(asked.map(({ form }) => form));
  const places = occurrences(tokens, answered);
  if (wanted.size === 0 || places.length === 0) return false;
  let elsewhere = false;
  for (const clause of clausesOf(tokens)) {
    const shares = clause.tokens.some((token) => isTelling(token) && wanted.has(stemOf(token.form)));
    const hasAnswer = places.some(
      ({ start }) => start >= clause.start && start < clause.start + clause.tokens.length,
    );
    if (hasAnswer && contradictsKinship(given, clause.tokens)) return true;
    if (hasAnswer && (shares || clause.tokens.some((token) => isOwnMark(token, given)))) return false;
    if (!hasAnswer && shares) elsewhere ||= hasCandidate(clause.tokens, type, given);
  }
  return elsewhere;
}

function isTelling(token: FactToken): boolean {
  return token.kind === "word" && !isNamePart(token) && !empty.has(token.form);
}

/** A number or date of the question stands in the clause: it is about the same thing. */
function isOwnMark(token: FactToken, given: ReadonlySet<string>): boolean {
  return (token.kind === "number" || token.kind === "date") && given.has(token.form);
}

function hasCandidate(tokens: readonly FactToken[], type: AnswerType, given: ReadonlySet<string>): boolean {
  return tokens.some((token) => isCandidate(token, type) && !given.has(token.form));
}

interface Clause {
  start: number;
  tokens: FactToken[];
}

/** Sentences, cut again before "and", "but" or a comma where one fact has its verb and another verb follows. */
function clausesOf(tokens: readonly FactToken[]): Clause[] {
  const clauses: Clause[] = [];
  tokens.forEach((token, i) => {
    const clause = clauses.at(-1);
    // After "…, near Ott, is" the main clause goes on.
    const joins =
      /^(?:and|but|who|which|while)$/.test(token.form) || (token.separated && !auxiliary.test(token.form));
    const isTold = clause?.tokens.some(({ form }) => isVerb(form)) ?? false;
    const verbFollows = tokens.slice(i, i + 3).some(({ form }) => isVerb(form));
    if (!clause || token.opening || (joins && isTold && verbFollows))
      clauses.push({ start: i, tokens: [token] });
    else clause.tokens.push(token);
  });
  return clauses;
}

function isVerb(form: string): boolean {
  const verb = readVerb(form);
  return (verb !== undefined && (verb.past || verb.participle)) || auxiliary.test(form);
}

const auxiliary = /^(?:was|were|is|are|had|has)$/;

/** "(3 June 1849 – 11 October 1920)": the first is no answer to a death, the second none to a birth. */
function contradictsLifeSpan(
  asked: readonly FactToken[],
  answered: readonly FactToken[],
  text: string,
): boolean {
  const span = /\(([^()–—]*\d{4})\s*(?:[–—]|-|to)\s*([^()]*\d{4})\)/.exec(text);
  if (!span) return false;
  const stems = new Set(asked.map(({ form }) => stemOf(form)));
  const stands = (part: string) => occurrences(factTokens(part), answered).length > 0;
  if (stems.has(stemOf("died"))) return stands(span[1]!) && !stands(span[2]!);
  return stems.has(stemOf("born")) && stands(span[2]!) && !stands(span[1]!);
}

/** "the third-largest lake" is no answer to "the largest lake". */
function missesOrdinal(asked: readonly FactToken[], tokens: readonly FactToken[]): boolean {
  return asked.some(({ form }, i) => {
    if (!/...est$/.test(form) || asked[i - 1]?.kind === "ordinal") return false;
    const places = tokens.flatMap((token, at) => (token.form === form ? [at] : []));
    return places.length > 0 && places.every((at) => tokens[at - 1]?.kind === "ordinal");
  });
}

/** Words of kinship that tell the same relation from one side or the other. */
const kinships = [
  "father mother parent son daughter child children",
  "brother sister sibling twin",
  "husband wife spouse married marriage widow widower",
  "uncle aunt nephew niece",
  "grandfather grandmother grandparent grandson granddaughter",
  "cousin",
].map((list) => new Set(list.split(" ")));

/** The question asks for one relation of a family, the clause tells another only. */
function contradictsKinship(given: ReadonlySet<string>, clause: readonly FactToken[]): boolean {
  const asked = kinships.filter((kinship) => [...kinship].some((word) => given.has(word)));
  const told = kinships.filter((kinship) => clause.some(({ form }) => kinship.has(form)));
  return asked.length > 0 && told.length > 0 && !asked.some((kinship) => told.includes(kinship));
}
