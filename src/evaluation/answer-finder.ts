import { normaliseAnswer } from "../text/normalise.ts";

/** Whether any of the answers stands in a text as whole words, after normalisation. */
export function containsAnswer(text: string, answers: readonly string[]): boolean {
  const words = ` ${normaliseAnswer(text)} `;
  return answers.some((answer) => {
    const wanted = normaliseAnswer(answer);
    return wanted !== "" && words.includes(` ${wanted} `);
  });
}

/** Whether every accepted answer is a yes or a no. */
export function isClosed(answers: readonly string[]): boolean {
  return answers.length > 0 && answers.every((answer) => /^(yes|no)$/.test(normaliseAnswer(answer)));
}

interface Wanted {
  /** Which question. */
  index: number;
  words: string[];
}

/** Tells for each list of answers whether any of them stands in any of the texts: one pass over all texts. */
export function findAnswers(texts: Iterable<string>, answers: readonly (readonly string[])[]): boolean[] {
  const found = answers.map(() => false);
  let byFirstWord = indexByFirstWord(answers);
  let misses = 0;
  for (const text of texts) {
    const words = normaliseAnswer(text).split(" ");
    for (const [at, word] of words.entries()) {
      for (const wanted of byFirstWord.get(word) ?? []) {
        if (found[wanted.index]) misses++;
        else if (wanted.words.every((one, i) => words[at + i] === one)) found[wanted.index] = true;
      }
    }
    if (misses > 1000) {
      // Common answers are found soon; what is still looked for is little.
      byFirstWord = indexByFirstWord(answers.map((some, i) => (found[i] ? [] : some)));
      misses = 0;
    }
  }
  return found;
}

function indexByFirstWord(answers: readonly (readonly string[])[]): Map<string, Wanted[]> {
  const byFirstWord = new Map<string, Wanted[]>();
  for (const [index, some] of answers.entries()) {
    for (const answer of some) {
      const words = normaliseAnswer(answer).split(" ");
      const first = words[0] ?? "";
      if (first === "") continue;
      const wanted = byFirstWord.get(first);
      if (wanted) wanted.push({ index, words });
      else byFirstWord.set(first, [{ index, words }]);
    }
  }
  return byFirstWord;
}
