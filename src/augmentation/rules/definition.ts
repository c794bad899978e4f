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
  const isPerson =
    looksLikePerson(topic.written) &&
    workOf(definition.phrase) === undefined &&
    (topic.isPerson ||
      /\b(?:born|b\.|died|\p{Lu}\p{Ll}{2,8} (?:\d\d?, )?\d{4})/u.test(aside) ||
      isPersonal(definition));
  return [
    ...(isPerson
      ? [...lifeFacts(aside, topic), ...personFacts(definition, topic)]
      : thingFacts(definition, topic)),
    ...reverse(definition, topic, isPerson),
  ];
}

/** Whether the subject of the first sentence is the topic, and not something of it: its name, or a person's fuller one. */
function meansTopic(subject: string, { name, written }: Topic): boolean {
  const bare = subject.replace(/^(?:The|An?) |["“”]/g, "");
  const topic = name.replace(/^the /, "");
  // "Buckfield, Maine" is called Buckfield.
  if (bare === topic || (written.includes(", ") && bare === written.split(", ")[0])) return true;
  if (!looksLikePerson(written)) return false;
  const [first = "", ...others] = bare.split(" ");
  const isNamed = [first, ...others].every((word) => /^\p{Lu}/u.test(word)) && others.length < 6;
  if (bare.endsWith(` ${topic}`)) return isNamed; // "Captain …"
  if (bare.startsWith(`${topic} `)) return looksLikePerson(bare.replace(topic, written));
  // "Jim Brown" begins as "James Nathaniel Brown", and "Buddy Baker" as "Norman Dale Buddy Baker".
  const [given = "", ...rest] = written.split(" ");
  const isAlike = first[0] === given[0] || others.includes(given);
  return isNamed && isAlike && others.at(-1) === rest.at(-1);
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
    if (i > 0 && beginsReducedClause(bare) && (boundary.test(next) || next === "and")) break;
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

const nations = new Set(
  (
    "Afghan Albanian Algerian American Andorran Angolan Arab Argentine Argentinian Armenian Australian Austrian Azerbaijani Bahraini Bangladeshi Basque Belarusian Belgian Bolivian Bosnian Brazilian British " +
    "Bulgarian Burmese Cambodian Cameroonian Canadian Catalan Chilean Chinese Colombian Congolese Croatian Cuban Cypriot Czech Czechoslovak Danish Dominican Dutch Ecuadorian Egyptian Emirati English Estonian " +
    "Ethiopian Fijian Filipino Finnish French Gambian Georgian German Ghanaian Greek Guatemalan Guinean Haitian Honduran Hungarian Icelandic Indian Indonesian Iranian Iraqi Irish Israeli Italian Ivorian " +
    "Jamaican Japanese Jordanian Kazakh Kenyan Korean Kosovan Kuwaiti Kyrgyz Laotian Latvian Lebanese Liberian Libyan Lithuanian Luxembourgish Macedonian Malaysian Malian Maltese Manx Mauritian Mexican " +
    "Moldovan Mongolian Montenegrin Moroccan Mozambican Namibian Nepalese Nepali Nicaraguan Nigerian Norwegian Omani Ottoman Pakistani Palestinian Panamanian Paraguayan Persian Peruvian Polish Portuguese " +
    "Prussian Qatari Romanian Russian Rwandan Salvadoran Samoan Saudi Scottish Senegalese Serbian Sicilian Singaporean Slovak Slovene Slovenian Somali Soviet Spanish Sudanese Swedish Swiss Syrian Taiwanese " +
    "Tanzanian Thai Tibetan Tongan Trinidadian Tunisian Turkish Ugandan Ukrainian Uruguayan Uzbek Venetian Venezuelan Vietnamese Welsh Yemeni Yugoslav Zambian Zimbabwean"
  ).split(" "),
);
const twoWordNations =
  /^(?:(?:North|South|East|West|Northern) (?:African|Korean|Vietnamese|German|Irish|Sudanese|Yemeni)|New Zealand|Hong Kong|Sri Lankan|Puerto Rican|Costa Rican|Saudi Arabian|Cape Verdean|Sierra Leonean)$/;

/** Whether capitalised words say where somebody is from: "South African", "Armenian American". */
function isNationality(words: string): boolean {
  return twoWordNations.test(words) || words.split(/[ /–-]/).every((word) => nations.has(word));
}

/** Year, nationality and what is left of a phrase: "2010", "American", "action thriller film". */
function modifiers(phrase: string): { year?: string; nationality?: string; core: string } {
  let words = phrase.split(" ");
  const year = /^(?:1[5-9]|20)\d\d$/.test(words[0]!) ? words.shift() : undefined;
  const lead = /^(?:former|retired|late|professional)$/.test(words[0] ?? "") ? words.slice(0, 1) : [];
  words = words.slice(lead.length);
  const names = words.findIndex((word) => !/^\p{Lu}/u.test(word));
  const said = words.slice(0, Math.max(names, 0)).join(" ");
  const isNation = said !== "" && isNationality(said);
  const core = [...lead, ...(isNation ? words.slice(names) : words)].join(" ");
  return { ...(year ? { year } : {}), ...(isNation ? { nationality: said } : {}), core };
}

/** "an Armenian painter", and no "American carrier". */
function isPersonal({ phrase }: Definition): boolean {
  const noun = phrase.split(" ").at(-1)!;
  return modifiers(phrase).nationality !== undefined && isPersonNoun(noun) && !firms.test(noun);
}

const firms =
  /(?:maker|manufacturer|publisher|retailer|carrier|operator|supplier|provider|distributor|brewer|builder|freighter|cruiser|steamer)$/;

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

/** Whether a word behind a noun begins "written by …": looser than a verb's `isParticiple`, as "co-founded" and unknown verbs count. */
function beginsReducedClause(word: string): boolean {
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
  const isBeing = isCommon && isPersonal(definition);
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
