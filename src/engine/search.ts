import { InputError } from "../base/errors.ts";
import type { SearchHit } from "./api.ts";
import type { EngineParts } from "./parts.ts";

/** The passages that fit a query, best first, without answering anything. */
export async function search(
  parts: EngineParts,
  query: string,
  {
    limit = parts.config.limit,
    signal,
  }: { limit?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<SearchHit[]> {
  if (query.trim() === "") throw new InputError("the query is empty; search for something");
  const hits = await (await parts.retriever()).retrieve(query, limit, { signal });
  const [corpus, encoding] = [await parts.corpus(), await parts.encoding()];
  return hits.map(({ passage, score }) => {
    const { id, title, text } = passage;
    const source = corpus.ordinalOf(id) === undefined ? "" : corpus.documentOf(passage).source;
    return { passage: { id, title, text, source }, score, adapter: encoding.keyOf(id) ?? null };
  });
}
