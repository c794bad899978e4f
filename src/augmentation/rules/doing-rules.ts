import { participleOf, pastOf, readVerb } from "../verbs.ts";
import { type Counted, countOf, lowerFirst } from "./phrases.ts";
import { coreOf, type FactQuestions, phraseOf, type Rule, type Statement } from "./statement.ts";
import { looksLikePerson } from "./subject.ts";

/** By whom something was done. */
export const agent: Rule = (statement) => {
  const { verb, who, adverbials } = statement;
  const asked = adverbials.find(({ kind }) => kind === "agent");
  if (!asked || verb.kind !== "passive" || !/\p{Lu}/u.test(asked.phrase)) return [];
  const past = pastOf(readVerb(verb.participle)?.base ?? verb.participle);
  const isPerson = looksLikePerson(asked.phrase) || / and /.test(asked.phrase);
  const passive = {
    question: `By whom ${verb.auxiliary} ${who.text} ${verb.participle}`,
    answer: asked.phrase,
  };
  if (!/^(?:was|were)$/.test(verb.auxiliary)) return isPerson ? [[passive]] : [];
  const active = { question: `${isPerson ? "Who" : "What"} ${past} ${who.text}`, answer: asked.phrase };
  const noun = makerNouns.get(readVerb(verb.participle)?.base ?? "");
  const named = { question: `Who was the ${noun} of ${who.text}`, answer: asked.phrase };
  return [isPerson ? [active, ...(noun && !/ and /.test(asked.phrase) ? [named] : []), passive] : [active]];
};

/** What somebody is called who did it. */
const makerNouns = new Map([
  ["build", "builder"],
  ["compose", "composer"],
  ["design", "designer"],
  ["direct", "director"],
  ["discover", "discoverer"],
  ["found", "founder"],
  ["invent", "inventor"],
  ["paint", "painter"],
  ["write", "author"],
]);

/** The subject is asked for where the rest of the statement names something. */
export const doer: Rule = ({ verb, who, object, adverbials }) => {
  // "About 1,200 people work for X": how many.
  const counted = verb.kind === "active" ? countOf(lowerFirst(who.text)) : undefined;
  if (counted && verb.kind === "active")
    return [
      [
        {
          question: `How many ${counted.noun} ${verb.form} ${[object, ...adverbials.map(phraseOf)].join(" ")}`,
          answer: counted.number,
        },
      ],
    ];
  if (!who.isPerson || verb.kind !== "active" || object === "") return [];
  const rest = [object, ...adverbials.filter(({ kind }) => kind === "other").map(phraseOf)].join(" ");
  const pair = { question: `Who ${verb.form} ${rest}`, answer: who.text };
  const passive = { question: `By whom was ${object} ${participleOf(verb.base)}`, answer: who.text };
  const single =
    verb.past && /^(?:the|a|an) |^\p{Lu}/u.test(object) && !/ and /.test(object) && verb.base !== "have";
  return [single && !intransitive.has(verb.base) ? [pair, passive] : [pair]];
};

/** What follows these is no object. */
const objectless = new Set(
  "die live appear arrive come go stand lie sit sleep retire fall rise end occur happen return travel walk swim work study grow begin start stop".split(
    " ",
  ),
);

/** Verbs whose object is asked for by "who", if it is a person. */
const amongPeople = new Set(
  "marry meet teach succeed defeat honour follow kill love hire adopt raise rescue accompany appoint".split(
    " ",
  ),
);

/** Verbs of which no passive is made. */
const intransitive = new Set(
  "become remain marry win lose leave have cost last take weigh measure reach lie stand".split(" "),
);

/** What was done, made or had, and how many. */
export const thing: Rule = (statement) => {
  const { verb, who, object, adverbials } = statement;
  if (verb.kind !== "active" || object === "" || object.split(" ").length > 10) return [];
  if (verb.base === "take" && /^(?:place|part|care|office)$/.test(object)) return [];
  // "became known for", "became rich": no thing that could be asked for.
  if (/^\p{Ll}+$/u.test(object) && (verb.base === "become" || readVerb(object)?.participle)) return [];
  if (objectless.has(verb.base) || /\b(?:later|earlier|ago|years?|times|once|twice)$/.test(object)) return [];
  const counted = countOf(verb.base === "have" ? object.split(" and ")[0]! : object);
  const core = coreOf({ ...statement, object: counted?.rest ?? "" });
  const to = adverbials.find(({ kind }) => kind === "time");
  if (counted) return [countQuestions(statement, counted)];
  if (verb.base === "have") return [];
  const word = looksLikePerson(object) && amongPeople.has(verb.base) ? "Who" : "What";
  const dated = to ? `${core} ${phraseOf(to)}` : core;
  const passive = { question: `What was ${participleOf(verb.base)} by ${who.text}`, answer: object };
  const turns = verb.past && word === "What" && !intransitive.has(verb.base) && adverbials.length === 0;
  return [[{ question: `${word} ${dated}`, answer: object }, ...(turns ? [passive] : [])]];
};

function countQuestions(statement: Statement, { number, noun, rest }: Counted): FactQuestions {
  const { verb, who } = statement;
  const core = coreOf({ ...statement, object: rest });
  const first = { question: `How many ${noun} ${core}`, answer: number };
  if (measureUnit.test(noun)) return [first];
  const turned =
    verb.kind === "active" && verb.past && !intransitive.has(verb.base)
      ? { question: `How many ${noun} were ${participleOf(verb.base)} by ${who.text}`, answer: number }
      : { question: `What number of ${noun} ${core}`, answer: number };
  return [first, turned];
}

const measureUnit =
  /(?:metres|meters|kilometres|kilometers|miles|feet|tonnes|tons|kilograms|grams|litres|hours|minutes|seconds)$/;
