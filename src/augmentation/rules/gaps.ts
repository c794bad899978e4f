import type { QuestionAnswer } from "../../corpus/corpus.ts";
import { lowerFirst, monthPattern as month, monthNames } from "./phrases.ts";
import { isTopicPhrase, looksLikePerson, type Topic } from "./subject.ts";

/** A piece of a sentence that can be asked for: what it is replaced by, and the answer. */
interface Gap {
  start: number;
  end: number;
  word: string;
  answer: string;
}

/** Longer sentences make questions that nobody would ask. */
const maxWords = 32;

/**
 * Questions that are the sentence itself with a word for what is asked in its place: "The mill was built by whom in 1807?".
 * Less like a question than what the other rules make, but every sentence with a name, a number or a date gives some.
 * `speaksOfTopic` tells whether a pronoun at the beginning means the topic.
 */
export function gapsOf(sentence: string, topic: Topic, speaksOfTopic: boolean): QuestionAnswer[] {
  const whole = standAlone(sentence, topic, speaksOfTopic);
  if (whole === undefined) return [];
  return findGaps(whole, topic).map(({ start, end, word, answer }) => {
    const question = `${whole.slice(0, start)}${word}${whole.slice(end)}?`;
    // What names nothing could be asked of many texts.
    const isNamed = namesIn(question, topic).length > 0 || question.includes(topic.name);
    return { question: isNamed ? question : `${topic.name}: ${lowerFirst(question)}`, answer };
  });
}

/** The sentence with its subject named; nothing where it leans on the one before. */
function standAlone(sentence: string, topic: Topic, speaksOfTopic: boolean): string | undefined {
  const plain = shorten(
    sentence
      .replace(/\s*(?:\([^()]*\)|\[[^[\]]*\])/g, "")
      .replace(/[.!]+["”]?$/, "")
      .replace(/["“”]/g, "")
      .replace(/\s+/g, " ")
      .trim(),
  );
  const words = plain.split(" ");
  if (words.length < 4 || words.length > maxWords || plain.includes("?")) return undefined;
  const first = words[0]!;
  if (/^(?:This|That|These|Those|They|Their|Such|However|Therefore|But|And|So|Then|Thus|Also)\b/.test(first))
    return undefined;
  if (/^(?:He|She|It)$/.test(first))
    return speaksOfTopic && isTopicPhrase(first, topic)
      ? [topic.name, ...words.slice(1)].join(" ")
      : undefined;
  if (/^(?:His|Her|Its)$/.test(first))
    return speaksOfTopic ? [`${topic.name}'s`, ...words.slice(1)].join(" ") : undefined;
  const known = [3, 2].find((length) => isTopicPhrase(words.slice(0, length).join(" "), topic));
  return known ? [topic.name, ...words.slice(known)].join(" ") : plain;
}

/** A long sentence up to a comma or semicolon, as far as it may go. */
function shorten(sentence: string): string {
  const first = sentence.split(/;|: /)[0]!;
  const words = first.split(" ");
  if (words.length <= maxWords) return first;
  const kept = words.slice(0, maxWords);
  const end = kept.findLastIndex((word) => word.endsWith(","));
  return end < 6
    ? first
    : kept
        .slice(0, end + 1)
        .join(" ")
        .slice(0, -1);
}

/** What is asked for as a whole, by the words that ask for it; earlier ones first. */
const phrasePatterns: readonly [RegExp, string][] = [
  [new RegExp(`\\b(?:\\d{1,2} ${month}|${month} \\d{1,2},?)(?: \\d{4})?\\b`, "gu"), "which date"],
  [new RegExp(`\\b${month} \\d{4}\\b`, "gu"), "which month"],
  [
    /(?<=\b(?:[Ii]n|[Ss]ince|[Uu]ntil|[Bb]y|[Ff]rom|[Aa]fter|[Bb]efore|to|around) )(?:1\d{3}|20\d{2})\b(?!s|-)/gu,
    "which year",
  ],
  [/\b\d[\d.,]* ?(?:%|percent\b|per cent\b)/gu, "what percentage"],
  [/[$£€] ?\d[\d,]*(?:\.\d+)?(?: (?:thousand|million|billion|trillion)\b)?/gu, "how much"],
];
const number =
  "(?:\\d[\\d,]*(?:\\.\\d+)?|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty)";
const countPattern = new RegExp(
  `(?<![\\d.,$£€] ?)\\b(${number}) (?=(?:\\p{Ll}+ )?(?:\\p{Ll}{2,}s|people|men|women|children)\\b)`,
  "gu",
);
const namePattern =
  /\p{Lu}[\p{L}\p{M}\p{N}.'’&-]*(?: (?:(?:of|the|de|la|van|von|der) ){0,2}\p{Lu}[\p{L}\p{M}\p{N}.'’&-]*)*/gu;

/** What a sentence can be asked for, from left to right, without overlaps. */
function findGaps(sentence: string, topic: Topic): Gap[] {
  const found: Gap[] = [];
  const add = (gap: Gap) => {
    if (found.every(({ start, end }) => gap.end <= start || gap.start >= end)) found.push(gap);
  };
  for (const [pattern, word] of phrasePatterns)
    for (const match of sentence.matchAll(pattern)) add(gapAt(match, word));
  for (const match of sentence.matchAll(countPattern)) {
    const answer = match[1]!;
    add({ start: match.index, end: match.index + answer.length, word: "how many", answer });
  }
  for (const { name, at } of namesIn(sentence, topic))
    add({ start: at, end: at + name.length, word: wordFor(name, sentence, at), answer: name });
  return found.sort((a, b) => a.start - b.start);
}

function gapAt(match: RegExpExecArray, word: string): Gap {
  return { start: match.index, end: match.index + match[0].length, word, answer: match[0].replace(/,$/, "") };
}

const leads =
  /^(?:In|On|At|By|From|With|After|Before|During|Since|Until|For|To|Under|Over|Between|When|While|As|If|The|An?) (?=\p{Lu})/u;

/** Names of a text, that of the topic aside. */
function namesIn(text: string, topic: Topic): { name: string; at: number }[] {
  return [...text.matchAll(namePattern)]
    .map((match) => {
      // "In Grell": the capital letter of the first word is that of the sentence.
      const lead = leads.exec(match[0])?.[0] ?? "";
      return {
        name: match[0].slice(lead.length).replace(/['’]s$|[.,]$/u, ""),
        at: match.index + lead.length,
      };
    })
    .filter(({ name, at }) => isAskable(name, at, topic));
}

/** A name that is not the topic's; a capital letter at the beginning of a sentence makes none. */
function isAskable(name: string, at: number, topic: Topic): boolean {
  if (name.includes(topic.name.replace(/^the /, "")) || name.length < 3) return false;
  const [first = "", ...others] = name.split(" ");
  if (at === 0 && !topic.mentioned.has(first)) return others.length > 0 && looksLikePerson(name);
  return !monthNames.includes(name);
}

function wordFor(name: string, sentence: string, at: number): string {
  if (!looksLikePerson(name)) return at === 0 ? "What" : "what";
  const before = /(\p{L}+) $/u.exec(sentence.slice(0, at))?.[1] ?? "";
  if (at === 0) return "Who";
  return /^(?:by|to|with|for|of|from|after|and|than)$/.test(before) ? "whom" : "who";
}
