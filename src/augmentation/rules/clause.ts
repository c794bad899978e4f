import { factTokens, isYear } from "../fact-tokens.ts";
import { isParticiple, readVerb } from "../verbs.ts";

/** A preposition with what it governs: "in Marrowick". */
export interface Adverbial {
  preposition: string;
  phrase: string;
  kind: "time" | "place" | "agent" | "other";
}

/** One statement, taken apart: who, does or is what, when, where. */
export interface Clause {
  subject: string;
  verb: ClauseVerb;
  /** What directly follows the verb: object, or what the subject is said to be. */
  object: string;
  adverbials: Adverbial[];
}

export type ClauseVerb =
  | { kind: "be"; form: string }
  | { kind: "passive"; auxiliary: string; participle: string }
  | { kind: "active"; base: string; form: string; past: boolean };

const prepositions = new Set(
  "in on at by from near to into with for across over under through after before since until during between against towards along around behind beside within without about above below per via onto off up out down among as like".split(
    " ",
  ),
);
/** Where these begin, another statement begins that is not taken apart here. */
const boundaries = new Set(
  "which who whom whose that where when while because although though but so if than whether how why and or not never only even just still yet to".split(
    " ",
  ),
);
const adverbs =
  /^(?:first|also|later|originally|soon|once|again|now|today|already|still|often|always|usually|mostly|mainly|\p{Ll}+ly)$/u;
const be = /^(?:is|are|was|were)$/;
const determiners =
  /^(?:the|a|an|its|his|her|their|one|two|three|four|five|six|seven|eight|nine|ten|\d[\d,.]*|\p{Lu}.*)$/u;
const dateLead =
  /^(In|On|Since|Until|By) ((?:the )?(?:year |early |late |spring of |summer of |autumn of |winter of )*(?:\d{1,2} )?(?:\p{Lu}\p{Ll}+ )?\d{4}),? (.+)$/u;

/**
 * The statements of a sentence that can be taken apart safely; the subject of the first is handed on to "and …".
 * `isTopic` tells which phrases speak of the topic, so that "For years he painted" is understood.
 */
