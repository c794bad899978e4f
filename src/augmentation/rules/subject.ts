import { factTokens } from "../fact-tokens.ts";
import { isNamePart } from "../support.ts";
import { countOf, lowerFirst } from "./phrases.ts";

/** What the title of a passage names, and how the text speaks of it. */
export interface Topic {
  /** The title as it stands inside a sentence. */
  written: string;
  lastWord: string;
  /** The placeholder for the title, with "the" where the text has an article. */
  name: string;
  isPerson: boolean;
  /** "bridge", "company": the text says "the bridge" for it. */
  classes: ReadonlySet<string>;
  /** Words that the text writes with a capital letter inside sentences. */
  mentioned: ReadonlySet<string>;
}

/** What a subject of a sentence means, written so that it stands alone. */
export interface Subject {
  text: string;
  /** It is the topic itself. */
  isTopic: boolean;
  isPerson: boolean;
  /** "the largest ship of the Tarrigan Line": what of whom. */
  owned?: { noun: string; owner: string };
}

const notPerson =
  /\b(?:Company|Bridge|River|Lake|Mount|Museum|University|School|Press|Line|Railway|Tower|Island|Group|Society|Institute|Academy|Prize|Award|Airways|Foods|Bank|Club|Street|Square|Park|Hill|Hills|Valley|Bay|Port|Castle|Church|House|Theatre|Library|Party|Union|Council|Works|Books|Pictures|Films|Studio|Studios|Records|War|Battle|Fair|Festival|Ministry|Office|Hospital|College|Observatory|Conservatory|Glassworks|Star|Times|Gazette|News|Cross|Harbour|Station|Airport|City|Town|County|Kingdom|Republic|Empire)\b/;

/** Whether a phrase is the name of a person as far as its form tells: "Ann Orme", "the painter Ann Orme". */
export function looksLikePerson(phrase: string): boolean {
  const name =
    /^(?:(?:the|a) (?:(?!of |the |in |and |called |named )\p{Ll}+ ){1,3})?(\p{Lu}[\p{L}.'’-]*(?: (?:\p{Lu}[\p{L}.'’-]*|de|van|von)){1,3})$/u.exec(
      phrase,
    )?.[1];
  return name !== undefined && !notPerson.test(name) && !/^The /.test(name);
}

/** Classes of which a text uses one word for the other: "the city" of a capital, "the firm" of a maker. */
const synonyms = [
  "city town village capital port settlement",
  "company firm maker business manufacturer factory bank airline publisher brewery",
  "novel book story work",
  "painting picture work",
  "mountain peak volcano",
  "award prize",
  "lake water",
  "ship vessel steamer",
  "railway line",
].map((list) => list.split(" "));

/** Stands for the title while sentences are taken apart, whatever commas and prepositions the title has. */
const placeholder = "Topicum";

/** Reads off the text how it speaks of the title. `text` is the text with the placeholder for it. */
export function topicOf({ title, text }: { title: string; text: string }): { topic: Topic; text: string } {
  const bare = title.replace(/\s*\([^()]*\)$/, "").trim() || "?";
  const pattern = new RegExp(escapeRegExp(bare), "giu");
  const marked = text.replace(pattern, (found, at: number) =>
    isWhole(text, at, found) ? placeholder : found,
  );
  const article =
    !/^the /i.test(bare) &&
    new RegExp(`\\b(?:[Tt]he|[Aa]n?) ${placeholder}\\b(?! \\p{Lu})`, "u").test(marked);
  const isPerson = !article && looksLikePerson(bare) && /\b(?:[Hh]e|[Ss]he|born|his|her)\b/.test(text);
  const said =
    new RegExp(`${placeholder} (?:is|was|are|were) (?:an?|the) ([^.;]+)`, "u").exec(marked)?.[1] ?? "";
  const phrase = said
    .split(/\b(?:of|in|on|at|with|for|across|over|that|which|by|from|near|built|between)\b|,/)[0]!
    .trim();
  const lastWord = bare.split(" ").at(-1)!;
  const heads = [
    ...phrase.split(" and ").map((part) => part.trim().split(" ").at(-1) ?? ""),
    isPerson ? "" : lastWord.toLowerCase(),
  ];
  const alike = synonyms.filter((group) => group.some((word) => heads.includes(word))).flat();
  const topic: Topic = {
    written: writtenForm(text, pattern) ?? bare,
    lastWord,
    name: article ? `the ${placeholder}` : placeholder,
    isPerson,
    classes: new Set([...heads, ...alike].filter((word) => word !== "")),
    mentioned: namesOf(`${title}. ${text}`),
  };
  return { topic, text: marked };
}

/** Whether a match is no piece of a longer word: "Ostrevia" is one of "Ostrevian". */
function isWhole(text: string, at: number, found: string): boolean {
  const after = text.slice(at + found.length, at + found.length + 2);
  return !/[\p{L}\p{N}]$/u.test(text.slice(Math.max(0, at - 2), at)) && !/^[\p{L}\p{N}]/u.test(after);
}

