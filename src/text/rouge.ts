import { splitWhiteSpace } from "./normalise.ts";

/**
 * ROUGE-L F of a summary, in [0, 1], as the Python package `rouge` computes it and LongBench reports it: sentences end
 * at every full stop, words are counted once, and a word is common if the longest common subsequence of any two
 * sentences has it. 0 where either text is empty.
 */
export function rougeL(prediction: string, truth: string): number {
  const [predicted, expected] = [sentencesOf(prediction), sentencesOf(truth)];
  if (predicted.length === 0 || expected.length === 0) return 0;
  const common = new Set<string>();
  for (const sentence of expected)
    for (const candidate of predicted)
      for (const word of commonSubsequence(sentence, candidate)) common.add(word);
  const precision = common.size / new Set(predicted.flat()).size;
  const recall = common.size / new Set(expected.flat()).size;
  return 2 * ((precision * recall) / (precision + recall + 1e-8)); // the package's guard against 0 / 0
}

/** The words of each part between full stops; a part of spaces alone has one word, the empty one. */
function sentencesOf(text: string): string[][] {
  return text
    .split(".")
    .filter((part) => part !== "")
    .map((part) => splitWhiteSpace(part).join(" ").split(" "));
}

/** A longest common subsequence; where several are as long, the one found from the end, skipping words of `b` first. */
function commonSubsequence(a: readonly string[], b: readonly string[]): string[] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j]!;
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      lengths[i * width + j] =
        a[i - 1] === b[j - 1] ? at(i - 1, j - 1) + 1 : Math.max(at(i - 1, j), at(i, j - 1));
  const found: string[] = [];
  for (let i = a.length, j = b.length; i > 0 && j > 0; ) {
    if (a[i - 1] === b[j - 1]) {
      found.push(a[i - 1]!);
      i--;
      j--;
    } else if (at(i - 1, j) > at(i, j - 1)) i--;
    else j--;
  }
  return found.reverse();
}
