import { isPersonNoun } from "../answer-type.ts";
import { readVerb } from "../verbs.ts";
import { lifeFacts } from "./life.ts";
import type { FactQuestions } from "./statement.ts";
import { looksLikePerson, type Topic } from "./subject.ts";

/** "X (aside) is a phrase rest": the sentence with which encyclopaedias begin, taken apart. */
interface Definition {
  be: string;
  article: string;
  /** What the topic is said to be: "2010 American action thriller film". */
  phrase: string;
  /** The sentence from the article on, its end cut off where it grows too long. */
  said: string;
}

const maxSentence = 700;
const maxSaidWords = 24;
const maxPhraseWords = 12;

/**
 * What the first sentence of a passage tells of its topic: kind, profession, nationality, genre, year, and what the topic
 * is asked by; from the brackets behind the name the dates and places of a life.
 */
export function definitionFacts(sentence: string, topic: Topic): FactQuestions[] {
  const found =
    sentence.length > maxSentence
      ? null
      : /^([^()]{1,90}?),? ?((?: ?\((?:[^()]|\([^()]{0,80}\)){0,300}\),?){0,2})(?:, [^,()]{1,60},)? (is|was|are|were) (an?|the) (.+)$/u.exec(
          sentence,
        );
  if (!found || !meansTopic(found[1]!, topic)) return [];
  const [, , aside = "", be = "", article = "", rest = ""] = found;
  const definition = defined(be, article, rest.replace(/\s*\([^()]*\)/g, ""));
  const life = lifeFacts(aside, topic);
  const isPerson =
    looksLikePerson(topic.written) &&
    workOf(definition.phrase) === undefined &&
    (topic.isPerson || life.length > 0 || isCitizen(definition));
  return [
    ...(isPerson ? [...life, ...personFacts(definition, topic)] : thingFacts(definition, topic)),
    ...reverse(definition, topic, isPerson),
  ];
}

/** Whether the subject of the first sentence is the topic: its name, or a longer form of it. */
function meansTopic(subject: string, { name, written }: Topic): boolean {
  const words = wordsOf(subject);
  if (subject.includes(name.replace(/^the /, ""))) return subject.split(" ").length <= 6;
  // "Buckfield, Maine" is called Buckfield, and "Jim Brown" begins as "James Nathaniel Brown".
  const named = wordsOf(written.split(", ")[0]!);
  const isWhole = named.length > 0 && named.every((word) => words.includes(word));
  const isNamesake = looksLikePerson(written) && looksLikePerson(subject) && named.at(-1) === words.at(-1);
  return words.length <= 10 && (isWhole || isNamesake);
}

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+/gu) ?? [];
}

const boundary =
  /^(?:in|on|at|by|from|with|for|to|near|across|over|during|between|about|based|located|situated|set|that|which|who|whose|whom|where|when|while|and\/or|but|as|under|within|along|through|starring|featuring|consisting|known|born)$/;
/** Nouns that say nothing without what they are of. */
const partitive =
  /^(?:genus|species|type|kind|form|family|member|series|part|style|variety|group|set|piece|class|breed|brand|branch)$/;

