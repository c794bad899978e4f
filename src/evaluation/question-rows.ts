import { canonicalJson, sha256 } from "../base/hash.ts";
import { noProgress, type Progress } from "../base/progress.ts";
import type { Passage } from "../corpus/corpus.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { containsAnswer, findAnswers, isClosed } from "./answer-finder.ts";
import type { Question } from "./questions.ts";
import type { QuestionRow } from "./run-format.ts";
import { supports } from "./support.ts";

/** Names a question with its answers, where its text must not be told. */
export function questionHash({ question, answers }: Pick<Question, "question" | "answers">): string {
  return sha256(canonicalJson({ question, answers })).slice(0, 16);
}

/** What rows are made from: nothing where no method retrieves. */
export interface RetrievalParts {
  retriever: Retriever;
  /** All passages, for the share of questions whose answer can be found at all. */
  passages: Iterable<Passage>;
  /** How many passages are looked at. */
  depth: number;
  progress?: Progress | undefined;
  signal?: AbortSignal | undefined;
}

/** Retrieves for every question, and looks for the answers in the corpus. */
export async function createQuestionRows(
  questions: readonly Question[],
  parts: RetrievalParts | undefined,
): Promise<QuestionRow[]> {
  const answers = questions.map((question) => question.answers);
  const inCorpus = parts && findAnswers(textsOf(parts.passages), answers);
  const rows: QuestionRow[] = [];
  for (const [i, question] of questions.entries()) {
    parts?.signal?.throwIfAborted();
    rows.push({
      id: question.id,
      hash: questionHash(question),
      type: question.type,
      isClosed: isClosed(question.answers),
      answerInCorpus: inCorpus?.[i] ?? null,
      ...(parts ? await retrieveFor(question, parts) : { retrieved: [], answerRank: null, supportRanks: [] }),
    });
    const { progress = noProgress } = parts ?? {};
    progress({ task: "retrieve", done: i + 1, total: questions.length });
  }
  return rows;
}

function* textsOf(passages: Iterable<Passage>): Generator<string> {
  for (const { title, text } of passages) yield `${title}\n${text}`;
}

async function retrieveFor(
  question: Question,
  { retriever, depth }: RetrievalParts,
): Promise<Pick<QuestionRow, "retrieved" | "answerRank" | "supportRanks">> {
  const passages = (await retriever.retrieve(question.question, depth)).map((hit) => hit.passage);
  const rankOf = (isWanted: (passage: Passage) => boolean) => passages.findIndex(isWanted) + 1 || null;
  return {
    retrieved: passages.map(({ id }) => id),
    answerRank: rankOf(({ title, text }) => containsAnswer(`${title}\n${text}`, question.answers)),
    supportRanks: supports(question).map((isSupport) => rankOf(isSupport)),
  };
}
