import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createTurns, finish, type Steps } from "./steps.ts";

/** Counts to `end`, a step of `size` characters for each. */
function* count(end: number, size: number): Steps<number> {
  for (let i = 0; i < end; i++) yield size;
  return end;
}

/** How many turns others have while a task lasts. */
async function turnsDuring(task: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  void task.then(() => (isOver = true));
  for (; !isOver; turns++) await setImmediate();
  return turns;
}

describe("steps", () => {
  it("end with their result, at once or in turns", async () => {
    expect(finish(count(100, 1000))).toBe(100);
    expect(await createTurns()(count(100, 1000))).toBe(100);
  });

  it("let others have a turn within a long work, and between many short ones", async () => {
    expect(await turnsDuring(createTurns()(count(100, 10_000)))).toBeGreaterThan(20);
    const inTurns = createTurns();
    const many = async () => {
      for (let i = 0; i < 100; i++) await inTurns(count(1, 10_000));
    };
    expect(await turnsDuring(many())).toBeGreaterThan(20);
  });

  it("are left when the signal comes", async () => {
    const controller = new AbortController();
    const endless = createTurns(controller.signal)(count(Number.POSITIVE_INFINITY, 1000));
    controller.abort(new Error("enough"));
    await expect(endless).rejects.toThrow("enough");
  });
});
