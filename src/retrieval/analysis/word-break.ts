/**
 * Word break classes after Unicode Annex 29 (https://www.unicode.org/reports/tr29/) and Technical Standard 51, as
 * Lucene's StandardTokenizer uses them, one letter each:
 *
 * `L` letter, `G` Hangul, `H` Hebrew, `i` letter and pictograph, `N` digit, `d` ASCII digit, `K` Katakana, `I` Han,
 * `R` Hiragana, `S` script written without spaces (Thai, Lao, Khmer, Myanmar, …), `_` connector, `'` single quote,
 * `"` double quote, `m` between letters, `n` between digits, `.` between either, `x` mark or format character,
 * `t` mark of an `S` script, `j` zero-width joiner, `v` emoji and `w` text presentation, `k` keycap, `b` # and *,
 * `E` pictograph, `M` skin tone, `F` half a flag, `-` anything else.
 *
 * Lucene 9.5 follows Unicode 12.1; where a later version changed a character's properties the tables below keep the
 * older ones. Characters added later have the class that their properties give on the Node.js at hand.
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

/** Unicode 12.1's Extended_Pictographic, without the skin tones. */
const pictographs = [
  String.raw`\xA9\xAE\u203C\u2049\u2122\u2139\u2194-\u2199\u21A9\u21AA\u231A\u231B\u2328\u2388\u23CF`,
  String.raw`\u23E9-\u23F3\u23F8-\u23FA\u24C2\u25AA\u25AB\u25B6\u25C0\u25FB-\u25FE\u2600-\u2605`,
  String.raw`\u2607-\u2612\u2614-\u2685\u2690-\u2705\u2708-\u2712\u2714\u2716\u271D\u2721\u2728`,
  String.raw`\u2733\u2734\u2744\u2747\u274C\u274E\u2753-\u2755\u2757\u2763-\u2767\u2795-\u2797\u27A1`,
  String.raw`\u27B0\u27BF\u2934\u2935\u2B05-\u2B07\u2B1B\u2B1C\u2B50\u2B55\u3030\u303D\u3297\u3299`,
  String.raw`\u{1F000}-\u{1F0FF}\u{1F10D}-\u{1F10F}\u{1F12F}\u{1F16C}-\u{1F171}\u{1F17E}\u{1F17F}`,
  String.raw`\u{1F18E}\u{1F191}-\u{1F19A}\u{1F1AD}-\u{1F1E5}\u{1F201}-\u{1F20F}\u{1F21A}\u{1F22F}`,
  String.raw`\u{1F232}-\u{1F23A}\u{1F23C}-\u{1F23F}\u{1F249}-\u{1F3FA}\u{1F400}-\u{1F53D}`,
  String.raw`\u{1F546}-\u{1F64F}\u{1F680}-\u{1F6FF}\u{1F774}-\u{1F77F}\u{1F7D5}-\u{1F7FF}`,
  String.raw`\u{1F80C}-\u{1F80F}\u{1F848}-\u{1F84F}\u{1F85A}-\u{1F85F}\u{1F888}-\u{1F88F}`,
  String.raw`\u{1F8AE}-\u{1F8FF}\u{1F90C}-\u{1F93A}\u{1F93C}-\u{1F945}\u{1F947}-\u{1FFFD}`,
].join("");

/** Scripts written without spaces: Line_Break = Complex_Context. */
const withoutSpaces =
  /[\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tai_Le}\p{sc=New_Tai_Lue}\p{sc=Tai_Tham}\p{sc=Tai_Viet}\p{sc=Ahom}]/u;

/** The class of a character is that of the first pattern that fits. */
const table: [string, RegExp][] = [
  ["j", /\u200D/],
  ["v", /\uFE0F/],
  ["w", /\uFE0E/],
  ["k", /\u20E3/],
  ["'", /'/],
  ['"', /"/],
  ["b", /[#*]/],
  ["m", /[:\xB7\u0387\u05F4\u2027\uFE13\uFE55\uFF1A]/],
  ["n", /[,;\u037E\u0589\u060C\u060D\u066C\u07F8\u2044\uFE10\uFE14\uFE50\uFE54\uFF0C\uFF1B]/],
  [".", /[.\u2018\u2019\u2024\uFE52\uFF07\uFF0E]/],
  ["i", /[\u2139\u24C2\u{1F170}\u{1F171}\u{1F17E}\u{1F17F}]/u],
  ["K", /[\u3031-\u3035\u309B\u309C\u30A0\u30FC\uFF70]/],
  ["L", /[\u05F3\u3005\u303B\uA720\uA721\uA789\uA78A\uAB5B\u{16FE3}]/u],
  ["L", /[\u02C2-\u02C5\u02D2-\u02D7\u02DE\u02DF\u02EC-\u02FF\u055B\u055C\u055E]/],
  [
    "S",
    /[\u109E\u109F\u19DA\u19DE\u19DF\u1AA0-\u1AA6\u1AA8-\u1AAD\uAA77-\uAA79\uAADE\uAADF\u{1173A}\u{1173B}\u{1173F}]/u,
  ],
  ["x", /\u1A7F/],
  ["-", /[\u02D8-\u02DD\u02E5-\u02EB\u055A\u058A\u200B\u3006\u{16FE2}]/u],
  ["d", /[0-9]/],
  ["N", /[\p{Nd}\u066B]/u],
  ["F", /\p{RI}/u],
  ["M", /\p{Emoji_Modifier}/u],
  ["t", new RegExp(`(?=[\\p{Grapheme_Extend}\\p{Mc}])${withoutSpaces.source}`, "u")],
  ["x", /[\p{Grapheme_Extend}\p{Mc}\p{Cf}]/u],
  ["_", /[\p{Pc}\u202F]/u],
  ["K", /\p{sc=Katakana}/u],
  ["R", /\p{sc=Hiragana}/u],
  ["I", /\p{sc=Han}/u],
  ["H", /(?=\p{Lo})\p{sc=Hebrew}/u],
  ["G", /(?=\p{Alphabetic})\p{sc=Hangul}/u],
  ["E", new RegExp(`[${pictographs}]`, "u")],
  ["S", new RegExp(`(?=\\p{Alphabetic})${withoutSpaces.source}`, "u")],
  ["L", /\p{Alphabetic}/u],
];

function classOf(point: number): string {
  const character = String.fromCodePoint(point);
  return table.find(([, pattern]) => pattern.test(character))?.[0] ?? "-";
}
