import { z } from "zod";
import { answerPhrase } from "../prompts/worked-examples.ts";
import { type Draft, firstSentenceEnd, type Piece, pieceOf } from "./draft.ts";
import { GrowingAnswer, type IterativeParts } from "./growing-answer.ts";
import type { AnswerOptions, MethodEvent } from "./method.ts";

/** Numbers that the methods of DRAGIN's code share. */
export const reAnsweringFields = {
  /** Words or tokens of a query, at most: the last ones. */
  maxQueryTokens: z.int().min(1).default(64),
  /** Passages to retrieve; where absent, the question's or the settings' limit. */
  limit: z.int().min(1).max(1000).optional(),
  /** Retrievals, at most; 0 means no limit. */
  maxRounds: z.int().nonnegative().default(10),
  /** Every draft may have all the tokens of the answer, so that the answer may become longer than they are. */
  exceed: z.boolean().default(false),
  /** A chain of thought that ends without an answer is asked for it, in up to 20 tokens more. */
  completeAnswer: z.boolean().default(false),
};

/** What the authors' code does otherwise. */
export const reAnsweringReference = { maxRounds: 0, exceed: true, completeAnswer: true };

/** Where the methods of DRAGIN's code depart from it, in words. */
export const reAnsweringNotes = [
  "tokens belong to the sentence in which their first visible character stands; the code's offsets lose a token at every border",
  "where nothing is generated with the passages found, the draft stays; the code ends the answer without it",
  "an answer ends where the model ends it by itself; the code asks once more, without the passages",
  "sentences and parts of speech are ours and wink-nlp's, not spaCy's",
];

/** DRAGIN's evaluation cuts answers here: the model has begun another example. */
const stop = ["Question:", "Note:", "#10000000"];

/** What is thought of a draft. */
export interface Judgement {
  reason: string;
  numbers: Record<string, number>;
  /** The first sentence that should not be accepted as it is: where it begins, and what to search for. */
  doubt?: { start: number; query: string } | undefined;
}

/** What tells the methods of this kind apart. */
export interface ReAnswering {
  /** Judges a draft; a doubt with nothing to search for is none. */
  judge(draft: Draft, answer: GrowingAnswer): Promise<Judgement>;
  /** How much is kept of what is generated with the passages found. */
  keeps: "sentence" | "all";
  options: { limit?: number | undefined; maxRounds: number; exceed: boolean; completeAnswer: boolean };
}

/**
 * Drafts the rest of the answer without passages; where a sentence is in doubt, keeps what stands before it, retrieves,
 * and generates on with the passages found; then begins again. The loop of DRAGIN's code, which its FLARE shares.
 */
export async function* answerAgain(
  question: string,
  answerOptions: AnswerOptions,
  { judge, keeps, options, ...parts }: IterativeParts & ReAnswering,
): AsyncGenerator<MethodEvent> {
  const answer = new GrowingAnswer(question, answerOptions, parts);
  const mayGrow = () => (options.exceed ? answer.tokens <= answer.maxTokens : answer.room > 0);
  const room = () => (options.exceed ? answer.maxTokens : answer.room);
  while (mayGrow() && !answer.hasAnswer) {
    const draft = await answer.draft({ maxTokens: room(), stop });
    if (draft.text.trim() === "") break;
    const isSpent = options.maxRounds > 0 && answer.rounds >= options.maxRounds;
    const { reason, numbers, doubt } = isSpent ? spent(options.maxRounds) : await judge(draft, answer);
    yield answer.decide(reason, numbers);
    if (!doubt) {
      const whole = pieceOf(draft);
      yield answer.accept(whole);
      if (whole.isEnd) break;
      continue;
    }
    const kept = pieceOf(draft, doubt.start);
    if (kept.text.trim() !== "") yield answer.accept(kept);
    if (!mayGrow()) break;
    const hits = yield* answer.retrieve(doubt.query, options.limit);
    const passages = hits.map((hit) => hit.passage);
    const again = await answer.draft({ passages, maxTokens: room(), stop });
    let piece = pieceOf(again, keeps === "sentence" ? firstSentenceEnd(again) : undefined);
    if (piece.text.trim() === "") {
      yield answer.decide("nothing was generated with the passages found: what was drafted is accepted");
      piece = restOf(draft, kept);
    }
    yield answer.accept(piece);
    if (piece.isEnd) break;
  }
  if (options.completeAnswer && answer.hasAnswer === false) yield* completeAnswer(answer);
  yield answer.end();
}

/** Puts the phrase that an answer follows, and lets the model go on from there, as DRAGIN's evaluation does. */
async function* completeAnswer(answer: GrowingAnswer): AsyncGenerator<MethodEvent> {
  const lead = ` ${answerPhrase}`;
  const { text, tokens } = pieceOf(await answer.draft({ maxTokens: 20, stop, lead }));
  yield answer.decide("the chain of thought ended without an answer: it is asked for", { tokens });
  if (text.trim() !== "") yield answer.accept({ text: `${lead}${text}`, tokens, isEnd: true });
}

/** The draft behind a piece of it. */
function restOf(draft: Draft, before: Piece): Piece {
  const whole = pieceOf(draft);
  return { ...whole, text: whole.text.slice(before.text.length), tokens: whole.tokens - before.tokens };
}

function spent(maxRounds: number): Judgement {
  return { reason: "no retrieval is left: the rest is accepted", numbers: { maxRounds } };
}
