import type { Passage, QuestionAnswer } from "../corpus/corpus.ts";
import { fitsQuestion } from "./answer-type.ts";
import { type FactToken, factTokens } from "./fact-tokens.ts";
import { answersAnotherFact } from "./relation.ts";
import { answerTokens, isNamePart, isUnspaced, occurrences, supports } from "./support.ts";

/** Why a pair is not trained on. */
export type Rejection =
  | "empty"
  | "too long"
  | "not a question"
  | "yes or no"
  | "answer not in the passage"
  | "answer in the question"
  | "names nothing of the passage"
  | "names something that is not in the passage"
  | "unresolved reference"
  | "wrong type of answer"
  | "another fact"
  | "duplicate";

/** A pair that was left out, and why. */
export interface DroppedPair {
  pair: QuestionAnswer;
  reason: Rejection;
}

const questionWords = new Set("who whom whose what which when where why how".split(" "));
const auxiliaries = new Set(
  "is are was were do does did has have had can could will would should may might am".split(" "),
);
const reference =
  /\b(?:th(?:is|ese|ose)\s+[a-z]|(?:the|this)\s+(?:passage|text|article|paragraph|document|author of the (?:text|passage))\b)/i;
const pronouns = new Set(
  "he she it they him them his her hers its their theirs we us our you your i my".split(" "),
);
const possessives = new Set("his her hers its their theirs".split(" "));
const maxQuestionWords = 40;
const maxAnswerWords = 20;

/** Keeps the pairs that a passage supports; of equal questions the first. */
export function checkPairs(
  pairs: readonly QuestionAnswer[],
  passage: Pick<Passage, "title" | "text">,
): { kept: QuestionAnswer[]; dropped: DroppedPair[] } {
  const kept: QuestionAnswer[] = [];
  const dropped: DroppedPair[] = [];
  const seen = new Set<string>();
  for (const pair of pairs) {
    const key = questionKey(pair.question);
    const reason = seen.has(key) ? "duplicate" : checkPair(pair, passage);
    if (reason) dropped.push({ pair, reason });
    else {
      kept.push(pair);
      seen.add(key);
    }
  }
  return { kept, dropped };
}

/** What two wordings share that are the same question: no case, no punctuation. */
export function questionKey(question: string): string {
  return question
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/**
 * Why a pair is not usable, or nothing if it is: a question that stands alone, and an answer of the right type that the
 * passage gives to it. The rules of wording are for English; other scripts are checked for support and length only.
 */
export function checkPair(
  { question, answer }: QuestionAnswer,
  { title, text }: Pick<Passage, "title" | "text">,
): Rejection | undefined {
  if (question.trim() === "" || answer.trim() === "") return "empty";
  if (question.length > 300 || answer.length > 200) return "too long";
  if (isUnspaced(question) || isUnspaced(answer))
    return supports(text, answer) ? undefined : "answer not in the passage";
  const asked = factTokens(question);
  const answered = answerTokens(answer);
  if (asked.length > maxQuestionWords || answered.length > maxAnswerWords) return "too long";
  return (
    checkWording(question, asked) ??
    checkAnswer(answer, answered, asked) ??
    checkReference(question, asked, { title, text }) ??
    (supports(text, answer) || supports(title, answer) ? undefined : "answer not in the passage") ??
    (fitsQuestion(asked, answered, { answer, text }) ? undefined : "wrong type of answer") ??
    (answersAnotherFact(asked, answered, { title, text }) ? "another fact" : undefined)
  );
}

function checkWording(question: string, asked: readonly FactToken[]): Rejection | undefined {
  const at = asked.findIndex(({ form }) => questionWords.has(form));
  if (auxiliaries.has(asked[0]?.form ?? "")) return "yes or no";
  if (at < 0 || asked.length < 3 || !(question.trim().endsWith("?") || at <= 1)) return "not a question";
  return undefined;
}

function checkAnswer(
  answer: string,
  answered: readonly FactToken[],
  asked: readonly FactToken[],
): Rejection | undefined {
  if (answered.length === 0) return "empty";
  if (/^(?:yes|no|true|false)(?:[,.;!].*)?$/i.test(answer.trim())) return "yes or no";
  const wanted = answered.map(({ form }) => form);
  const forms = asked.map(({ form }) => form);
  const contained = forms.some((_form, start) => wanted.every((form, i) => forms[start + i] === form));
  return contained ? "answer in the question" : undefined;
}

/** A question names at least one thing of the passage, nothing that is not there, and no pronoun before it. */
function checkReference(
  question: string,
  asked: readonly FactToken[],
  { title, text }: Pick<Passage, "title" | "text">,
): Rejection | undefined {
  if (reference.test(question)) return "unresolved reference";
  const known = factTokens(`${title}.\n${text}`);
  const forms = new Set(known.map(({ form }) => form));
  const names = new Set(known.filter(isNamePart).map(({ form }) => form));
  // The first word has a capital letter in any case.
  const isName = (token: FactToken) => isNamePart(token) && (!token.opening || names.has(token.form));
  const foreign = asked.some((token) => (isName(token) || isQuantity(token)) && !forms.has(token.form));
  if (foreign) return "names something that is not in the passage";
  const titleAt = occurrences(asked, factTokens(title))[0]?.start ?? -1;
  const nameAt = titleAt >= 0 ? titleAt : asked.findIndex(isName);
  if (nameAt < 0) return "names nothing of the passage";
  const pronounAt = asked.findIndex((_token, i) => isUnbound(asked, i));
  return pronounAt >= 0 && pronounAt < nameAt ? "unresolved reference" : undefined;
}

/** A pronoun that refers to nothing in its question. */
function isUnbound(asked: readonly FactToken[], at: number): boolean {
  const form = asked[at]?.form ?? "";
  if (!pronouns.has(form)) return false;
  // "How long did it take" speaks of nothing; in "Which man gave his name" the question word is meant.
  if (form === "it" && /^t[ao][ok]+e?s?$/.test(asked[at + 1]?.form ?? "")) return false;
  return !possessives.has(form) || asked.slice(0, at).some((token) => auxiliaries.has(token.form));
}

/** Numbers in words ("which two towns") need not stand in the passage. */
function isQuantity({ kind, source }: FactToken): boolean {
  return (kind === "number" || kind === "date") && /^\d/.test(source);
}
