import { factTokens, isYear } from "../fact-tokens.ts";
import { capitalize, countOf } from "./phrases.ts";
import { auxiliaryOf, coreOf, mainOf, phraseOf, type Rule } from "./statement.ts";
import { looksLikePerson } from "./subject.ts";

/** When it happened. */
export const time: Rule = (statement) => {
  const asked = statement.adverbials.find(
    ({ kind, preposition }) => kind === "time" && /^(?:in|on|since|until|by)$/.test(preposition),
  );
  if (!asked || statement.verb.kind === "be") return [];
  const core = coreOf(statement, asked);
  const lead = /^(?:since|until)$/.test(asked.preposition) ? capitalize(asked.preposition) : undefined;
  const when = { question: `${lead ? `${lead} when` : "When"} ${core}`, answer: asked.phrase };
  const year = factTokens(asked.phrase).find(isYear)?.form;
  if (!year || asked.preposition === "by") return [[when]];
  const inYear = { question: `${lead ?? "In"} which year ${core}`, answer: year };
  return [[when, inYear, ...(lead ? [] : [{ question: `What year ${core}`, answer: year }])]];
};

/** Where it happened, or where the topic is. */
export const place: Rule = (statement) => {
  const { verb, who, object } = statement;
  const asked = statement.adverbials.find(
    ({ kind, preposition, phrase }) => kind === "place" && isWhere(preposition, phrase),
  );
  // "a maker of flour with its head office in Eastham": the place of the office.
  const before = statement.adverbials.slice(0, asked ? statement.adverbials.indexOf(asked) : 0);
  if (before.some(({ preposition }) => /^(?:with|without|for|like|as|by)$/.test(preposition))) return [];
  // "shows a mill on the river": the place may be that of the object.
  if (
    !asked ||
    (verb.kind === "active" &&
      object !== "" &&
      object !== "place" &&
      !/^(?:build|open|found|start|establish|spend|meet|marry)$/.test(verb.base))
  )
    return [];
  if (verb.kind === "be" && !who.isTopic) return [];
  const core = verb.kind === "be" ? `${verb.form} ${who.text}` : coreOf(statement, asked);
  if (asked.preposition !== "in") return [[{ question: `Where ${core}`, answer: phraseOf(asked) }]];
  const wordings = [`Where ${core}`, `In which place ${core}`];
  if (verb.kind === "passive" && verb.participle === "born")
    wordings.push(`What was the birthplace of ${who.text}`);
  return [wordings.map((question) => ({ question, answer: asked.phrase }))];
};

function isWhere(preposition: string, phrase: string): boolean {
  return (
    /^(?:in|near)$/.test(preposition) ||
    (preposition === "at" && /^the /.test(phrase)) ||
    (preposition === "on" &&
      /\b(?:River|Lake|Sea|Bay|Island|Coast|Hill|Mount|Street|Square|Road)\b/.test(phrase))
  );
}

/** "a town with 8,200 inhabitants", "came out with 24 pictures". */
export const having: Rule = (statement) => {
  const { verb, who, adverbials } = statement;
  const asked = adverbials.find(({ preposition, phrase }) => preposition === "with" && countOf(phrase));
  const counted = asked && countOf(asked.phrase);
  if (!counted || !asked) return [];
  if (verb.kind !== "be")
    return [
      [{ question: `With how many ${counted.noun} ${coreOf(statement, asked)}`, answer: counted.number }],
    ];
  const auxiliary = /^(?:was|were)$/.test(verb.form) ? "did" : "does";
  return [[{ question: `How many ${counted.noun} ${auxiliary} ${who.text} have`, answer: counted.number }]];
};

/** "joins …", "was named after …", "worked for …": the preposition stays behind. */
export const stranded: Rule = (statement) => {
  const { verb, who, object, adverbials } = statement;
  const first = adverbials[0];
  if (verb.kind === "be" || object !== "" || !first || first.kind !== "other" || first.phrase === "")
    return [];
  if (!/^(?:after|for|with|to|from|across|over|through|under|into|against)$/.test(first.preposition))
    return [];
  if (!/^(?:the |an? )?(?:\p{Ll}+ ){0,3}\p{Lu}/u.test(first.phrase)) return [];
  const word = looksLikePerson(first.phrase) ? "Who" : "What";
  const core = `${auxiliaryOf(verb)} ${who.text} ${mainOf(verb)}`;
  const formal = `${capitalize(first.preposition)} ${word === "Who" ? "whom" : "what"} ${core}`;
  return [
    [
      { question: `${word} ${core} ${first.preposition}`, answer: first.phrase },
      { question: formal, answer: first.phrase },
    ],
  ];
};
