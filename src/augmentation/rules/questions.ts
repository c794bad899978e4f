import type { QuestionAnswer } from "../../corpus/corpus.ts";
import { factTokens, isYear } from "../fact-tokens.ts";
import { participleOf, pastOf, readVerb } from "../verbs.ts";
import type { Adverbial, Clause } from "./clause.ts";
import { looksLikePerson, type Subject } from "./subject.ts";

/** One fact with the wordings in which it can be asked. */
export type FactQuestions = QuestionAnswer[];

/** A clause whose subject is understood. */
export interface Statement extends Clause {
  who: Subject;
}

type Rule = (statement: Statement) => FactQuestions[];

/** The questions that a statement answers, fact by fact. */
export function questionsOf(statement: Statement): FactQuestions[] {
  if (/\band$|^(?:more|less|most|much|many|few|all|both|several)$/.test(statement.object)) return [];
  const facts = rules.flatMap((rule) => rule(statement));
  return facts
    .map((fact) => fact.map(tidy).filter(({ question, answer }) => isFluent(question) && isFluent(answer)))
    .filter((fact) => fact.length > 0);
}

/** "did … open", "was … opened", with what stands between the verb and the part that is asked for. */
function coreOf({ verb, who, object, adverbials }: Statement, asked?: Adverbial): string {
  const others = adverbials
    .slice(0, asked ? adverbials.indexOf(asked) : adverbials.length)
    .filter((adverbial) => adverbial !== asked && adverbial.kind === "other")
    .map(phraseOf);
  const tail = [object, ...others].filter((part) => part !== "").join(" ");
  return `${auxiliaryOf(verb)} ${who.text} ${mainOf(verb)} ${tail}`;
}

function auxiliaryOf(verb: Clause["verb"]): string {
  if (verb.kind === "be") return verb.form;
  if (verb.kind === "passive") return verb.auxiliary;
  if (verb.past) return "did";
  return verb.form === verb.base ? "do" : "does";
}

function mainOf(verb: Clause["verb"]): string {
  if (verb.kind === "be") return "";
  return verb.kind === "passive" ? verb.participle : verb.base;
}

function phraseOf({ preposition, phrase }: Adverbial): string {
  return `${preposition} ${phrase}`;
}

const time: Rule = (statement) => {
  const asked = statement.adverbials.find(
    ({ kind, preposition }) => kind === "time" && /^(?:in|on|since|until|by)$/.test(preposition),
  );
  if (!asked || statement.verb.kind === "be") return [];
  const core = coreOf(statement, asked);
  const lead = /^(?:since|until)$/.test(asked.preposition) ? capitalize(asked.preposition) : undefined;
  const when = { question: `${lead ? `${lead} when` : "When"} ${core}`, answer: asked.phrase };
  const year = factTokens(asked.phrase).find(isYear)?.form;
  if (!year || asked.preposition === "by") return [[when]];
  return [[when, { question: `${lead ?? "In"} which year ${core}`, answer: year }]];
};

const place: Rule = (statement) => {
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
      !/^(?:build|open|found|start|establish|spend|meet|marry)$/.test(verb.base))
  )
    return [];
  if (verb.kind === "be" && !who.isTopic) return [];
  const core = verb.kind === "be" ? `${verb.form} ${who.text}` : coreOf(statement, asked);
  if (asked.preposition !== "in") return [[{ question: `Where ${core}`, answer: phraseOf(asked) }]];
  return [
    [
      { question: `Where ${core}`, answer: asked.phrase },
      { question: `In which place ${core}`, answer: asked.phrase },
    ],
  ];
};

function isWhere(preposition: string, phrase: string): boolean {
  return (
    /^(?:in|near)$/.test(preposition) ||
    (preposition === "at" && /^the /.test(phrase)) ||
    (preposition === "on" &&
      /\b(?:River|Lake|Sea|Bay|Island|Coast|Hill|Mount|Street|Square|Road)\b/.test(phrase))
  );
}

const agent: Rule = (statement) => {
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
  return [isPerson ? [active, passive] : [active]];
};