function defined(be: string, article: string, rest: string): Definition {
  const words = rest.replace(/[.!]+["”]?$/, "").split(/\s+/);
  const phrase: string[] = [];
  for (let i = 0; i < Math.min(words.length, maxPhraseWords); i++) {
    const word = words[i]!;
    const bare = word.replace(/[,;:]$/, "");
    const next = words[i + 1] ?? "";
    if (boundary.test(bare) || (bare === "of" && !partitive.test(phrase.at(-1) ?? ""))) break;
    if (i > 0 && isParticiple(bare) && (boundary.test(next) || next === "and")) break;
    if (bare === "and" && /^(?:is|was|are|were|has|had|the|an?)$/.test(next)) break;
    phrase.push(word);
    if (bare !== word && !goesOn(words.slice(i + 1))) break;
  }
  const said = [article, ...words].slice(0, maxSaidWords);
  const cut =
    words.length + 1 > maxSaidWords ? said.findLastIndex((word) => /[,;]$/.test(word)) + 1 : said.length;
  return {
    be,
    article,
    phrase: phrase.join(" ").replace(/(?:,| and)+$/, ""),
    said: cut > 3 ? said.slice(0, cut).join(" ").replace(/[,;]$/, "") : "",
  };
}

/** Whether a list of plain nouns goes on behind a comma: "songwriter, record producer, and …". */
function goesOn(words: readonly string[]): boolean {
  const end = words.findIndex((word) => /^(?:and|&)$/.test(word));
  if (end < 0 || end > 8) return false;
  return words.slice(0, end + 2).every((word) => /^[\p{Ll}&-]+,?$/u.test(word) && !boundary.test(word));
}

const demonym =
  /^(?:(?:North|South|West|East|Northern|Puerto|Sri|Costa|New|Hong) )?(?:\p{Lu}\p{L}*(?:an|ese|ish)|French|Dutch|Welsh|Greek|Czech|Thai|Icelandic|Filipino|Swiss|Argentine|Slovak|Slovene|Iraqi|Israeli|Pakistani|Bangladeshi|Kuwaiti|Nepali|Somali|Yemeni|Saudi|Emirati|Omani|Qatari|Bahraini|Azerbaijani|Zealand|Kong|Manx|Basque)$/u;
const notNations =
  /^(?:Roman|Christian|Republican|Lutheran|Presbyterian|Anglican|Franciscan|Victorian|Jewish)$/;

/** Year, nationality and what is left of a phrase: "2010", "American", "action thriller film". */
function modifiers(phrase: string): { year?: string; nationality?: string; core: string } {
  let words = phrase.split(" ");
  const year = /^(?:1[5-9]|20)\d\d$/.test(words[0]!) ? words.shift() : undefined;
  const lead = /^(?:former|retired|late|professional)$/.test(words[0] ?? "") ? words.slice(0, 1) : [];
  words = words.slice(lead.length);
  const names = words.findIndex((word) => !/^\p{Lu}/u.test(word));
  const said = words.slice(0, Math.max(names, 0)).join(" ");
  const nations = said.split(/[ /-](?=\p{Lu})/u);
  const isDemonym = (name: string) => demonym.test(name) && !notNations.test(name);
  const isNation = said !== "" && (isDemonym(said) || nations.every(isDemonym));
  const core = [...lead, ...(isNation ? words.slice(names) : words)].join(" ");
  return { ...(year ? { year } : {}), ...(isNation ? { nationality: said } : {}), core };
}

/** "an Armenian painter": firms and ships are makers and carriers, but have no such adjective before it as a rule. */
function isCitizen({ phrase }: Definition): boolean {
  return modifiers(phrase).nationality !== undefined && isPersonNoun(phrase.split(" ").at(-1)!);
}

function personFacts({ be, article, phrase }: Definition, { name }: Topic): FactQuestions[] {
  const { nationality, core } = modifiers(phrase);
  const facts: FactQuestions[] = [];
  if (article !== "the" && /^\p{Ll}/u.test(core))
    facts.push([
      { question: `What ${singular(be)} the profession of ${name}?`, answer: core },
      { question: `What ${singular(be)} the occupation of ${name}?`, answer: core },
    ]);
  if (nationality)
    facts.push([
      { question: `What ${singular(be)} the nationality of ${name}?`, answer: nationality },
      { question: `What nationality ${be} ${name}?`, answer: nationality },
    ]);
  return facts;
}

/** Works whose kind is called a genre, with the word for how they come out. */
const works: readonly [RegExp, string][] = [
  [/\b(?:film|movie|comedy|documentary|album|song|single|game|drama|thriller|musical)$/, "released"],
  [/\b(?:novel|book|poem|story|play|comic|manga|magazine)$/, "published"],
  [/\b(?:band|group|duo|trio|quartet|series|show|sitcom|opera|anime)$/, ""],
];

function singular(be: string): string {
  return /^w/.test(be) ? "was" : "is";
}

/** How a work comes out; "" where that is not said of it, nothing where it is no work. */
function workOf(phrase: string): string | undefined {
  return works.find(([noun]) => noun.test(phrase))?.[1];
}

function isParticiple(word: string): boolean {
  return readVerb(word)?.participle === true || /\p{Ll}{2}ed$/u.test(word);
}

function thingFacts(definition: Definition, { name }: Topic): FactQuestions[] {
  const { be, article, phrase } = definition;
  if (phrase === "" || article === "the" || /\b(?:one|member)$/.test(phrase)) return [];
  const { year, core } = modifiers(phrase);
  const words = core.split(" ");
  const head = words.at(-1)!;
  const work = workOf(core);
  const isCommon = /^\p{Ll}+$/u.test(head);
  const isBeing = isCommon && isCitizen(definition);
  const what = { question: `${isBeing ? "Who" : "What"} ${be} ${name}?`, answer: `${article} ${phrase}` };
  const kind = { question: `What kind of ${head} ${be} ${name}?`, answer: core };
  const facts: FactQuestions[] = [isCommon && !isBeing && words.length > 1 ? [what, kind] : [what]];
  const genre = /^(?:band|group|duo|trio|album|song|single)$/.test(head)
    ? words.slice(0, -1).join(" ")
    : core;
  if (work !== undefined && genre !== head && /^\p{Ll}/u.test(genre))
    facts.push([
      { question: `What ${singular(be)} the genre of ${name}?`, answer: genre },
      { question: `What genre ${be} ${name}?`, answer: genre },
    ]);
  if (work && year)
    facts.push([
      { question: `In which year was ${name} ${work}?`, answer: year },
      { question: `When was ${name} ${work}?`, answer: year },
    ]);
  return facts;
}

/** The question that the topic answers: "Who is an American film director from …?" */
function reverse({ be, said }: Definition, { name }: Topic, isPerson: boolean): FactQuestions[] {
  if (said === "" || said.includes(name)) return [];
  return [[{ question: `${isPerson ? "Who" : "What"} ${be} ${said}?`, answer: name }]];
}
