import { useCallback, useEffect, useMemo, useReducer, useRef } from "react";
import type { Client, Question } from "../api/client.ts";
import { ApiFailure, isAbort } from "../api/failure.ts";
import { type AnswerAction, type AnswerState, answersReducer } from "./answer.ts";

/** Asks questions and holds what became of them. */
export interface Answers {
  list: readonly AnswerState[];
  /** Asks one after the other, so that their times can be compared. An answer with the same id is replaced. */
  ask(questions: readonly (Question & { id: string })[]): void;
  /** Ends what is being asked. */
  stop(): void;
  forget(): void;
}

/** The answers of one page; leaving the page does not stop them, closing it does. */
export function useAnswers(client: Client): Answers {
  const [list, dispatch] = useReducer(answersReducer, []);
  const running = useRef<AbortController>(undefined);
  const stop = useCallback(() => running.current?.abort(), []);
  useEffect(() => stop, [stop]);
  const ask = useCallback(
    (questions: readonly (Question & { id: string })[]) => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      void askAll(client, questions, { dispatch, signal: controller.signal });
    },
    [client],
  );
  const forget = useCallback(() => {
    stop();
    dispatch({ type: "forgotten" });
  }, [stop]);
  return useMemo(() => ({ list, ask, stop, forget }), [list, ask, stop, forget]);
}

async function askAll(
  client: Client,
  questions: readonly (Question & { id: string })[],
  { dispatch, signal }: { dispatch: (action: AnswerAction) => void; signal: AbortSignal },
): Promise<void> {
  for (const { id, question, method } of questions) dispatch({ type: "asked", id, question, method });
  for (const { id, ...question } of questions) {
    try {
      signal.throwIfAborted();
      dispatch({ type: "started", id });
      for await (const event of client.ask(question, signal)) dispatch({ type: "event", id, event });
      // After an `end` this changes nothing.
      dispatch({ type: "broken", id, error: new ApiFailure("The answer broke off.", { kind: "offline" }) });
    } catch (error) {
      dispatch({ type: "broken", id, error: signal.aborted && !isAbort(error) ? signal.reason : error });
    }
  }
}
