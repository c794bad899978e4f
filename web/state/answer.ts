import { type ApiFailure, isAbort, toFailure } from "../api/failure.ts";
import type { AnswerEvent, PassageUse } from "../api/wire.ts";

/** A passage that an answer was looked for in. */
export interface SourceState {
  passageId: string;
  title: string;
  text: string;
  score: number;
  /** Undefined until the method says so. */
  usedAs: PassageUse | undefined;
}

/** What became of one question, as far as it is known. */
export interface AnswerState {
  id: string;
  question: string;
  method: string;
  phase: "waiting" | "asking" | "answering" | "done" | "stopped" | "failed";
  text: string;
  /** The answer within the text. */
  answer: string;
  sources: SourceState[];
  /** Why an iterative method did what it did. */
  decisions: string[];
  usage: { promptTokens: number; generatedTokens: number } | undefined;
  timings: { totalMs: number; firstTokenMs?: number | null | undefined } | undefined;
  failure: ApiFailure | undefined;
}

export type AnswerAction =
  | { type: "asked"; id: string; question: string; method: string }
  | { type: "started"; id: string }
  | { type: "event"; id: string; event: AnswerEvent }
  | { type: "broken"; id: string; error: unknown }
  | { type: "forgotten" };

/** All answers of a page, in the order in which they were asked. */
export function answersReducer(answers: readonly AnswerState[], action: AnswerAction): AnswerState[] {
  if (action.type === "forgotten") return [];
  if (action.type === "asked") return [...answers.filter(({ id }) => id !== action.id), newAnswer(action)];
  return answers.map((one) => (one.id === action.id ? change(one, action) : one));
}

/** Whether nothing more will come. */
export function isSettled({ phase }: Pick<AnswerState, "phase">): boolean {
  return phase === "done" || phase === "stopped" || phase === "failed";
}

function newAnswer({ id, question, method }: { id: string; question: string; method: string }): AnswerState {
  return {
    id,
    question,
    method,
    phase: "waiting",
    text: "",
    answer: "",
    sources: [],
    decisions: [],
    usage: undefined,
    timings: undefined,
    failure: undefined,
  };
}

function change(
  state: AnswerState,
  action: Exclude<AnswerAction, { type: "asked" | "forgotten" }>,
): AnswerState {
  if (isSettled(state)) return state;
  if (action.type === "started") return { ...state, phase: "asking" };
  if (action.type === "event") return fold(state, action.event);
  if (isAbort(action.error)) return { ...state, phase: "stopped" };
  return { ...state, phase: "failed", failure: toFailure(action.error) };
}

function fold(state: AnswerState, event: AnswerEvent): AnswerState {
  switch (event.type) {
    case "retrieval":
      return { ...state, sources: addHits(state.sources, event.hits) };
    case "adapter":
      return {
        ...state,
        sources: state.sources.map((source) =>
          source.passageId === event.passageId ? { ...source, usedAs: event.usedAs } : source,
        ),
      };
    case "decision":
      return { ...state, decisions: [...state.decisions, event.reason] };
    case "text-delta":
      return { ...state, phase: "answering", text: state.text + event.text };
    case "end": {
      const { text, answer, usage, timings } = event;
      return { ...state, phase: "done", text, answer, usage, timings };
    }
    case "error":
      return { ...state, phase: "failed", failure: toFailure(new Error(event.error.message)) };
  }
}

/** A later round of retrieval adds what it finds; a passage that was there keeps its place. */
function addHits(
  sources: readonly SourceState[],
  hits: readonly { passage: { id: string; title: string; text: string }; score: number }[],
): SourceState[] {
  const known = new Set(sources.map(({ passageId }) => passageId));
  const added = hits
    .filter(({ passage }) => !known.has(passage.id))
    .map(({ passage: { id, title, text }, score }) => ({
      passageId: id,
      title,
      text,
      score,
      usedAs: undefined,
    }));
  return [...sources, ...added];
}
