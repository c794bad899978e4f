/** `[suffix, replacement]`; of the rules of a step only the first whose suffix fits is tried. */
type Rules = [suffix: string, replacement: string][];

const doubleSuffixes: Rules = [
  ["ational", "ate"],
  ["tional", "tion"],
  ["enci", "ence"],
  ["anci", "ance"],
  ["izer", "ize"],
  ["bli", "ble"], // the paper has "abli"; Porter's own programs and Lucene have this
  ["alli", "al"],
  ["entli", "ent"],
  ["eli", "e"],
  ["ousli", "ous"],
  ["ization", "ize"],
  ["ation", "ate"],
  ["ator", "ate"],
  ["alism", "al"],
  ["iveness", "ive"],
  ["fulness", "ful"],
  ["ousness", "ous"],
  ["aliti", "al"],
  ["iviti", "ive"],
  ["biliti", "ble"],
  ["logi", "log"], // not in the paper, in Porter's own programs and Lucene
];

const furtherSuffixes: Rules = [
  ["icate", "ic"],
  ["ative", ""],
  ["alize", "al"],
  ["iciti", "ic"],
  ["ical", "ic"],
  ["ful", ""],
  ["ness", ""],
];

/** Dropped where the stem is long enough; "ion" has a condition of its own. */
const lastSuffixes =
  "al ance ence er ic able ible ant ement ment ent sion tion ou ism ate iti ous ive ize".split(" ");

/**
 * The stem of a lower-case English word by Porter's algorithm, with the two departures that Porter's own programs and
 * Lucene share (https://tartarus.org/martin/PorterStemmer/). Words of one or two letters stay.
 */
export function stemPorter(word: string): string {
  if (word.length < 3) return word;
  let stem = dropPlural(word);
  stem = dropPast(stem);
  if (stem.endsWith("y") && hasVowel(stem.slice(0, -1))) stem = `${stem.slice(0, -1)}i`;
  stem = replaceSuffix(stem, doubleSuffixes);
  stem = replaceSuffix(stem, furtherSuffixes);
  return dropFinal(dropLastSuffix(stem));
}

/** Consonants and vowels of a word as `c` and `v`; "y" is a vowel after a consonant. */
function soundsOf(word: string): string {
  let sounds = "";
  for (let i = 0; i < word.length; i++) {
    const letter = word.charAt(i);
    const isVowel = letter === "y" ? i > 0 && sounds.charAt(i - 1) === "c" : "aeiou".includes(letter);
    sounds += isVowel ? "v" : "c";
  }
  return sounds;
}

/** Porter's m: how often a vowel is followed by a consonant. */
function measure(stem: string): number {
  const sounds = soundsOf(stem);
  let count = 0;
  for (let i = 1; i < sounds.length; i++) if (sounds[i] === "c" && sounds[i - 1] === "v") count++;
  return count;
}

function hasVowel(stem: string): boolean {
  return soundsOf(stem).includes("v");
}

function endsInDoubleConsonant(word: string): boolean {
  return word.length > 1 && word.at(-1) === word.at(-2) && soundsOf(word).endsWith("c");
}

/** Porter's *o: ends in consonant, vowel, consonant, the last not w, x or y. */
function endsShort(word: string): boolean {
  return soundsOf(word).endsWith("cvc") && !/[wxy]$/.test(word);
}

function dropPlural(word: string): string {
  if (word.endsWith("sses") || word.endsWith("ies")) return word.slice(0, -2);
  return word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word;
}

function dropPast(word: string): string {
  if (word.endsWith("eed")) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const suffix = word.endsWith("ed") ? "ed" : word.endsWith("ing") ? "ing" : undefined;
  if (suffix === undefined) return word;
  const stem = word.slice(0, -suffix.length);
  if (!hasVowel(stem)) return word;
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (endsInDoubleConsonant(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem;
}

function replaceSuffix(word: string, rules: Rules): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (!rule) return word;
  const stem = word.slice(0, -rule[0].length);
  return measure(stem) > 0 ? stem + rule[1] : word;
}

function dropLastSuffix(word: string): string {
  const suffix = lastSuffixes.find((candidate) => word.endsWith(candidate));
  if (suffix === undefined) return word;
  const isIon = suffix === "sion" || suffix === "tion";
  const stem = word.slice(0, isIon ? -3 : -suffix.length);
  return measure(stem) > 1 ? stem : word;
}

function dropFinal(word: string): string {
  const m = measure(word);
  let stem = word;
  if (word.endsWith("e") && (m > 1 || (m === 1 && !endsShort(word.slice(0, -1))))) stem = word.slice(0, -1);
  return stem.endsWith("ll") && m > 1 ? stem.slice(0, -1) : stem;
}
