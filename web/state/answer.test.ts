import { describe, expect, it } from "vitest";
import type { AnswerEvent } from "../api/wire.ts";
import { type AnswerAction, type AnswerState, answersReducer } from "./answer.ts";

const hit = (id: string, score: number) => ({ passage: { id, title: `T${id}`, text: `text ${id}` }, score });
const end: AnswerEvent = {
  type: "end",
  text: " Ada.",
  answer: "Ada",
  usage: { promptTokens: 43, generatedTokens: 2 },
  timings: { totalMs: 21, firstTokenMs: null },
};
const asked: AnswerAction = { type: "asked", id: "1", question: "Who?", method: "prag" };
const fold = (...actions: AnswerAction[]) => actions.reduce<AnswerState[]>(answersReducer, []);
const events = (...list: AnswerEvent[]) =>
  list.map((event): AnswerAction => ({ type: "event", id: "1", event }));

describe("answersReducer", () => {
  it("folds a whole answer", () => {
    const [answer] = fold(
      asked,
      { type: "started", id: "1" },
      ...events(
        { type: "retrieval", query: "Who?", hits: [hit("a", 2), hit("b", 1)] },
        { type: "adapter", passageId: "a", usedAs: "adapter" },
        { type: "text-delta", text: " Ada" },
        { type: "text-delta", text: "." },
        end,
      ),
    );
    expect(answer).toMatchObject({
      phase: "done",
      text: " Ada.",
      answer: "Ada",
      usage: { promptTokens: 43 },
    });
    expect(answer?.sources).toMatchObject([{ passageId: "a", usedAs: "adapter" }, { passageId: "b" }]);
  });

  it("adds what a later round finds, without moving or doubling what is there", () => {
    const [answer] = fold(
      asked,
      ...events(
        { type: "retrieval", query: "1", hits: [hit("a", 2)] },
        { type: "retrieval", query: "2", hits: [hit("b", 9), hit("a", 3)] },
        { type: "decision", reason: "uncertain" },
      ),
    );
    expect(answer?.sources.map(({ passageId }) => passageId)).toEqual(["a", "b"]);
    expect(answer?.decisions).toEqual(["uncertain"]);
  });

  it("tells a stop from a failure, and keeps the text of both", () => {
    const begun = [asked, ...events({ type: "text-delta", text: "Ad" })];
    const stop = new DOMException("", "AbortError");
    expect(fold(...begun, { type: "broken", id: "1", error: stop })[0]).toMatchObject({
      phase: "stopped",
      text: "Ad",
    });
    const failed = fold(...begun, { type: "broken", id: "1", error: new Error("boom") })[0];
    expect(failed).toMatchObject({ phase: "failed", text: "Ad", failure: { message: "boom" } });
    const error = { message: "too long", type: "t", param: null, code: null };
    expect(fold(...begun, ...events({ type: "error", error }))[0]).toMatchObject({ phase: "failed" });
  });

  it("changes nothing after the end, and nothing of other answers", () => {
    const done = fold(asked, ...events(end), { type: "broken", id: "1", error: new Error("late") });
    expect(done[0]?.phase).toBe("done");
    expect(fold(asked, { type: "started", id: "2" })[0]?.phase).toBe("waiting");
  });

  it("asks anew under the same id", () => {
    expect(fold(asked, ...events(end), { ...asked, question: "When?" })).toMatchObject([
      { question: "When?", phase: "waiting", text: "" },
    ]);
    expect(fold(asked, { type: "forgotten" })).toEqual([]);
  });
});
