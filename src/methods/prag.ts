import type { Adapter } from "../adapters/adapter.ts";
import { type MergeWeights, merge } from "../adapters/merge.ts";
import type { Passage } from "../corpus/corpus.ts";
import type { Hit, Retriever } from "../retrieval/retriever.ts";
import { type AnsweringParts, type Clock, generateAnswer, retrieveFor } from "./answering.ts";
import type { Method, MethodName, PassageUse } from "./method.ts";

/** Finds the adapters of passages: the encoding, or something that encodes what is missing first. */
export interface AdapterLookup {
  keyOf(passageId: string): string | undefined;
  /** One adapter per passage, in the order given; `undefined` where there is none. */
  load(
    passages: readonly Passage[],
    options: { signal?: AbortSignal | undefined },
  ): Promise<(Adapter | undefined)[]>;
}

/** What to do with a retrieved passage that has no adapter: put it into the prompt, or leave it out. */
export type OnMissing = "context" | "skip";

/** How adapters become one. */
export interface MergeSettings {
  weights?: MergeWeights | undefined;
  scale?: number | undefined;
}

export interface PragParts extends AnsweringParts {
  retriever: Retriever;
  adapters: AdapterLookup;
  onMissing?: OnMissing | undefined;
  merge?: MergeSettings | undefined;
}

/**
 * Parametric RAG: retrieve, update, generate. The passages' adapters are merged into the model, and no passage that has
 * one stands in the prompt. Su et al. 2025, section 3.
 */
export const prag = (parts: PragParts): Method => parametric("prag", parts);

/** P-RAG and standard RAG together: adapters merged, and all passages in the prompt as well. */
export const combine = (parts: PragParts): Method => parametric("combine", parts);

function parametric(name: MethodName & ("prag" | "combine"), parts: PragParts): Method {
  const { clock, onMissing = "context" } = parts;
  return {
    name,
    async *answer(question, options = {}) {
      const startedMs = clock();
      const { query, hits, retrievalMs } = await retrieveFor(question, options, parts);
      yield { type: "retrieval", round: 1, query, hits };
      const { adapter, found, loadMs, mergeMs } = await update(hits, parts, options);
      const inPrompt: Passage[] = [];
      for (const [i, { passage }] of hits.entries()) {
        const usedAs = roleOf(found[i] !== undefined, name, onMissing);
        if (usedAs === "context" || usedAs === "both") inPrompt.push(passage);
        yield {
          type: "adapter",
          passageId: passage.id,
          key: found[i] && parts.adapters.keyOf(passage.id),
          usedAs,
        };
      }
      const timings = { retrievalMs, loadMs, mergeMs };
      yield* generateAnswer(question, options, {
        ...parts,
        prepared: { passages: inPrompt, adapter, rounds: 1, startedMs, timings },
      });
    },
  };
}

function roleOf(hasAdapter: boolean, name: "prag" | "combine", onMissing: OnMissing): PassageUse {
  if (name === "combine") return hasAdapter ? "both" : "context";
  if (hasAdapter) return "adapter";
  return onMissing === "context" ? "context" : "skipped";
}

/** Loads and merges the hits' adapters: the paper's "update". */
async function update(
  hits: readonly Hit[],
  { adapters, merge: settings = {}, clock }: PragParts & { clock: Clock },
  { signal }: { signal?: AbortSignal | undefined },
) {
  const start = clock();
  const found = await adapters.load(
    hits.map((hit) => hit.passage),
    { signal },
  );
  const loaded = clock();
  const present = found.flatMap((one, i) => (one ? [{ one, score: hits[i]!.score }] : []));
  const adapter = present.length
    ? merge(
        present.map(({ one }) => one),
        { ...settings, scores: present.map(({ score }) => score) },
      )
    : undefined;
  return { adapter, found, loadMs: loaded - start, mergeMs: clock() - loaded };
}
