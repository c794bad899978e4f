import { stemPorter } from "./porter-stemmer.ts";
import { type Token, tokenizeStandard } from "./standard-tokenizer.ts";

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

/** All analyzers by name. */
export const analyzers = {
  /** Lucene's and Elasticsearch's `english`: standard tokens, no possessives, lower case, no stop words, Porter stems. */
  english: (text: string) =>
    tokenizeStandard(text)
      .map((token) => lowerCase(token.text.replace(possessive, "")))
      .filter((term) => !stopWords.has(term))
      .map(stemPorter),
  /** For any language: compatibility forms unified, lower case, pairs of neighbours in Chinese and Japanese. */
  unicode: (text: string) => pairNeighbours(tokenizeStandard(text.normalize("NFKC"))).map(lowerCase),
} satisfies Record<string, Analyzer>;

/** The name of an analyzer, as an index records it. */
export type AnalyzerName = keyof typeof analyzers;

/** Every analyzer's name. */
export const analyzerNames = ["english", "unicode"] satisfies AnalyzerName[];

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