export function clausesOf(sentence: string, isTopic: (phrase: string) => boolean): Clause[] {
  const plain = sentence
    .replace(/\s*\([^()]*\)/g, "")
    .replace(/[.!]+$/, "")
    .replace(/\s+/g, " ")
    .trim();
  if (/[?:;"“”]/.test(plain)) return [];
  const { lead, words } = cutLead(plain, isTopic);
  const first = words[0]?.toLowerCase() ?? "";
  if (prepositions.has(first) || boundaries.has(first)) return [];
  const at = verbAt(words);
  if (at === undefined) return [];
  const adverb = at > 1 && adverbs.test(words[at - 1]!) ? 1 : 0;
  const subject = words.slice(0, at - adverb).join(" ");
  return /,/.test(subject) ? [] : clausesFrom(subject, words.slice(at), lead);
}

/** What stands before the subject: a date, or any adverbial before a mention of the topic. */
function cutLead(
  plain: string,
  isTopic: (phrase: string) => boolean,
): { lead: Adverbial[]; words: string[] } {
  const dated = dateLead.exec(plain);
  if (dated) {
    const lead: Adverbial = { preposition: dated[1]!.toLowerCase(), phrase: dated[2]!, kind: "time" };
    return { lead: [lead], words: dated[3]!.split(" ") };
  }
  const words = plain.replace(/^(?:Today|At first|At last|Later|Now),? /, "").split(" ");
  if (!prepositions.has(words[0]!.toLowerCase())) return { lead: [], words };
  for (let start = 2; start < Math.min(words.length - 2, 8); start++)
    for (let length = 1; length <= 5; length++)
      if (isTopic(words.slice(start, start + length).join(" ")) && isVerbAt(words.slice(start), length)) {
        const phrase = words.slice(1, start).join(" ").replace(/,$/, "");
        return {
          lead: /,/.test(phrase) ? [] : [{ preposition: words[0]!.toLowerCase(), phrase, kind: "other" }],
          words: words.slice(start),
        };
      }
  return { lead: [], words };
}

function isVerbAt(words: readonly string[], at: number): boolean {
  return verbAt(words) === at + (adverbs.test(words[at] ?? "") ? 1 : 0);
}

/** Place of the first finite verb after a subject of at most eight words. */
function verbAt(words: readonly string[]): number | undefined {
  for (let i = 1; i < Math.min(words.length, 9); i++) {
    const word = words[i]!;
    if (boundaries.has(word) && word !== "and") return undefined;
    if (be.test(word) || /^(?:has|had|have)$/.test(word)) return i;
    if (!isFiniteAt(words, i)) continue;
    // "A hut called Last Kettle offers beds", "the house built by Orme stands": a participle before the verb.
    const later = readVerb(word)?.participle ? laterVerb(words, i) : undefined;
    if (later === undefined && readVerb(word)?.participle && words[i + 1] === "by") return undefined;
    return later ?? i;
  }
  return undefined;
}

function isFiniteAt(words: readonly string[], at: number): boolean {
  const verb = /^\p{Ll}+$/u.test(words[at]!) ? readVerb(words[at]!) : undefined;
  if (verb?.past) return true;
  // "The ship sails", but "the works of": a noun if nothing that a verb can govern follows.
  const next = words[at + 1] ?? "";
  return (
    verb?.present === true &&
    (determiners.test(next) ||
      (prepositions.has(next) && next !== "of") ||
      /^\p{Ll}+s$/u.test(next) ||
      next === "")
  );
}

function laterVerb(words: readonly string[], after: number): number | undefined {
  for (let i = after + 1; i < Math.min(words.length, after + 7); i++) {
    const word = words[i]!;
    if (word === "and" || boundaries.has(word) || word.endsWith(",")) return undefined;
    if (
      be.test(word) ||
      (isFiniteAt(words, i) && !readVerb(word)?.participle) ||
      (readVerb(word)?.present && isFiniteAt(words, i))
    )
      return i;
  }
  return undefined;
}

function clausesFrom(subject: string, words: readonly string[], lead: Adverbial[]): Clause[] {
  const group = readGroup(words);
  if (!group) return [];
  const { rest, following } = cutRest(words.slice(group.length));
  const reduced =
    group.verb.kind === "be"
      ? rest.findIndex((word, i) => i > 1 && readVerb(word)?.participle && isAdjunct(rest[i + 1]))
      : -1;
  const parts = partsOf(reduced > 0 ? rest.slice(0, reduced) : rest, group.verb.kind === "passive");
  const first: Clause = {
    subject,
    verb: group.verb,
    object: parts.object,
    adverbials: [...parts.adverbials, ...lead],
  };
  // "is a clock built by Orme": what the clock is, and who built it.
  const built = reduced > 0 ? clausesFrom(subject, ["was", ...rest.slice(reduced)], []) : [];
  const next = following && nextClause(first, following);
  return [first, ...built, ...(next ? clausesFrom(subject, next, []) : [])];
}

function isAdjunct(word: string | undefined): boolean {
  return word !== undefined && prepositions.has(word);
}

/** The words of another statement about the same subject, with its verb first. */
function nextClause(first: Clause, following: readonly string[]): readonly string[] | undefined {
  const [joint = "", ...words] = following;
  if (joint === "and") return words;
  if (first.verb.kind !== "be" || !/^an? /.test(first.object)) return undefined;
  // "a film director, born in Ulmarch"
  if (joint === ",")
    return readVerb(words[0] ?? "")?.participle && isAdjunct(words[1]) ? ["was", ...words] : undefined;
  // "a river in Ostrevia that is …": a name takes no such clause, so it speaks of the river.
  const last = first.adverbials.at(-1);
  return !last || /^\p{Lu}/u.test(last.phrase) ? words : undefined;
}

/** The verb with its auxiliary and adverbs, and how many words they are. */
function readGroup(words: readonly string[]): { verb: ClauseVerb; length: number } | undefined {
  const first = words[0]!;
  const skipped = words.slice(1).findIndex((word) => !adverbs.test(word));
  if (skipped < 0 && words.length > 1) return undefined;
  const next = words[1 + skipped] ?? "";
  if (be.test(first)) {
    if (!isParticiple(next.replace(/,$/, "")))
      return { verb: { kind: "be", form: first }, length: 1 + skipped };
    if (next.endsWith(",")) return undefined;
    return { verb: { kind: "passive", auxiliary: first, participle: next }, length: 2 + skipped };
  }
  const verb = readVerb(first);
  if (!verb || (!verb.past && !verb.present)) return undefined;
  if (next === "to" || next === "been") return undefined;
  if (verb.base === "have" && readVerb(next)?.participle)
    return { verb: { kind: "passive", auxiliary: first, participle: next }, length: 2 + skipped };
  return {
    verb: { kind: "active", base: verb.base, form: first, past: verb.past },
    length: 1 + Math.max(skipped, 0),
  };
}

/**
 * What belongs to the statement, up to a comma or boundary. `following` begins with what joins the next one to it:
 * "and", "that" or a comma.
 */
function cutRest(words: readonly string[]): { rest: string[]; following?: readonly string[] } {
  const rest: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const next = words[i + 1] ?? "";
    if (word === "and") {
      const verb = readVerb(next);
      if (be.test(next) || verb?.past || (verb?.present && isFiniteAt(words, i + 1)))
        return { rest, following: words.slice(i) };
      const another = readVerb(words[i + 2] ?? "");
      if (another?.past || another?.present || be.test(words[i + 2] ?? "")) return { rest };
    } else if (/^(?:that|which)$/.test(word)) return { rest, following: words.slice(i) };
    else if (beginsClause(words, i)) return { rest };
    else if (boundaries.has(word) && !(word === "to" && determiners.test(next))) return { rest };
    // "a dark, heavy bread"
    const isAdjective =
      rest.length === 1 && /^an?$/.test(rest[0]!) && /^\p{Ll}+$/u.test(next) && !readVerb(next);
    if (word.endsWith(",") && !isAdjective && !/^\d{4},?$/.test(next)) {
      const bare = [...rest, word.slice(0, -1)];
      if (/^(?:which|and)$/.test(next))
        return {
          rest: bare,
          ...(be.test(words[i + 2] ?? "") || readVerb(words[i + 2] ?? "")?.past
            ? { following: words.slice(i + 1) }
            : {}),
        };
      if (!isList(words.slice(i + 1))) return { rest: bare, following: [",", ...words.slice(i + 1)] };
    }
    rest.push(word);
  }
  return { rest };
}

/** "after a shepherd found silver": no adverbial but another statement. */
function beginsClause(words: readonly string[], at: number): boolean {
  if (!/^(?:after|before|since|until|as|like)$/.test(words[at]!)) return false;
  return words.slice(at + 2, at + 7).some((word, i) => be.test(word) || isFiniteAt(words, at + 2 + i));
}

/** "timber and people" after "coffee,": short items up to "and", no verb among them. */
function isList(words: readonly string[]): boolean {
  const and = words.indexOf("and");
  if (and <= 0 || and > 6 || words[and - 1]!.endsWith(",")) return false;
  return !words
    .slice(0, and + 2)
    .some((word) => word === "of" || be.test(word) || prepositions.has(word) || readVerb(word)?.past);
}

/** Object and adverbials; "of" stays with its noun. */
function partsOf(words: readonly string[], passive: boolean): { object: string; adverbials: Adverbial[] } {
  const starts = words.flatMap((word, i) => (prepositions.has(word) ? [i] : []));
  const object = words.slice(0, starts[0] ?? words.length).join(" ");
  const adverbials = starts.map((start, i): Adverbial => {
    const preposition = words[start]!;
    const whole = words.slice(start + 1, starts[i + 1] ?? words.length).join(" ");
    const lasting = whole.replace(/ (?:every|each) .*$/, "");
    // "in 1939 of lung disease"
    const phrase =
      /^(?:the year )?(?:\d{1,2} )?(?:\p{Lu}\p{Ll}+ )?[12]\d{3}(?= \p{Ll})/u.exec(lasting)?.[0] ?? lasting;
    return { preposition, phrase, kind: kindOf(preposition, phrase, passive) };
  });
  return { object, adverbials };
}

function kindOf(preposition: string, phrase: string, passive: boolean): Adverbial["kind"] {
  if (isTime(phrase)) return "time";
  if (preposition === "by" && passive) return "agent";
  const name =
    /^(?:the )?\p{Lu}/u.test(phrase) ||
    (/^(?:in|at|on)$/.test(preposition) && /^(?:the|an?) (?:[\p{Ll}-]+ )+of (?:the )?\p{Lu}/u.test(phrase));
  return name && /^(?:in|at|near|on)$/.test(preposition) ? "place" : "other";
}

/** Whether a phrase is nothing but a date or year. */
export function isTime(phrase: string): boolean {
  const tokens = factTokens(phrase.replace(/^(?:the )?year /, ""));
  return tokens.length > 0 && tokens.every((token) => token.kind === "date" || isYear(token));
}

/**
 * The parts of a sentence that are sentences of their own: "Born in Grenn, she was …" tells a birth first, and
 * ", and its deepest point is …" has its own subject.
 */
export function splitSentence(sentence: string): string[] {
  const parts = sentence
    .replace(/[.!]+$/, "")
    // "Lucan Birtwell, a rich amateur, founded it"
    .replace(/^(\p{Lu}[\p{L} ]+), (?:an?|the) [^,]+, (?=\p{Ll})/u, "$1 ")
    .split(/, (?:and|but) (?=(?:its|his|her|it|he|she|the)\b)/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1));
  const [first = "", ...others] = parts;
  const found = /^(\p{Lu}\p{Ll}+) (\p{Ll}+) ([^,]+), (.+)$/u.exec(first);
  if (!found || !readVerb(found[1]!)?.participle || !prepositions.has(found[2]!)) return parts;
  const words = found[4]!.split(" ");
  const at = verbAt(words);
  if (at === undefined) return others;
  const subject = words.slice(0, at).join(" ");
  const main = found[4]!.charAt(0).toUpperCase() + found[4]!.slice(1);
  return [
    `${main.slice(0, subject.length)} was ${found[1]!.toLowerCase()} ${found[2]} ${found[3]}`,
    main,
    ...others,
  ];
}
