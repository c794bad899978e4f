import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CapacityError, ConfigError, FormatError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { openTinyMemory } from "./memory.suite.ts";
import { type Memory, memoryOf, rowCount, rowWidth } from "./memory.ts";
import { type MemorySession, openMemorySession } from "./memory-session.ts";

const random = new Random("memory session");
const text = Array.from({ length: 130 }, () => 20 + random.int(300));

/** Reads tokens in the given portions, and what was kept at the end. */
async function read(
  session: MemorySession,
  portions: readonly (readonly number[])[],
  { ratio, memory }: { ratio?: number; memory?: Memory } = {},
) {
  const windows: Float32Array[] = [];
  const maxTokens = portions.flat().length;
  const stream = await session.openStream({
    maxTokens,
    ratio,
    memory,
    keepRaw: true,
    onWindow: async (rows) => {
      windows.push(rows);
    },
  });
  try {
    let logits = new Float32Array(0);
    for (const ids of portions) logits = Float32Array.from(await stream.feed(ids));
    const { entries, openTokens, ratio: lastRatio } = stream;
    return { logits, windows, tail: stream.openRows(), entries, openTokens, ratio: lastRatio };
  } finally {
    await stream.dispose();
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

function expectClose(got: Float32Array, wanted: Float32Array, tolerance = 1e-5): void {
  expect(got.length).toBe(wanted.length);
  const distance = Math.hypot(...got.map((x, i) => x - wanted[i]!)) / Math.hypot(...wanted);
  expect(distance).toBeLessThan(tolerance);
}

describe("a memory stream", () => {
  let runtime: Runtime;
  let session: MemorySession;
  let tiny: Awaited<ReturnType<typeof openTinyMemory>>;
  const memoryFrom = (result: Awaited<ReturnType<typeof read>>, tokens: number): Memory => {
    const { layers, keyValueHeads, headSize } = tiny.model.config;
    const header = {
      ...session.identity,
      layers,
      width: keyValueHeads * headSize,
      window: 24,
      ratio: result.ratio,
      tokens,
      entries: result.entries,
      openTokens: result.openTokens,
      frame: [],
    };
    return memoryOf(header, joined([...result.windows, result.tail]));
  };
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    tiny = await openTinyMemory();
    session = await openMemorySession(runtime, { ...tiny, name: "tiny" }, { positions: 256 });
  });
  afterAll(async () => {
    await runtime.dispose();
    rmSync(tiny.root, { recursive: true, force: true });
  });

  it("gives the same whatever the portions", async () => {
    const whole = await read(session, [text], { ratio: 4 });
    expect(whole).toMatchObject({ entries: 5 * 6, openTokens: 10 });
    for (const cut of [1, 23, 24, 25, 47, 120]) {
      const parts = await read(session, [text.slice(0, cut), text.slice(cut)], { ratio: 4 });
      expectClose(parts.logits, whole.logits);
      expectClose(joined([...parts.windows, parts.tail]), joined([...whole.windows, whole.tail]));
    }
    const single = await read(
      session,
      text.map((id) => [id]),
      { ratio: 4 },
    );
    expectClose(single.logits, whole.logits);
  });

  it("goes on from a memory as if it had never stopped, also within a window and at another ratio", async () => {
    for (const cut of [24, 48, 50, 72]) {
      const before = await read(session, [text.slice(0, cut)], { ratio: 2 });
      const memory = memoryFrom(before, cut);
      const after = await read(session, [text.slice(cut)], { memory });
      const whole = await read(session, [text], { ratio: 2 });
      expectClose(joined([...before.windows, ...after.windows]), joined(whole.windows));
      expectClose(after.logits, whole.logits);
      expectClose(after.tail, whole.tail);
      const other = await read(session, [text.slice(cut)], { memory, ratio: 8 });
      const windows = Math.floor(text.length / 24);
      const kept = Math.ceil(cut / 24); // a window that is under way keeps its ratio
      expect(other.entries).toBe(kept * 12 + (windows - kept) * 3);
    }
  });

  it("refuses a memory whose rows are of another form, and names its file", async () => {
    const memory = memoryFrom(await read(session, [text], { ratio: 4 }), text.length);
    for (const [size, wrong] of [
      ["layers", 2],
      ["width", 4],
      ["window", 48],
    ] as const) {
      const other = { ...memory, path: "/a/file", header: { ...memory.header, [size]: wrong } };
      const opening = session.openStream({ maxTokens: 1, memory: other });
      await expect(opening).rejects.toThrow(FormatError);
      await expect(opening).rejects.toThrow(new RegExp(`/a/file.*${size} ${wrong}`));
    }
    const rows = (await memory.readRows(0, rowCount(memory.header))).fill(Number.NaN);
    const damaged = { ...memoryOf(memory.header, rows), path: "/a/file" };
    await expect(session.openStream({ maxTokens: 1, memory: damaged })).rejects.toThrow("/a/file");
  });

  it("refuses ratios that do not divide the window, other models, damaged rows and texts beyond its positions", async () => {
    for (const ratio of [1, 5, 33, 2.5, 0]) {
      await expect(session.openStream({ maxTokens: 10, ratio })).rejects.toThrow(ConfigError);
    }
    const memory = memoryFrom(await read(session, [text], { ratio: 4 }), text.length);
    const stranger = {
      ...memory,
      header: { ...memory.header, memoryModel: { name: "x", fingerprint: "0" } },
    };
    await expect(session.openStream({ maxTokens: 1, memory: stranger })).rejects.toThrow(/memory model x/);
    const rows = await memory.readRows(0, 40);
    rows[5] = Number.NaN;
    await expect(session.openStream({ maxTokens: 1, memory: memoryOf(memory.header, rows) })).rejects.toThrow(
      FormatError,
    );
    await expect(session.openStream({ maxTokens: 5000, ratio: 2 })).rejects.toThrow(CapacityError);
    expect(rowWidth(memory.header)).toBe(3 * 2 * 32);
  });
});
