import { wordBreakClasses } from "./word-break.ts";

/** What a token is made of, as far as an analyzer wants to know. */
export type TokenKind = "word" | "han" | "hiragana" | "katakana";

/** A token and where it stands in its text, in UTF-16 units. */
export interface Token {
  text: string;
  start: number;
  kind: TokenKind;
}

/** Longer tokens are cut, as Lucene does by default. */
const maxTokenLength = 255;

// The grammar below is over the letters of `wordBreakClasses`. Lucene takes the longest of all rules that fit; the
// order of alternatives and the look-aheads make the first one that fits the longest within each expression.
const extend = "[xjvwktM]*";
/** Without the presentation selectors, and without a joiner that joins the next pictograph. */
const emojiExtend = "(?:[xktM]|j(?!j*[Ei]))*";
const connector = `_${extend}`;
const katakana = `K${extend}(?:(?:${connector})*K${extend})*`;
const number = `[Nd]${extend}(?:(?:(?:${connector})*|[n.']${extend})[Nd]${extend})*`;
/** A Hebrew letter may be followed by a quote, or be joined to the next by a double quote (geresh, gershayim). */
const hebrew = `H${extend}(?:'${extend}|"${extend}H${extend})`;
const freeLetter = `(?:[LGi]|H(?!${extend}(?:'|"${extend}H)))${extend}`;
const letters = `(?:${freeLetter}|H${extend}(?=[m.]${extend}[LGHi]))(?:(?:${connector})*${freeLetter}|[m.']${extend}[LGHi]${extend})*`;
const run = `(?:${katakana}|(?:${hebrew}|${number}|${letters})+)`;
const word = `(?:${connector})*${run}(?:(?:${connector})+${run})*(?:${connector})*`;

const pictograph = `(?:j*[Ei]${emojiExtend}v?|M${emojiExtend})`;
const keycap = `b[xjktM]*v?k[xjktM]*`;
const flag = `F${extend}F${extend}`;

const emoji = new RegExp(`${pictograph}(?:j${pictograph})*|${keycap}|${flag}`, "y");
const wordOrCharacter = new RegExp(`${word}|(?:[St]${extend})+|[IR]${extend}`, "y");
const katakanaOnly = new RegExp(`^(?:K${extend})+$`);
/** Classes that a token, and that an emoji, may begin with. */
const first = new Set("LGHiNdKIRSt_jbEMF");
const firstOfEmoji = new Set("jbiEMF");

/**
 * The tokens of a text as Lucene's StandardTokenizer cuts them: words and numbers by Unicode Annex 29, runs of Katakana
 * and of scripts without spaces, single Han and Hiragana characters, emoji sequences. Punctuation and spaces fall away.
 */
export function tokenizeStandard(text: string): Token[] {
  const classes = wordBreakClasses(text);
  const tokens: Token[] = [];
  let start = 0;
  while (start < text.length) {
    const end = first.has(classes.charAt(start)) ? tokenEnd(text, classes, start) : start;
    if (end > start)
      tokens.push({ text: text.slice(start, end), start, kind: kindOf(classes.slice(start, end)) });
    start = Math.max(end, start + 1);
  }
  return tokens;
}

/** Where the token that begins at `start` ends; `start` if none begins there. */
function tokenEnd(text: string, classes: string, start: number): number {
  let limit = start + maxTokenLength;
  const last = text.charCodeAt(limit - 1);
  if (last >= 0xd800 && last <= 0xdbff) limit--; // a pair is not cut
  const window = classes.slice(start, limit);
  const emojiLength = firstOfEmoji.has(window.charAt(0)) ? matchLength(emoji, window) : 0;
  return start + Math.max(emojiLength, matchLength(wordOrCharacter, window));
}

function matchLength(pattern: RegExp, classes: string): number {
  pattern.lastIndex = 0;
  return pattern.test(classes) ? pattern.lastIndex : 0;
}

function kindOf(classes: string): TokenKind {
  switch (classes.charAt(0)) {
    case "I":
      return "han";
    case "R":
      return "hiragana";
    case "K":
      return katakanaOnly.test(classes) ? "katakana" : "word";
    default:
      return "word";
  }
}
