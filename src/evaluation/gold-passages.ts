import { takeTurns } from "../base/take-turns.ts";
import type { Passage } from "../corpus/corpus.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import type { Question } from "./questions.ts";
import { supports } from "./support.ts";

/** Passages that are looked at for a supporting text: it finds itself, so the first nearly always fits. */
const textDepth = 5;
/** Passages that are looked at for the question, to know which of an article's suit it best. */
const questionDepth = 100;

/**
 * The passages that support each question, by question id, as far as the dataset names them and the corpus has them, each once.
 * Articles and texts take turns in the dataset's order, each with its passages as the question finds them: the first few are of
 * all articles, however long one is.
 */
export async function goldPassages(
  questions: readonly Question[],
  { passages, retriever }: { passages: Iterable<Passage>; retriever: Retriever },
): Promise<Map<string, Passage[]>> {
  const titles = new Set(questions.flatMap(({ articles }) => articles));
  const byTitle = new Map<string, Passage[]>();
  for (const passage of passages) {
    if (titles.has(passage.title))
      byTitle.set(passage.title, [...(byTitle.get(passage.title) ?? []), passage]);
  }
  const gold = new Map<string, Passage[]>();
  for (const question of questions) {
    const sources = question.articles.map((title) => byTitle.get(title) ?? []);
    if (sources.some(({ length }) => length > 1)) {
      const hits = await retriever.retrieve(question.question, questionDepth);
      const rank = new Map(hits.map(({ passage }, i) => [passage.id, i]));
      const rankOf = ({ id }: Passage) => rank.get(id) ?? questionDepth;
      for (const [i, source] of sources.entries())
        sources[i] = source.toSorted((a, b) => rankOf(a) - rankOf(b));
    }
    for (const context of question.contexts) {
      const hits = context.trim() === "" ? [] : await retriever.retrieve(context, textDepth);
      sources.push(hits.map((hit) => hit.passage));
    }
    const tests = supports(question);
    const found = takeTurns(sources).filter((passage) => tests.some((isSupport) => isSupport(passage)));
    gold.set(question.id, [...new Map(found.map((passage) => [passage.id, passage])).values()]);
  }
  return gold;
}
