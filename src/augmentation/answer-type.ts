import { type FactToken, factTokens, isYear } from "./fact-tokens.ts";
import { isNamePart, occurrences, type TokenRange } from "./support.ts";
import { stemOf } from "./verbs.ts";

/** What kind of answer a question asks for, by its question word. */
export type AnswerType =
  | "time"
  | "year"
  | "count"
  | "measure"
  | "person"
  | "place"
  | "name"
  | "colour"
  | "other";

const set = (list: string) => new Set(list.split(" "));
const timeNouns = set("date day month century decade season weekday");
const namedNouns = set(
  "city town village country state region province county river lake sea mountain island company firm publisher newspaper king queen university language",
);
const measures = set("long tall high deep wide far old large big heavy fast much thick hot cold");
const timeWords = set(
  "spring summer autumn fall winter january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday morning noon afternoon evening night midnight dawn day week month year century decade season after before during every war easter christmas age daily yearly mondays tuesdays wednesdays thursdays fridays saturdays sundays",
);
const vague = set("several many few half both dozens hundreds thousands millions all most none no forever");
const colours = set(
  "red orange yellow green blue purple violet brown black white grey gray pink silver gold golden turquoise crimson scarlet dark light",
);
const numberCues = set(
  "year date time period day number age height length population size distance area weight price cost speed depth width elevation altitude total percentage percent temperature amount capacity toll fee share score sum salary volume hour duration",
);
const locative = set(
  "in on at near by from to under over behind beside between along across inside outside above below next off around through",
);
/** Before a bare year. */
const beforeYear = set("in since from until by before after year");

/** The type of answer that a question (as tokens) asks for. */
export function answerTypeOf(asked: readonly FactToken[]): AnswerType {
  const at = asked.findIndex(({ form }) => /^(?:who|whom|whose|what|which|when|where|why|how)$/.test(form));
  const word = asked[at]?.form ?? "";
  const next = asked[at + 1]?.form ?? "";
  if (word === "when") return "time";
  if (word === "where") return "place";
  if (word === "who" || word === "whom") return "person";
  if (word === "how") return next === "many" ? "count" : measures.has(next) ? "measure" : "other";
  if (word !== "what" && word !== "which") return "other";
  if (next === "year") return "year";
  if (/^colou?r$/.test(next)) return "colour";
  if (timeNouns.has(next)) return "time";
  return namedNouns.has(next) ? "name" : "other";
}

/** Whether an answer is of the type that its question asks for; `text` tells years from counts. */
export function fitsQuestion(
  asked: readonly FactToken[],
  answered: readonly FactToken[],
  { answer, text }: { answer: string; text: string },
): boolean {
  const type = answerTypeOf(asked);
  switch (type) {
    case "time":
      return answered.some((token) => isTime(token));
    case "year":
      return answered.some(isYear);
    case "count":
      return answered.some(({ form }) => vague.has(form)) || isCount(asked, answered, text);
    case "measure":
      return answered.some(({ kind, form }) => kind === "number" || vague.has(form) || timeWords.has(form));
    case "person":
      return (
        answered.some(isNamePart) || answered.some(({ kind, form }) => kind === "word" && isPersonNoun(form))
      );
    case "name":
      return answered.some(isNamePart);
    case "place":
      return !answered.every(isTime) && (answered.some(isNamePart) || isLocative(answer, answered, text));
    case "colour":
      return answered.some(({ form }) => colours.has(form));
    case "other":
      return (
        !answered.every(({ kind }) => kind === "number" || kind === "date") ||
        asked.some(({ form }) => numberCues.has(form) || numberCues.has(form.replace(/s$/, "")))
      );
  }
}

/** Whether a token can be the core of an answer of this type: what "another fact" looks for elsewhere in the passage. */
export function isCandidate(token: FactToken, type: AnswerType): boolean {
  switch (type) {
    case "time":
    case "year":
      return token.kind === "date" || isYear(token);
    case "count":
    case "measure":
      return token.kind === "number" && !isYear(token);
    case "person":
    case "place":
    case "name":
      return isNamePart(token) && !token.opening;
    case "colour":
      return colours.has(token.form);
    case "other":
      return false;
  }
}

const personNouns = set(
  "man men woman women person people child children boy boys girl girls student students pupil pupils critic critics monk monks nun nuns pirate pirates judge judges thief thieves ghost uncle aunt bride widow widows wife wives husband astronaut astronauts captain captains king queen family families crew friend friends saint bishop priest priests nurse nurses cook cooks guard guards guest guests soldier soldiers orphan orphans",
);
const notPersonNouns = set(
  "river tower water paper newspaper center chapter character computer platformer letter number order power summer winter silver copper corner timber leather butter floor door colour color mirror motor harbour tractor theatre centre metre offer flower answer dinner cover border matter weather feather rubber",
);

/** "miners", "a builder", "retired sailors": nouns for persons, by list or ending. */
export function isPersonNoun(form: string): boolean {
  const singular = form.replace(/s$/, "");
  if (notPersonNouns.has(singular)) return false;
  return (
    personNouns.has(form) ||
    /.{2}(?:er|or|ist|ian|man|woman|ant)$/.test(singular) ||
    /(?:men|women)$/.test(form)
  );
}

function isTime(token: FactToken): boolean {
  return token.kind === "date" || isYear(token) || timeWords.has(token.form);
}

/** A number that counts what is asked for: not a year or a part of a date, and not followed by the unit of something else. */
function isCount(asked: readonly FactToken[], answered: readonly FactToken[], text: string): boolean {
  const tokens = factTokens(text);
  const many = asked.findIndex(({ form }) => form === "many");
  const noun = stemOf(asked[many + 1]?.form ?? "");
  const asksFor = asked.slice(many + 1, many + 4).map(({ form }) => stemOf(form));
  const follows = (at: number) => tokens.slice(at, at + 3).map(({ form }) => stemOf(form));
  const places = answered
    .filter(({ kind }) => kind === "number")
    .flatMap((number) => occurrences(tokens, [number]))
    .filter(({ start }) => !(isYear(tokens[start]!) && beforeYear.has(tokens[start - 1]?.form ?? "")));
  if (places.some(({ end }) => follows(end).some((stem) => asksFor.includes(stem)))) return true;
  // "sixty watermills …, and four of them still work"
  const told = new Set(asked.slice(many + 2).map(({ form }) => stemOf(form)));
  const ofThem = ({ end }: TokenRange) =>
    tokens.slice(end + 1, end + 6).some(({ form }) => told.has(stemOf(form)));
  if (places.some((place) => tokens[place.end]?.form === "of" && ofThem(place))) return true;
  const another = tokens.some(({ kind }, i) => kind === "number" && follows(i + 1).includes(noun));
  return !another && places.some(({ end }) => !measureUnits.has(tokens[end]?.form ?? ""));
}

const measureUnits = set(
  "metre kilometre centimetre millimetre mile foot kilogram gram tonne percent litre hour minute second day week month year square degree pound crown dollar euro",
);

function isLocative(answer: string, answered: readonly FactToken[], text: string): boolean {
  if (locative.has(factTokens(answer)[0]?.form ?? "")) return true;
  const tokens = factTokens(text);
  return occurrences(tokens, answered).some(({ start }) => locative.has(tokens[start - 1]?.form ?? ""));
}
