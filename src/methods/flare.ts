import { z } from "zod";
import type { Hit } from "../retrieval/retriever.ts";
import { retrievalQuery } from "./answering.ts";
import { type Draft, firstSentenceEnd, needProbabilities, type Piece, pieceOf } from "./draft.ts";
import { GrowingAnswer, type IterativeParts } from "./growing-answer.ts";
import type { Method } from "./method.ts";

/** The numbers of FLARE; the defaults are those of its code for 2WikiMultihopQA. */
export const flareOptions = z.strictObject({
  /** Retrieve when a token of the sentence ahead is no likelier than this; 0 means always. */
  theta: z.number().min(0).max(1).default(0.8),
  /** Tokens of the sentence ahead that are no likelier than this are left out of the query. */
  beta: z.number().min(0).max(1).default(0.4),
  /** Tokens of the look ahead, at most. */
  lookAheadTokens: z.int().min(1).max(1024).default(64),
  /** Tokens of a query, at most: the last ones. */
  maxQueryTokens: z.int().min(1).default(64),
  /** Passages to retrieve; where absent, the question's or the settings' limit. */
  limit: z.int().min(1).max(1000).optional(),
  /** Passages found for the question stay in front of those found later. */
  keepFirst: z.boolean().default(false),
  /** Retrievals, at most; 0 means no limit. */
  maxRounds: z.int().nonnegative().default(10),
});
export type FlareOptions = z.infer<typeof flareOptions>;

/** What the authors' code does otherwise. */
export const flareReference = { maxRounds: 0, limit: 2 };

/** Where this departs from the authors' code, in words. */
export const flareNotes = [
  "passages stand in the prompts of all other methods, in chat form; worked examples show no retrieved passages",
  "where nothing is generated with the passages found, the sentence ahead stays; the code ends the answer without it",
  "the look ahead is no longer than what may still be said",
  "a sentence that needs no retrieval is taken from the look ahead and not generated a second time, which is the same text",
  "sentences are ours, not those of NLTK's Punkt",
];

/** The code of FLARE ends an answer at a blank line. */
const stop = ["\n\n"];

/**
 * Forward-looking active retrieval: the next sentence is generated as a look ahead; where the model doubts one of its
 * tokens, the sentence without its doubtful tokens is the query, and the sentence is generated anew with what was found.
 * Jiang et al. 2023, section 3.2, masked queries.
 */
export const flare = (parts: IterativeParts & { options?: Partial<FlareOptions> | undefined }): Method => {
  const options = flareOptions.parse(parts.options ?? {});
  return {
    name: "flare",
    async *answer(question, answerOptions = {}) {
      const answer = new GrowingAnswer(question, answerOptions, parts);
      const first = yield* answer.retrieve(retrievalQuery(question, answerOptions.history), options.limit);
      let found = first;
      while (answer.room > 0) {
        const maxTokens = Math.min(options.lookAheadTokens, answer.room);
        const ahead = await answer.draft({ passages: shown(found), maxTokens, stop });
        if (ahead.text.trim() === "") break;
        needProbabilities(ahead, { method: "flare", model: parts.generator.model });
        let piece = firstSentence(ahead);
        const { query, ...decision } = decide(ahead, options, answer.rounds);
        yield answer.decide(decision.reason, decision.numbers);
        if (query !== "") {
          const later = yield* answer.retrieve(query, options.limit);
          found = options.keepFirst ? [...first, ...later.filter((hit) => isNew(hit, first))] : later;
          const again = firstSentence(await answer.draft({ passages: shown(found), maxTokens, stop }));
          if (again.text.trim() !== "") piece = again;
          else
            yield answer.decide(
              "nothing was generated with the passages found: the sentence ahead is accepted",
            );
        }
        yield answer.accept(piece);
        if (piece.isEnd) break;
      }
      yield answer.end();
    },
  };
};

function shown(hits: readonly Hit[]) {
  return hits.map((hit) => hit.passage);
}

function isNew({ passage }: Hit, hits: readonly Hit[]): boolean {
  return hits.every((hit) => hit.passage.id !== passage.id);
}

function firstSentence(draft: Draft): Piece {
  return pieceOf(draft, firstSentenceEnd(draft));
}

/** Whether to retrieve before the sentence ahead is accepted, and with which query; an empty one means no. */
function decide(
  draft: Draft,
  { theta, beta, maxQueryTokens, maxRounds }: FlareOptions,
  rounds: number,
): { query: string; reason: string; numbers: Record<string, number> } {
  const end = firstSentenceEnd(draft);
  const tokens = draft.tokens.filter(({ start }) => start < end);
  const probabilities = tokens.map(({ logProbability }) => Math.exp(logProbability));
  const numbers = { least: Math.min(1, ...probabilities), theta, beta };
  if (theta > 0 && numbers.least > theta)
    return { query: "", reason: "sure of the sentence ahead: it is accepted", numbers };
  if (maxRounds > 0 && rounds >= maxRounds)
    return { query: "", reason: "in doubt, but no retrieval is left", numbers: { ...numbers, maxRounds } };
  const texts = draft.tokens.map(({ text, start }) => text.slice(0, Math.max(0, end - start)));
  const kept = tokens.map((_token, i) => (probabilities[i]! <= beta ? " " : texts[i]!));
  const query = kept.slice(-maxQueryTokens).join("").trim();
  const masked = probabilities.filter((probability) => probability <= beta).length;
  const counted = { ...numbers, tokens: tokens.length, masked };
  return query === ""
    ? {
        query,
        reason: "in doubt of every word of the sentence ahead: nothing to search for",
        numbers: counted,
      }
    : { query, reason: "in doubt of the sentence ahead: its sure words are the query", numbers: counted };
}
