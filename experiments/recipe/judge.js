// Token F1 of answers by adapters alone, merged in several ways, and shuffled.
import { merge } from "../../dist/adapters/merge.js";
import { mean } from "../../dist/evaluation/summary.js";
import { answerPrompts } from "../../dist/prompts/answer.js";
import { bm25Retriever } from "../../dist/retrieval/bm25.js";
import { buildBm25Index } from "../../dist/retrieval/bm25-index.js";
import { extractAnswer } from "../../dist/text/normalise.js";
import { scoreAnswer } from "../../dist/text/scores.js";

const k = 3;
const kinds = { trained: (one) => one.pairs.slice(0, 5), other: (one) => one.heldOut };

/** Asks the pairs of these passages. */
export function openJudge(generator, corpus) {
  const index = buildBm25Index(corpus.map(({ passage }) => passage));
  const retriever = bm25Retriever({ index, passages: (ordinal) => corpus[ordinal].passage });

  /**
   * F1 of both kinds of questions; `adapterOf` gives the adapter for a question about a passage, `shownFor` the passages in the
   * prompt.
   */
  async function score(adapterOf, shownFor = async () => []) {
    const out = {};
    for (const [kind, pick] of Object.entries(kinds)) {
      const asked = corpus.flatMap(({ passage, ...one }) => pick(one).map((pair) => ({ passage, ...pair })));
      const requests = await Promise.all(
        asked.map(async ({ passage, question }) => {
          const adapter = await adapterOf(passage, question);
          const messages = answerPrompts.messages(question, { passages: await shownFor(question) });
          return { messages, prefix: answerPrompts.prefix, maxTokens: 24, ...(adapter && { adapter }) };
        }),
      );
      const answers = await generator.generateBatch(requests);
      out[kind] = mean(answers.map(({ text }, i) => scoreAnswer(extractAnswer(text), [asked[i].answer]).f1));
    }
    return out;
  }

  function merged(adapters, options, shownFor) {
    return score(async (_, question) => {
      const hits = await retriever.retrieve(question, k);
      return merge(
        hits.map(({ passage }) => adapters.get(passage.id)),
        { ...options, scores: hits.map((hit) => hit.score) },
      );
    }, shownFor);
  }

  const retrieved = async (question) => (await retriever.retrieve(question, k)).map(({ passage }) => passage);

  return {
    closedBook: () => score(async () => undefined),
    /** With the passages in the prompt: without adapters, and by each merge. */
    async combined(adapters, merges) {
      const out = { none: await score(async () => undefined, retrieved) };
      for (const [name, options] of Object.entries(merges))
        out[name] = await merged(adapters, options, retrieved);
      return out;
    },
    /** `merges` are options of `merge` by name. */
    async adapters(adapters, merges) {
      const alone = await score(async ({ id }) => adapters.get(id));
      const rows = {};
      for (const [name, options] of Object.entries(merges)) rows[name] = await merged(adapters, options);
      return { alone, merged: rows };
    },
    /** Every passage with the adapter of another, merged in one way. */
    shuffled: (adapters, options) => merged(shuffle(adapters), options),
  };
}

/** Every passage gets the adapter of another. */
function shuffle(adapters) {
  const entries = [...adapters];
  return new Map(entries.map(([id], i) => [id, entries[(i + 7) % entries.length][1]]));
}
