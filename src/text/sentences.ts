import { finish, type Steps } from "../base/steps.ts";
import { type Span, segments } from "./segments.ts";

const segmenter = new Intl.Segmenter("en", { granularity: "sentence" });

/** Abbreviations whose full stop does not end a sentence, lower case and without it. */
const abbreviations = new Set(
  (
    "dr mr mrs ms messrs prof st mt ft sr jr rev hon gen col maj capt cpt lt cmdr sgt gov sen rep pres supt " +
    "vol fig figs ch sec pp ed eds trans vs viz cf ca approx est dept univ inc ltd co corp bros ave blvd rd " +
    "al jan feb mar apr jun jul aug sep sept oct nov dec"
  ).split(" "),
);

/** Abbreviations before a number alone: "No. 5" goes on, while "no. It is old" answers a question and ends. */
const numberAbbreviations = new Set(["no", "nos"]);

/** Words that begin a sentence far more often than they follow an abbreviation ("… in the U.S. It was …"). */
const opener =
  /^["'“‘(]*(?:The|This|That|These|Those|It|Its|He|She|They|We|You|I|His|Her|Their|Our|In|On|At|By|For|From|With|As|A|An|And|But|So|There|Then|When|While|After|Before|However|Although)\s/;

const lastWord = /(?:^|[\s("'“‘[])((?:\p{L}\.)*\p{L}+)\.[\s\u00A0]*$/u;

/** Whether the text up to a proposed break ends in an abbreviation, an initial or a dotted acronym, seen from what follows. */
function endsInAbbreviation(before: string, after: string): boolean {
  const word = lastWord.exec(before)?.[1];
  if (word === undefined) return false;
  const isInitial = /^\p{Lu}$/u.test(word);
  if (isInitial || word.includes(".")) return true;
  const known = word.toLowerCase();
  return abbreviations.has(known) || (numberAbbreviations.has(known) && /^\s*\d/.test(after));
}

/** Whether a break proposed by the segmenter lies inside a sentence. */
function isInside(before: string, after: string): boolean {
  const brokenLine = /\n[^\S\n]*$/.test(before);
  if (brokenLine)
    return /[^\s.!?。！？…:;]["'”’)\]]*[^\S\n]*\n[^\S\n]*$/.test(before) && /^\s?\p{Ll}/u.test(after);
  return endsInAbbreviation(before, after) && !opener.test(after);
}

/**
 * The sentences of a text as spans that touch one another and cover it, trailing white space included, so that cutting
 * at any of their ends loses nothing. A line break ends a sentence, unless the next line goes on in lower case.
 */
export function sentenceSpans(text: string): Span[] {
  return finish(sentenceSteps(text));
}

/** The same in steps, for long texts. */
export function* sentenceSteps(text: string): Steps<Span[]> {
  const spans: Span[] = [];
  for (const { start, end } of segments(segmenter, text)) {
    const last = spans.at(-1);
    // A window bounds the regular expressions on long sentences.
    const before = last && text.slice(Math.max(last.start, last.end - 40), last.end);
    const segment = text.slice(start, end);
    if (last && before !== undefined && (segment.trim() === "" || isInside(before, segment))) last.end = end;
    else spans.push({ start, end });
    yield end - start;
  }
  return spans;
}

/** The sentences of a text, trimmed. */
export function sentences(text: string): string[] {
  return sentenceSpans(text)
    .map(({ start, end }) => text.slice(start, end).trim())
    .filter((sentence) => sentence !== "");
}
