/** A word, number or part of a date in the form in which facts are compared. English numbers and dates. */
export interface FactToken {
  /** Lower case without possessive; numbers in digits; units in full; a month by its name. */
  form: string;
  kind: "word" | "number" | "ordinal" | "date";
  /** As it stands in the text. */
  source: string;
  start: number;
  end: number;
  /** Begins with a capital letter. */
  capital: boolean;
  /** First word of a sentence (or of the text): its capital letter means little. */
  opening: boolean;
  /** A comma, bracket or dash stands before it. */
  separated: boolean;
}

/** In lower case, as `form` has them. */
export const months =
  "january february march april may june july august september october november december".split(" ");
const units = words(
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
  1,
);
const tens = words("zero ten twenty thirty forty fifty sixty seventy eighty ninety", 10);
const scales = new Map([
  ["hundred", 100],
  ["dozen", 12],
  ["thousand", 1e3],
  ["million", 1e6],
  ["billion", 1e9],
]);
const ordinals = words(
  "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth",
  1,
);
const unitNames = new Map(
  "km kilometre,kilometer kilometre,meter metre,m metre,cm centimetre,centimeter centimetre,mm millimetre,millimeter millimetre,kg kilogram,kilogramme kilogram,g gram,t tonne,ton tonne,ft foot,feet foot,mi mile,% percent,liter litre,l litre,hr hour,min minute"
    .split(",")
    .map((entry): [string, string] => [entry.split(" ")[0]!, entry.split(" ")[1]!]),
);
const fullUnits = new Set([
  ...unitNames.values(),
  ..."metre mile hour minute second year month week day pound penny crown foot acre hectare degree".split(
    " ",
  ),
]);

function words(list: string, step: number): Map<string, number> {
  return new Map(list.split(" ").map((word, i) => [word, i * step]));
}

