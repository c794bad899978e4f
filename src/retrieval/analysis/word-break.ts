/**
 * Word break classes after Unicode Annex 29 (https://www.unicode.org/reports/tr29/) and Technical Standard 51, as
 * Lucene's StandardTokenizer uses them, one letter each:
 *
 * `L` letter, `G` Hangul, `H` Hebrew, `i` letter and pictograph, `N` digit, `d` ASCII digit, `K` Katakana, `I` Han,
 * `R` Hiragana, `S` script written without spaces (Thai, Lao, Khmer, Myanmar, …), `_` connector, `'` single quote,
 * `"` double quote, `m` between letters, `n` between digits, `.` between either, `x` mark or format character,
 * `t` mark of an `S` script, `j` zero-width joiner, `v` emoji and `w` text presentation, `k` keycap, `g` tag,
 * `q` end of tags, `b` # and *, `E` pictograph, `B` pictograph that takes a skin tone, `M` skin tone, `F` half a flag,
 * `-` anything else.
 */
const bmp = new Uint8Array(0x10000);
const astral = new Map<number, number>();
const mark = 0x78; // x

/** The word break classes of a text, one letter for each UTF-16 unit; the second half of a pair counts as a mark. */
export function wordBreakClasses(text: string): string {
  const classes = Buffer.allocUnsafe(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const point = unit >= 0xd800 && unit <= 0xdbff ? (text.codePointAt(i) ?? unit) : unit;
    if (point < 0x10000) {
      classes[i] = bmp[point] || (bmp[point] = classOf(point).charCodeAt(0));
      continue;
    }
    let code = astral.get(point);
    if (code === undefined) astral.set(point, (code = classOf(point).charCodeAt(0)));
    classes[i++] = code;
    classes[i] = mark;
  }
  return classes.toString("latin1");
}

/** Characters whose class is not what their Unicode properties below would give. */
const single = new Map<string, string>();
for (const [name, characters] of [
  ["j", "\u200D"],
  ["v", "\uFE0F"],
  ["w", "\uFE0E"],
  ["k", "\u20E3"],
  ["q", "\u{E007F}"],
  ["'", "'"],
  ['"', '"'],
  ["b", "#*"],
  ["m", ":\u00B7\u0387\u05F4\u2027\uFE13\uFE55\uFF1A"],
  ["n", ",;\u037E\u0589\u060C\u060D\u066C\u07F8\u2044\uFE10\uFE14\uFE50\uFE54\uFF0C\uFF1B"],
  [".", ".\u2018\u2019\u2024\uFE52\uFF07\uFF0E"],
  ["N", "\u066B"],
  ["_", "\u202F"],
  ["K", "\u3031\u3032\u3033\u3034\u3035\u309B\u309C\u30A0\u30FC\uFF70"],
  ["-", "\u200B"],
] satisfies [string, string][])
  for (const character of characters) single.set(character, name);

const withoutSpaces =
  /[\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tai_Le}\p{sc=New_Tai_Lue}\p{sc=Tai_Tham}\p{sc=Tai_Viet}\p{sc=Ahom}]/u;
const letter = /[\p{Alphabetic}\u02C2-\u02C5\u02D2-\u02DF\u02E5-\u02FF\u055A-\u055C\u055E\u058A\u05F3]/u;

/** The rest by Unicode property; the first pattern that fits decides. */
const byProperty: [RegExp, string][] = [
  [/[\u{E0020}-\u{E007E}]/u, "g"],
  [/[0-9]/, "d"],
  [/\p{Nd}/u, "N"],
  [/\p{RI}/u, "F"],
  [/\p{Emoji_Modifier}/u, "M"],
  [/[\p{Grapheme_Extend}\p{Mc}\p{Cf}]/u, "x"],
  [/\p{Pc}/u, "_"],
  [/\p{sc=Katakana}/u, "K"],
  [/\p{sc=Hiragana}/u, "R"],
  [/\p{sc=Han}/u, "I"],
  [/(?=\p{Lo})\p{sc=Hebrew}/u, "H"],
  [/(?=\p{Alphabetic})\p{sc=Hangul}/u, "G"],
  [/(?=\p{Alphabetic})\p{Extended_Pictographic}/u, "i"],
  [letter, "L"],
  [/\p{Emoji_Modifier_Base}/u, "B"],
  [/\p{Extended_Pictographic}/u, "E"],
];

function classOf(point: number): string {
  const character = String.fromCodePoint(point);
  const known = single.get(character);
  if (known) return known;
  const found = byProperty.find(([pattern]) => pattern.test(character))?.[1] ?? "-";
  if (!withoutSpaces.test(character)) return found;
  return found === "x" ? "t" : found === "N" ? "N" : found === "L" ? "S" : found;
}
