import type { Passage } from "../corpus/corpus.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import type { Question } from "./questions.ts";
import { supports } from "./support.ts";

/** Passages that are looked at for a supporting text: it finds itself, so the first nearly always fits. */
const depth = 5;

/**
 * The passages that support each question, by question id, as far as the dataset names them and the corpus has them: in the
 * dataset's order, each once.
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
    const named = question.articles.flatMap((title) => byTitle.get(title) ?? []);
    const similar: Passage[] = [];
    for (const context of question.contexts) {
      const hits = context.trim() === "" ? [] : await retriever.retrieve(context, depth);
      similar.push(...hits.map((hit) => hit.passage));
    }
    const tests = supports(question);
    const found = [...named, ...similar].filter((passage) => tests.some((isSupport) => isSupport(passage)));
    gold.set(question.id, [...new Map(found.map((passage) => [passage.id, passage])).values()]);
  }
  return gold;
}