/** The title as it stands inside a sentence: "Brannock pony" for "Brannock Pony"; at the beginning of one if only there. */
function writtenForm(text: string, pattern: RegExp): string | undefined {
  const found = [...text.matchAll(pattern)].filter((match) => isWhole(text, match.index, match[0]));
  const inside = found.find(
    ({ index }) => index > 0 && !/[.!?\n]["'”’)]?\s*$/.test(text.slice(Math.max(0, index - 4), index)),
  );
  return (inside ?? found[0])?.[0];
}

/** Puts the title back in the placeholder's place. */
export function withTitle(text: string, { written }: Topic): string {
  const genitive = /s$/.test(written) ? `${written}'` : `${written}'s`;
  return text.replaceAll(`${placeholder}'s`, genitive).replaceAll(placeholder, written);
}

/** "The man", "the following year": not parts of the topic. */
const strangers =
  /\b(?:man|woman|boy|girl|king|queen|war|day|night|year|years|people|world|sun|moon|same|former|latter)$/;

/** Words with a capital letter inside sentences: these are names also where they begin one. */
function namesOf(text: string): ReadonlySet<string> {
  return new Set(
    factTokens(text)
      .filter((token) => !token.opening && isNamePart(token))
      .map(({ source }) => source),
  );
}

/** The pronouns that can stand for the topic. Ships are female in English prose. */
function pronounsOf({ isPerson, classes }: Topic): { subject: RegExp; owned: RegExp } {
  if (isPerson) return { subject: /^(?:he|she)$/i, owned: /^(?:his|her) (.+)$/i };
  if (classes.has("ship")) return { subject: /^(?:it|she)$/i, owned: /^(?:its|her) (.+)$/i };
  return { subject: /^it$/i, owned: /^its (.+)$/i };
}

/** Whether a phrase speaks of the topic: its name, "the bridge", or a pronoun. */
export function isTopicPhrase(phrase: string, topic: Topic): boolean {
  return pronounsOf(topic).subject.test(phrase) || isTopicName(phrase, topic);
}

/** What the subject of a sentence means; nothing where that is not sure. `previous` is the subject of the sentence before. */
export function resolveSubject(
  subject: string,
  topic: Topic,
  previous: Subject | undefined,
): Subject | undefined {
  const self: Subject = { text: topic.name, isTopic: true, isPerson: topic.isPerson };
  const follows = previous?.isTopic ?? true;
  if (/^(?:He|She|It)$/i.test(subject)) return isTopicPhrase(subject, topic) && follows ? self : undefined;
  if (isTopicName(subject, topic)) return self;
  const owned = pronounsOf(topic).owned.exec(subject)?.[1];
  if (owned !== undefined)
    return follows || previous?.text.includes(placeholder) ? ownedBy(owned, topic) : undefined;
  const genitive = /^(.+?)['’]s? (.+)$/u.exec(subject) ?? /^(The \p{Ll}+) (\p{Ll}+)$/u.exec(subject);
  if (genitive && isTopicName(genitive[1]!, topic)) return ownedBy(genitive[2]!, topic);
  const part = /^The ((?:[\p{Ll}-]+ ){0,2}\p{Ll}+)$/u.exec(subject)?.[1];
  if (part !== undefined && !topic.isPerson && !strangers.test(part)) return ownedBy(part, topic);
  return namedSubject(subject, topic);
}

function isTopicName(phrase: string, topic: Topic): boolean {
  const plain = phrase.replace(/^(?:[Tt]he|[Aa]n?) /, "");
  if (plain === placeholder) return true;
  if (topic.isPerson && phrase === topic.lastWord) return true;
  return /^[Tt]he /.test(phrase) && topic.classes.has(plain);
}

/** "largest ship" → "the largest ship of the Tarrigan Line". A name in it makes it a thing of its own: nothing. */
function ownedBy(noun: string, topic: Topic): Subject | undefined {
  if (/\p{Lu}|\b(?:of|in|at|first|last|next|same|other|only|whole)\b/u.test(noun)) return undefined;
  const text = `the ${noun} of ${topic.name}`;
  return { text, isTopic: false, isPerson: false, owned: { noun, owner: topic.name } };
}

function namedSubject(subject: string, topic: Topic): Subject | undefined {
  if (
    /^(?:This|That|These|Those|They|There|Here|We|You|I|Everyone|Some|Many|Most|Another|Others|One|Each|Every|Both|All|Such|No|Nobody|Nothing|Only)\b/.test(
      subject,
    )
  )
    return undefined;
  if (/\b(?:its|his|her|their|it|he|she|they|them|him)\b/i.test(subject) || /^\p{L}+ing\b/u.test(subject))
    return undefined;
  const text = /^(?:The|A|An) /.test(subject) ? lowerFirst(subject) : subject;
  const [first = "", ...others] = text.split(" ");
  if (countOf(lowerFirst(text))) return { text: lowerFirst(text), isTopic: false, isPerson: false };
  const isName = !/^\p{Lu}/u.test(first) || topic.mentioned.has(first) || looksLikePerson(text);
  if (isName) return { text, isTopic: false, isPerson: looksLikePerson(text) };
  // "Otters", "Herring from the lake": the capital letter is that of the sentence.
  const isCommon =
    /(?:[^s]s|people|men|women|children)$/i.test(first) && others.every((word) => !/^\p{Lu}/u.test(word));
  return isCommon ? { text: lowerFirst(text), isTopic: false, isPerson: false } : undefined;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
