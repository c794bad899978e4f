import { factTokens } from "../fact-tokens.ts";
import { participleOf, readVerb } from "../verbs.ts";
import { countOf } from "./phrases.ts";
import { phraseOf, type Rule } from "./statement.ts";
import { looksLikePerson } from "./subject.ts";

const dimensions = new Map([
  ["long", "length"],
  ["high", "height"],
  ["tall", "height"],
  ["deep", "depth"],
  ["wide", "width"],
  ["old", "age"],
  ["thick", "thickness"],
]);

/** How long, high, old something is. */
export const measure: Rule = ({ verb, who, object }) => {
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

const sizes = "area length height depth width population diameter weight volume capacity surface"
  .split(" ")
  .join("|");
const sizePattern = new RegExp(
  `^(?:an? )?(?:total )?(${sizes}) of ((?:about |nearly |over )?[\\d.,]+.*)$`,
  "u",
);

/** "has an area of 41 square kilometres", "a town with a population of 8,200". */
export const size: Rule = ({ verb, who, object, adverbials }) => {
  const said = [
    object,
    ...adverbials.filter(({ preposition }) => preposition === "with").map(({ phrase }) => phrase),
  ];
  const found = said.map((phrase) => sizePattern.exec(phrase)).find((match) => match !== null);
  if (!found || verb.kind === "passive" || (verb.kind === "active" && verb.base !== "have")) return [];
  const be = /^(?:had|was|were)$/.test(verb.form) ? "was" : "is";
  const [, dimension = "", answer = ""] = found;
  const second =
    dimension === "population"
      ? `How many inhabitants ${be === "was" ? "did" : "does"} ${who.text} have`
      : undefined;
  const first = { question: `What ${be} the ${dimension} of ${who.text}`, answer };
  return [second ? [first, { question: second, answer }] : [first]];
};

/** What the makers of a class of works do. */
const makers: readonly [RegExp, string][] = [
  [/\b(?:novel|book|poem|story|play|collection|diary)$/, "wrote"],
  [/\b(?:painting|portrait|fresco)$/, "painted"],
  [/\bfilm$/, "directed"],
  [/\b(?:opera|symphony|song|concerto|ballet|waltz)$/, "composed"],
];

/** "is a novel by X": who wrote it. */
export const maker: Rule = ({ verb, who, object, adverbials }) => {
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
export const kind: Rule = ({ verb, who, object, adverbials }) => {
  if (verb.kind !== "be" || !who.isTopic || !/^an? /.test(object) || object.split(" ").length > 8) return [];
  if (/\b(?:son|daughter|member|one|part|kind)\b/.test(object)) return [];
  const detail = adverbials[0]?.preposition === "of" ? ` ${phraseOf(adverbials[0])}` : "";
  const answer = `${object}${detail}`;
  if (who.isPerson)
    return [
      [
        { question: `What ${verb.form} the profession of ${who.text}`, answer },
        { question: `What ${verb.form} ${who.text} by profession`, answer },
        { question: `What ${verb.form === "was" ? "did" : "does"} ${who.text} do for a living`, answer },
      ],
    ];
  const noun = object.split(" ").length === 3 ? object.split(" ")[2]! : undefined;
  const what = { question: `What ${verb.form} ${who.text}`, answer };
  return [noun ? [what, { question: `What kind of ${noun} ${verb.form} ${who.text}`, answer }] : [what]];
};

/** "the largest ship of X was Y". */
export const property: Rule = ({ verb, who, object }) => {
  if (verb.kind !== "be" || !who.owned || !/\p{Lu}|^(?:the|an?) /u.test(object)) return [];
  const { owner, noun } = who.owned;
  const word = looksLikePerson(object) || personNoun.test(noun) ? "Who" : "What";
  return [
    [
      { question: `${word} ${verb.form} ${who.text}`, answer: object },
      { question: `${word} ${verb.form} ${owner}'s ${noun}`, answer: object },
    ],
  ];
};

const personNoun =
  /(?:hero|heroine|founder|owner|director|author|leader|wife|husband|father|mother|brother|sister|son|daughter|teacher|mayor|president|king|queen|keeper|captain|architect|chief)$/;

/** "is the highest mountain of Tolvend": what is. */
export const role: Rule = ({ verb, who, object, adverbials }) => {
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
export const quality: Rule = ({ verb, who, object, adverbials }) => {
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

/** "was the son of X", "the pupil of X". */
export const kinship: Rule = ({ verb, who, object }) => {
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
