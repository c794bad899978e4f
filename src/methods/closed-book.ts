import { type AnsweringParts, generateAnswer } from "./answering.ts";
import type { Method } from "./method.ts";

/** The model alone: no passage, no adapter. What every other method must beat. */
export const closedBook = (parts: AnsweringParts): Method => ({
  name: "closed-book",
  async *answer(question, options = {}) {
    const startedMs = parts.clock();
    yield* generateAnswer(question, options, { ...parts, prepared: { rounds: 0, startedMs } });
  },
});
