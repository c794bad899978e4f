/** Why a piece of a passage stands out. */
export type Mark = "answer" | "query";

/** A piece of a passage; together they are the passage, character by character. */
export interface Piece {
  text: string;
  mark: Mark | undefined;
}

const functionWords = new Set(
  `a an and are as at be been but by can did do does for from had has have he her his how i if in into is it its
   made more most no not of on or our she so than that the their them then there these they this those to was we
   were what when where which who whom whose why will with would you your`.split(/\s+/),
);

/**
 * Cuts a passage where words of the answer or of the query stand. The answer as a phrase comes before its single words;
 * where both ask for a word, the answer has it. Function words stand out only within the answer's phrase.
 */
export function highlight(
  text: string,
  { answer = "", query = "" }: { answer?: string; query?: string },
): Piece[] {
  const marks = new Array<Mark | undefined>(text.length);
  const paint = (words: readonly string[], mark: Mark) => {
    for (const [start, end] of findWords(text, words)) for (let i = start; i < end; i++) marks[i] = mark;
  };
  paint(contentWords(query), "query");
  const phrase = wordsOf(answer).join(" ");
  const phraseHits = phrase && !functionWords.has(phrase) ? findWords(text, [phrase]) : [];
  paint(phraseHits.length ? [phrase] : contentWords(answer), "answer");
  return joinPieces(text, marks);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*/gu) ?? [];
}

function contentWords(text: string): string[] {
  return [...new Set(wordsOf(text))].filter((word) => !functionWords.has(word));
}

/** Where whole words or phrases stand, in any case; spaces of a phrase match any gap between words. */
function findWords(text: string, words: readonly string[]): [number, number][] {
  if (words.length === 0) return [];
  const escaped = words.map((word) =>
    word.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&").replaceAll(" ", "[^\\p{L}\\p{N}]+"),
  );
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${escaped.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  return [...text.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length]);
}

function joinPieces(text: string, marks: readonly (Mark | undefined)[]): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  for (let i = 1; i <= text.length; i++) {
    if (i < text.length && marks[i] === marks[start]) continue;
    pieces.push({ text: text.slice(start, i), mark: marks[start] });
    start = i;
  }
  return pieces;
}
