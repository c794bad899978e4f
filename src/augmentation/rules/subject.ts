import { factTokens } from "../fact-tokens.ts";
import { isNamePart } from "../support.ts";

/** What the title of a passage names, and how the text speaks of it. */
export interface Topic {
  title: string;
  /** As it stands inside a sentence: "the Lantern Bridge", "Bexley Kwill". */
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

/** Reads off the text how it speaks of the title. */
export function topicOf({ title, text }: { title: string; text: string }): Topic {
  const written = title.replace(/\s*\([^()]*\)$/, "").trim();
  // "the tindrum": a common noun has a capital letter in the title only.
  const isCommon = new RegExp(`\\b(?:[Tt]he|[Aa]n?) ${escapeRegExp(lowerFirst(written))}\\b`, "u").test(text);
  const bare = isCommon ? lowerFirst(written) : written;
  const article = !/^The /.test(bare) && new RegExp(`\\b[Tt]he ${escapeRegExp(bare)}\\b`, "u").test(text);
  const isPerson = !article && looksLikePerson(bare) && /\b(?:[Hh]e|[Ss]he|born|his|her)\b/.test(text);
  const said =
    new RegExp(`${escapeRegExp(bare)} (?:is|was|are|were) (?:an?|the) ([^.;]+)`, "u").exec(text)?.[1] ?? "";
  const phrase = said
    .split(/\b(?:of|in|on|at|with|for|across|over|that|which|by|from|near|built|between)\b|,/)[0]!
    .trim();
  const lastWord = bare.split(" ").at(-1)!.toLowerCase();
  const heads = [
    ...phrase.split(" and ").map((part) => part.trim().split(" ").at(-1) ?? ""),
    isPerson ? "" : lastWord,
  ];
  const alike = synonyms.filter((group) => group.some((word) => heads.includes(word))).flat();
  const classes = new Set([...heads, ...alike].filter((word) => word !== ""));
  return {
    title: bare,
    name: article ? `the ${bare}` : bare,
    isPerson,
    classes,
    mentioned: namesOf(`${title}. ${text}`),
  };
}

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
    return follows || previous?.text.includes(topic.title) ? ownedBy(owned, topic) : undefined;
  const genitive = /^(.+?)['’]s? (.+)$/u.exec(subject) ?? /^(The \p{Ll}+) (\p{Ll}+)$/u.exec(subject);
  if (genitive && isTopicName(genitive[1]!, topic)) return ownedBy(genitive[2]!, topic);
  const part = /^The ((?:[\p{Ll}-]+ ){0,2}\p{Ll}+)$/u.exec(subject)?.[1];
  if (part !== undefined && !topic.isPerson)
    return follows || previous?.text.includes(topic.title) ? ownedBy(part, topic) : undefined;
  return namedSubject(subject, topic);
}

function isTopicName(phrase: string, topic: Topic): boolean {
  const plain = phrase.replace(/^[Tt]he /, "");
  if (plain === topic.title || phrase === topic.title) return true;
  if (topic.isPerson && phrase === topic.title.split(" ").at(-1)) return true;
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
  const isName = !/^\p{Lu}/u.test(first) || topic.mentioned.has(first) || looksLikePerson(text);
  if (isName) return { text, isTopic: false, isPerson: looksLikePerson(text) };
  // "Otters", "Herring from the lake": the capital letter is that of the sentence.
  const isCommon =
    /(?:[^s]s|people|men|women|children)$/i.test(first) && others.every((word) => !/^\p{Lu}/u.test(word));
  return isCommon ? { text: lowerFirst(text), isTopic: false, isPerson: false } : undefined;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
