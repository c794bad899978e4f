import { InputError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import type { QuestionAnswer } from "../corpus/corpus.ts";
import { extractAnswer } from "../text/normalise.ts";
import { scoreAnswer } from "../text/scores.ts";

/** A question that warm-up learns to answer: shortly, or with the reasoning that leads to the answer. */
export interface WarmUpRow {
  question: string;
  /** The gold answer, then other spellings of it. */
  answers: readonly string[];
  /** Ends with "So the answer is …". */
  reasoning?: string | undefined;
}

export interface WarmUpChoice {
  /** Rows at the beginning that are left out, since they are asked in an evaluation. */
  skip: number;
  /** How many of the shuffled rows to take; all if undefined. */
  count?: number | undefined;
  seed: number;
  chainOfThought: boolean;
  /** The prompts end a chain of thought by "So the answer is …" themselves: the rows' own end is left out. */
  addsConclusion?: boolean | undefined;
}

/** What warm-up trains on, and how many rows could not be used. */
export interface WarmUpData {
  pairs: QuestionAnswer[];
  /** Rows whose reasoning is missing or does not lead to the answer. */
  dropped: number;
}

/**
 * Chooses and shuffles the rows, once, by the seed. For chains of thought a row counts where its reasoning, up to the first
 * empty line or the word "Questions", leads to the exact answer, as in the paper's code.
 */
export function chooseWarmUpPairs(
  rows: readonly WarmUpRow[],
  { skip, count, seed, chainOfThought, addsConclusion = false }: WarmUpChoice,
): WarmUpData {
  const rest = rows.slice(skip);
  const usable = rest.flatMap((row) => (chainOfThought ? reasonedPair(row, addsConclusion) : shortPair(row)));
  if (usable.length === 0) {
    throw new InputError(
      `none of ${rest.length} rows (${skip} of ${rows.length} were skipped) can be used${chainOfThought ? '; each needs a "reasoning" that ends with "So the answer is …" and its exact answer' : ""}; take other data, or skip fewer rows`,
    );
  }
  const shuffled = new Random(`warm-up/${seed}`).shuffle(usable);
  return { pairs: shuffled.slice(0, count), dropped: rest.length - usable.length };
}

function shortPair({ question, answers }: WarmUpRow): QuestionAnswer[] {
  const [answer] = answers;
  return answer ? [{ question, answer }] : [];
}

function reasonedPair(
  { question, answers, reasoning = "" }: WarmUpRow,
  addsConclusion: boolean,
): QuestionAnswer[] {
  const whole = (reasoning.trim().split(/\n\s*\n|Questions/)[0] ?? "").trim();
  const end = [...whole.matchAll(/(so )?the answer is/gi)].at(-1)?.index;
  if (end === undefined) return [];
  const said = extractAnswer(whole, { chainOfThought: true });
  const fullAnswer = addsConclusion ? whole.slice(0, end).trim() : whole;
  if (fullAnswer === "") return [];
  return scoreAnswer(said, answers).em === 1 ? [{ question, answer: said, fullAnswer }] : [];
}
