import { stemPorter } from "./analysis/porter-stemmer.ts";
import { type Token, tokenizeStandard } from "./analysis/standard-tokenizer.ts";

/** Turns a text into the terms that are indexed and searched; the same one serves both, so an index records its name. */
export type Analyzer = (text: string) => string[];

/** The 33 words that Lucene's English analyzer leaves out. */
const stopWords = new Set(
  (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they " +
    "this to was will with"
  ).split(" "),
);

const possessive = /['\u2019\uFF07][sS]$/;

/** The English term of a token; empty for a stop word. */
const englishTerm = remember((token: string) => {
  const word = lowerCase(token.replace(possessive, ""));
  return stopWords.has(word) ? "" : stemPorter(word);
});

/** All analyzers by name. */
export const analyzers = {
  /** Lucene's and Elasticsearch's `english`: standard tokens, no possessives, lower case, no stop words, Porter stems. */
  english: (text: string) =>
    tokenizeStandard(text)
      .map((token) => englishTerm(token.text))
      .filter((term) => term !== ""),
  /** For any language: compatibility forms unified, lower case, pairs of neighbours in Chinese and Japanese. */
  unicode: (text: string) => pairNeighbours(tokenizeStandard(text.normalize("NFKC"))).map(lowerCase),
} satisfies Record<string, Analyzer>;

/** The name of an analyzer, as an index records it. */
export type AnalyzerName = keyof typeof analyzers;

/** Every analyzer's name. */
export const analyzerNames = ["english", "unicode"] satisfies AnalyzerName[];

/** Keeps the results of a pure function, as words repeat; forgets all when there are too many. */
function remember(compute: (text: string) => string, limit = 50_000): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    let result = known.get(text);
    if (result !== undefined) return result;
    result = compute(text);
    if (known.size >= limit) known.clear();
    known.set(text, result);
    return result;
  };
}

/** Lower case by Unicode's simple mappings, one character for one, as Lucene does it: no final sigma, no dotted i. */
function lowerCase(text: string): string {
  const lower = text.toLowerCase();
  if (!/[\u0130\u03A3]/.test(text)) return lower;
  return Array.from(text, (character) => (character === "\u0130" ? "i" : character.toLowerCase())).join("");
}

/** Replaces a run of Chinese and Japanese characters by its overlapping pairs; a character alone stays. */
function pairNeighbours(tokens: Token[]): string[] {
  const terms: string[] = [];
  let run: string[] = [];
  let runEnd = -1;
  const flush = () => {
    if (run.length === 1) terms.push(...run);
    for (let i = 1; i < run.length; i++) terms.push(`${run[i - 1]}${run[i]}`);
    run = [];
  };
  for (const { text, start, kind } of tokens) {
    if (kind === "word" || start !== runEnd) flush();
    if (kind === "word") terms.push(text);
    else run.push(...text);
    runEnd = kind === "word" ? -1 : start + text.length;
  }
  flush();
  return terms;
}