/** The subject is asked for where the rest of the statement names something. */
const doer: Rule = ({ verb, who, object, adverbials }) => {
  // "About 1,200 people work for X": how many.
  const counted = verb.kind === "active" ? countOf(lowerCase(who.text)) : undefined;
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

const thing: Rule = (statement) => {
  const { verb, who, object, adverbials } = statement;
  if (verb.kind !== "active" || object === "" || object.split(" ").length > 10) return [];
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

interface Counted {
  number: string;
  noun: string;
  rest: string;
}

const countPattern =
  /^(?:about |around |over |more than |nearly |almost |only |exactly )?([\p{L}\d,.-]+) ((?:[\p{Ll}-]+ )*[\p{Ll}-]+s|people|men|women|children|sheep|fish)( a (?:day|week|month|year))?$/u;

/** "48 gas lamps" → number and noun; not for measures ("12 metres") and dates. */
function countOf(object: string): Counted | undefined {
  const found = countPattern.exec(object);
  if (!found || / and /.test(found[2]!) || factTokens(found[1]!)[0]?.kind !== "number") return undefined;
  return { number: found[1]!, noun: found[2]!, rest: (found[3] ?? "").trim() };
}

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

const dimensions = new Map([
  ["long", "length"],
  ["high", "height"],
  ["tall", "height"],
  ["deep", "depth"],
  ["wide", "width"],
  ["old", "age"],
  ["thick", "thickness"],
]);

const measure: Rule = ({ verb, who, object }) => {
  const found =
    verb.kind === "be"
      ? /^((?:about |over |nearly |almost )?([\d.,]+|\p{Ll}+) ([\p{Ll} ]+?)) (long|high|tall|deep|wide|old|thick)$/u.exec(
          object,
        )
      : null;
  if (!found || factTokens(found[2]!)[0]?.kind !== "number") return [];
  const [, size = "", number = "", unit = "", adjective = ""] = found;
  const be = verb.kind === "be" ? verb.form : "is";
  return [
    [
      { question: `How ${adjective} ${be} ${who.text}`, answer: size },
      { question: `What ${be} the ${dimensions.get(adjective)} of ${who.text}`, answer: size },
      { question: `How many ${unit} ${adjective} ${be} ${who.text}`, answer: number },
    ],
  ];
};

/** What the makers of a class of works do. */
const makers: readonly [RegExp, string][] = [
  [/\b(?:novel|book|poem|story|play|collection|diary)$/, "wrote"],
  [/\b(?:painting|portrait|fresco)$/, "painted"],
  [/\bfilm$/, "directed"],
  [/\b(?:opera|symphony|song|concerto|ballet|waltz)$/, "composed"],
];

const maker: Rule = ({ verb, who, object, adverbials }) => {
  const by = adverbials.find(({ preposition }) => preposition === "by");
  const made = makers.find(([noun]) => noun.test(object))?.[1];
  if (verb.kind !== "be" || !who.isTopic || !by || !made || !looksLikePerson(by.phrase)) return [];
  const passive = {
    question: `By whom was ${who.text} ${participleOf(readVerb(made)?.base ?? made)}`,
    answer: by.phrase,
  };
  return [[{ question: `Who ${made} ${who.text}`, answer: by.phrase }, passive]];
};

/** "X is a Y": the kind of thing it is, or a person's profession. */
const kind: Rule = ({ verb, who, object, adverbials }) => {
  if (verb.kind !== "be" || !who.isTopic || !/^an? /.test(object) || object.split(" ").length > 8) return [];
  if (/\b(?:son|daughter|member|one|part|kind)\b/.test(object)) return [];
  const detail = adverbials[0]?.preposition === "of" ? ` ${phraseOf(adverbials[0])}` : "";
  const answer = `${object}${detail}`;
  if (who.isPerson)
    return [
      [
        { question: `What ${verb.form} the profession of ${who.text}`, answer },
        { question: `What ${verb.form} ${who.text} by profession`, answer },
      ],
    ];
  const noun = object.split(" ").length === 3 ? object.split(" ")[2]! : undefined;
  const what = { question: `What ${verb.form} ${who.text}`, answer };
  return [noun ? [what, { question: `What kind of ${noun} ${verb.form} ${who.text}`, answer }] : [what]];
};

/** "the largest ship of X was Y". */
const property: Rule = ({ verb, who, object }) => {
  if (verb.kind !== "be" || !who.owned || !/\p{Lu}|^(?:the|an?) /u.test(object)) return [];
  const { owner, noun } = who.owned;
  const word = looksLikePerson(object) || personNoun.test(noun) ? "Who" : "What";
  return [
    [
      { question: `${word} ${verb.form} ${who.text}`, answer: object },
      { question: `${word} ${verb.form} ${owner}${/s$/.test(owner) ? "'" : "'s"} ${noun}`, answer: object },
    ],
  ];
};

const personNoun =
  /(?:hero|heroine|founder|owner|director|author|leader|wife|husband|father|mother|brother|sister|son|daughter|teacher|mayor|president|king|queen|keeper|captain|architect|chief)$/;

/** "is the highest mountain of Tolvend": what is. */
const role: Rule = ({ verb, who, object, adverbials }) => {
  if (
    verb.kind !== "be" ||
    !who.isTopic ||
    !/^the .*\p{Lu}/u.test(`${object} ${adverbials[0]?.kind === "place" ? adverbials[0].phrase : ""}`) ||
    !/^the /.test(object)
  )
    return [];
  if (/\b(?:son|daughter|brother|sister|wife|husband|widow)\b/.test(object)) return [];
  const first = adverbials[0]?.kind === "place" ? ` ${phraseOf(adverbials[0])}` : "";
  return [
    [{ question: `${who.isPerson ? "Who" : "What"} ${verb.form} ${object}${first}`, answer: who.text }],
  ];
};

/** "is famous for its frogs", "is home to 18,900 people", "a painter from Grenn". */
const quality: Rule = ({ verb, who, object, adverbials }) => {
  const first = adverbials[0];
  if (verb.kind !== "be" || !first || first.kind === "time") return [];
  if (first.preposition === "from" && /^an? /.test(object) && /^\p{Lu}/u.test(first.phrase))
    return [[{ question: `Where ${verb.form} ${who.text} from`, answer: first.phrase }]];
  if (
    !/^(?:most |best |well |widely )?(?:famous|known|noted|popular|home|named|similar|close|rich)$/.test(
      object,
    )
  )
    return [];
  const counted = countOf(first.phrase);
  const lead = counted ? `How many ${counted.noun}` : "What";
  return [
    [
      {
        question: `${lead} ${verb.form} ${who.text} ${object} ${first.preposition}`,
        answer: counted?.number ?? first.phrase,
      },
    ],
  ];
};

/** "a town with 8,200 inhabitants", "came out with 24 pictures". */
const having: Rule = (statement) => {
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

const kinship: Rule = ({ verb, who, object }) => {
  const found =
    verb.kind === "be"
      ? /^(?:the|a) ((?:\p{Ll}+ )?(?:son|daughter|brother|sister|wife|husband|widow|cousin|nephew|niece|pupil|student|founder|capital)) of (.+)$/u.exec(
          object,
        )
      : null;
  if (!found || verb.kind !== "be") return [];
  const [, relation = "", whom = ""] = found;
  const word = looksLikePerson(whom) || / and /.test(whom) ? "whom" : "what";
  return [
    [
      { question: `Of ${word} ${verb.form} ${who.text} the ${relation}`, answer: whom },
      {
        question: `${word === "whom" ? "Who" : "What"} ${verb.form} ${who.text} the ${relation} of`,
        answer: whom,
      },
    ],
  ];
};

/** "joins …", "was named after …", "worked for …": the preposition stays behind. */
const stranded: Rule = (statement) => {
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

const rules: readonly Rule[] = [
  time,
  place,
  agent,
  doer,
  thing,
  measure,
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

function lowerCase(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