const pattern =
  /(\d{4})-(\d{2})-(\d{2})(?!\d)|\d+(?:[.,]\d+)*(?:(?:st|nd|rd|th|s)(?!\p{L}))?|(?:\p{Lu}\.){2,}|[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*|%/gu;

/** One passage is compared with many questions: its tokens are kept while it is worked on. */
const recent = new Map<string, readonly FactToken[]>();
const maxRecent = 64;

/** The tokens of a text: articles left out, number words and dates in one form (day, month, year). */
export function factTokens(text: string): readonly FactToken[] {
  const known = recent.get(text);
  if (known) return known;
  const tokens = rawTokens(text.normalize("NFC")).filter(({ form }) => !articles.has(form));
  const made = orderDates(joinNumbers(tokens));
  for (const oldest of recent.keys()) if (recent.size >= maxRecent) recent.delete(oldest);
  recent.set(text, made);
  return made;
}

const articles = new Set(["a", "an", "the"]);

function rawTokens(text: string): FactToken[] {
  const tokens: FactToken[] = [];
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    const source = found[0];
    const start = found.index;
    const opening = tokens.length === 0 || /[.!?:;\n"“(]/.test(text.slice(end, start));
    const separated = /[,;()–—]/.test(text.slice(end, start));
    const common = { source, start, end: start + source.length, opening, separated };
    end = common.end;
    if (found[1] && Number(found[2]) >= 1 && Number(found[2]) <= 12) {
      const parts = [String(Number(found[3])), months[Number(found[2]) - 1]!, found[1]];
      tokens.push(...parts.map((form): FactToken => ({ ...common, form, kind: "date", capital: false })));
    } else tokens.push({ ...common, ...readToken(source, tokens.at(-1)) });
  }
  return tokens;
}

function readToken(
  source: string,
  before: FactToken | undefined,
): Pick<FactToken, "form" | "kind" | "capital"> {
  const capital = /^\p{Lu}/u.test(source);
  if (/^\d/.test(source)) {
    const plain = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?/.test(source) ? source.replaceAll(",", "") : source;
    if (/\d(?:st|nd|rd|th)$/.test(plain)) return { form: plain, kind: "ordinal", capital };
    return { form: plain, kind: plain.endsWith("s") ? "date" : "number", capital };
  }
  const word = source
    .toLowerCase()
    .replace(/['’]s$/, "")
    .replace(/['’.]/g, "");
  const ordinal = ordinals.get(word);
  if (ordinal) return { form: ordinalForm(ordinal), kind: "ordinal", capital };
  const afterNumber = before?.kind === "number" || (before !== undefined && isNumberWord(before.form));
  const singular = afterNumber ? word.replace(/s$/, "") : word;
  if (afterNumber && unitNames.has(singular))
    return { form: unitNames.get(singular)!, kind: "word", capital };
  return {
    form: fullUnits.has(singular) ? singular : word === "%" ? "percent" : word,
    kind: "word",
    capital,
  };
}

function ordinalForm(n: number): string {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${ending}`;
}

function isNumberWord(form: string): boolean {
  return units.has(form) || tens.has(form) || scales.has(form);
}

/** "two hundred and fifty", "25 million" and "twenty-first" become one token each. */
function joinNumbers(tokens: readonly FactToken[]): FactToken[] {
  const joined: FactToken[] = [];
  for (let i = 0; i < tokens.length; ) {
    const first = tokens[i]!;
    const { length, value, ordinal } = readNumber(tokens, i);
    if (length === 0) joined.push(first);
    else {
      const form = ordinal ? ordinalForm(value) : String(value);
      const last = tokens[i + length - 1]!;
      joined.push({ ...first, form, kind: ordinal ? "ordinal" : "number", end: last.end, capital: false });
    }
    i += Math.max(length, 1);
  }
  return joined;
}

/** The number that begins at token `first`, in words or in digits with a scale; length 0 where nothing is to be joined. */
function readNumber(
  tokens: readonly FactToken[],
  first: number,
): { length: number; value: number; ordinal: boolean } {
  let total = 0;
  let group = 0;
  /** What may follow: any number below the scale, a unit after "twenty", or a scale only. */
  let room: "any" | "unit" | "none" = "any";
  let at = first;
  for (; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (at > first && (token.separated || token.opening)) break;
    const scale = scales.get(token.form);
    const small = units.get(token.form) ?? tens.get(token.form);
    if (token.kind === "number") {
      if (at > first) break;
      [group, room] = [Number(token.form), "none"];
      if (Number.isNaN(group)) return nothing;
    } else if (scale !== undefined) {
      if (at === first && scale >= 1e6) return nothing;
      if (scale < 1000) group = Math.max(group, 1) * scale;
      else [total, group] = [total + Math.max(group, 1) * scale, 0];
      room = "any";
    } else if (small !== undefined && (room === "any" || (room === "unit" && small < 10))) {
      [group, room] = [group + small, small >= 20 ? "unit" : "none"];
    } else if (token.form === "and" && scales.has(tokens[at - 1]?.form ?? "") && isSmall(tokens[at + 1])) {
      room = "any";
    } else break;
  }
  const next = tokens[at];
  const unit = next?.kind === "ordinal" ? Number.parseInt(next.form, 10) : 10;
  if (at > first && room === "unit" && unit < 10)
    return { length: at + 1 - first, value: total + group + unit, ordinal: true };
  const changed = at - first > 1 || (at - first === 1 && tokens[first]!.kind !== "number");
  return changed ? { length: at - first, value: total + group, ordinal: false } : nothing;
}

const nothing = { length: 0, value: 0, ordinal: false };

function isSmall(token: FactToken | undefined): boolean {
  return token !== undefined && (units.has(token.form) || tens.has(token.form));
}

/** Dates as day, month, year, whatever their order was: "March 14, 1931" and "the 14th of March 1931" alike. */
function orderDates(tokens: readonly FactToken[]): FactToken[] {
  const ordered: FactToken[] = [];
  for (let i = 0; i < tokens.length; ) {
    const date = readDate(tokens, i);
    if (date.length === 0) ordered.push(tokens[i]!);
    for (const { token, form } of date.parts) ordered.push({ ...token, form, kind: "date", capital: false });
    i += Math.max(date.length, 1);
  }
  return ordered;
}

interface DatePart {
  token: FactToken;
  form: string;
}

function readDate(tokens: readonly FactToken[], first: number): { length: number; parts: DatePart[] } {
  const of = tokens[first + 1]?.form === "of" ? 1 : 0;
  const dayFirst = partAt(tokens, first, dayOf);
  const monthAfter = dayFirst && partAt(tokens, first + 1 + of, monthOf);
  if (dayFirst && monthAfter) {
    const year = partAt(tokens, first + 2 + of, yearOf);
    return { length: 2 + of + (year ? 1 : 0), parts: [dayFirst, monthAfter, ...(year ? [year] : [])] };
  }
  const month = partAt(tokens, first, monthOf);
  if (!month) return { length: 0, parts: [] };
  const day = partAt(tokens, first + 1, dayOf);
  const year = partAt(tokens, first + (day ? 2 : 1 + of), yearOf);
  if (day) return { length: year ? 3 : 2, parts: [day, month, ...(year ? [year] : [])] };
  return year ? { length: 2 + of, parts: [month, year] } : { length: 0, parts: [] };
}

function partAt(
  tokens: readonly FactToken[],
  at: number,
  read: (token: FactToken) => string | undefined,
): DatePart | undefined {
  const token = tokens[at];
  const form = token && read(token);
  return token && form !== undefined ? { token, form } : undefined;
}

function dayOf({ form, kind }: FactToken): string | undefined {
  if (kind !== "number" && kind !== "ordinal") return undefined;
  const day = kind === "ordinal" ? Number.parseInt(form, 10) : Number(form);
  return Number.isInteger(day) && day >= 1 && day <= 31 ? String(day) : undefined;
}

function monthOf({ form, capital }: FactToken): string | undefined {
  if (!capital) return undefined;
  return months.find(
    (month) => month === form || (form.length >= 3 && form.length <= 4 && month.startsWith(form)),
  );
}

function yearOf({ form, kind }: FactToken): string | undefined {
  return kind === "number" && /^[12]\d{3}$/.test(form) ? form : undefined;
}

/** Whether a token can stand for a year: a number from 1000 to 2999 without a comma, or the year of a date. */
export function isYear({ kind, form, source }: FactToken): boolean {
  return (kind === "number" || kind === "date") && /^[12]\d{3}$/.test(form) && !source.includes(",");
}
