import { resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openModel } from "../models/open-model.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { type DecodingSession, openDecodingSession } from "./decoding-session.ts";

const modelFolder = resolve(import.meta.dirname, "../../test/parity/fixtures/llama-tied");

/** Rows and lines of each cache tensor that was asked for. */
const caches: { rows: number; lines: number }[] = [];
let runtime: Runtime;
let session: DecodingSession;

beforeAll(async () => {
  const opened = await openRuntime({ threads: 1 });
  runtime = {
    ...opened,
    allocate(dims) {
      for (const [rows, , lines, ...rest] of dims)
        if (rest.length) caches.push({ rows: rows!, lines: lines! });
      return opened.allocate(dims);
    },
  };
  const model = await openModel(modelFolder);
  session = await openDecodingSession(runtime, model, { targetModules: [] });
});
afterAll(() => runtime.dispose());
beforeEach(() => {
  caches.length = 0;
});

const roomOf = () => caches.at(-1)?.rows;

describe("a decoding batch", () => {
  it("makes room for the rows that are there and come next, never for more than it may have", async () => {
    const batch = await session.openBatch([], 0, { rows: 6 });
    await batch.join([undefined], 20);
    await batch.feed([[1, 2, 3]]);
    expect(roomOf()).toBe(1);
    await batch.join([undefined], 20, { coming: 2 });
    await batch.feed([[4, 5]], { from: 1 });
    expect(roomOf()).toBe(4);
    const made = caches.length;
    await batch.join([undefined, undefined], 20);
    await batch.feed([[6], [7]], { from: 2 });
    expect(caches).toHaveLength(made);
    await batch.join([undefined], 20);
    await batch.feed([[8]], { from: 4 });
    expect(roomOf()).toBe(6);
    await expect(batch.join([undefined, undefined], 20)).rejects.toThrow("internal:");
    await batch.dispose();
  });

  it("becomes small again when it was empty", async () => {
    const batch = await session.openBatch([undefined, undefined, undefined], 80);
    await batch.feed(Array.from({ length: 3 }, () => Array.from({ length: 70 }, (_, i) => i + 1)));
    expect(caches.at(-1)).toEqual({ rows: 3, lines: 80 });
    batch.truncate(0);
    await batch.join([undefined], 20);
    await batch.feed([[1, 2, 3]]);
    expect(caches.at(-1)).toEqual({ rows: 1, lines: 20 });
    await batch.dispose();
  });

  it("gives a row the same logits whoever makes the room grow", async () => {
    const alone = await session.openBatch([undefined], 20);
    const wanted = [await alone.feed([[5, 6, 7]]), await alone.feed([[8]])].map(([logits]) =>
      logits!.slice(),
    );
    await alone.dispose();
    const batch = await session.openBatch([], 0, { rows: 8 });
    await batch.join([undefined], 20);
    expect((await batch.feed([[5, 6, 7]]))[0]).toEqual(wanted[0]);
    await batch.join([undefined, undefined, undefined, undefined], 40);
    await batch.feed([[9], [10], [11], [12]], { from: 1 });
    const [logits] = await batch.feed([[8], [], [], [], []]);
    logits!.forEach((logit, i) => {
      expect(Math.abs(logit - wanted[1]![i]!)).toBeLessThan(1e-4);
    });
    await batch.dispose();
  });
});
