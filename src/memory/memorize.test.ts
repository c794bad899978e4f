import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FormatError, InputError, NotFoundError, UnsupportedError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { encodeSafetensors } from "../weights/safetensors.ts";
import { type MemorizeTask, memorize } from "./memorize.ts";
import { openTinyMemory } from "./memory.suite.ts";
import { type Memory, memorySize, rowCount } from "./memory.ts";
import { openMemoryFile } from "./memory-file.ts";
import { type MemorySession, openMemorySession } from "./memory-session.ts";

const random = new Random("memorize");
const text = Array.from({ length: 200 }, () => 20 + random.int(300));
const frame = [{ role: "user" as const, content: "Read this: {text}" }];

describe("memorize", () => {
  let runtime: Runtime;
  let session: MemorySession;
  let tiny: Awaited<ReturnType<typeof openTinyMemory>>;
  let path: string;
  let counter = 0;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    tiny = await openTinyMemory("qwen2-tied");
    session = await openMemorySession(runtime, { ...tiny, name: "tiny" }, { positions: 256 });
  });
  beforeEach(() => {
    path = join(tiny.root, `memory-${counter++}.safetensors`);
  });
  afterAll(async () => {
    await runtime.dispose();
    rmSync(tiny.root, { recursive: true, force: true });
  });
  const run = async (ids: readonly number[], more: Partial<MemorizeTask> = {}) => {
    const file = more.path ?? path;
    await memorize(session, tiny.model.config, { ids, ratio: 4, frame, path: file, ...more });
    return openMemoryFile(file);
  };
  const rowsOf = (memory: Memory) => memory.readRows(0, rowCount(memory.header));
  const distance = (got: Float32Array, wanted: Float32Array) => {
    expect(got.length).toBe(wanted.length);
    return Math.hypot(...got.map((x, i) => x - wanted[i]!)) / Math.hypot(...wanted);
  };

  it("writes a file of the size that was said before, with what it was made from", async () => {
    const { header } = await run(text);
    const size = memorySize(tiny.model.config, { tokens: 200, window: 24, ratio: 4 });
    expect(size).toMatchObject({ entries: 48, fullBytes: 200 * 4 * 192 });
    expect(size.bytes).toBe((48 + 8 + 2) * 4 * 192);
    expect(statSync(path).size).toBe(64 * 1024 + size.bytes);
    expect(header).toEqual({
      ...session.identity,
      layers: 3,
      width: 32,
      window: 24,
      ratio: 4,
      tokens: 200,
      entries: 48,
      openTokens: 8,
      frame,
    });
  });

  it("gives the same when text is appended, at window boundaries and within windows", async () => {
    const whole = await run(text);
    for (const cut of [24, 96, 100, 7]) {
      const first = await run(text.slice(0, cut), { path: `${path}.first` });
      const both = await run(text.slice(cut), { from: first, path: `${path}.both` });
      expect(both.header).toEqual(whole.header);
      expect(distance(await rowsOf(both), await rowsOf(whole))).toBeLessThan(1e-5);
      const old = await first.readRows(0, first.header.entries);
      expect(await both.readRows(0, first.header.entries)).toEqual(old); // not read again
    }
  });

  it("appends at another ratio", async () => {
    const first = await run(text.slice(0, 30), { ratio: 2 });
    const both = await run(text.slice(30), { from: first, ratio: 8, path: `${path}.both` });
    expect(both.header).toMatchObject({ entries: 2 * 12 + 6 * 3, tokens: 200, openTokens: 8, ratio: 8 });
  });

  it("goes on after an end at any window, with the same bytes", async () => {
    await run(text, { path: `${path}.whole` });
    const from = await run(text.slice(0, 30), { path: `${path}.from` });
    await run(text, { from, path: `${path}.appended` });
    for (const begin of [undefined, from]) {
      for (const stop of [1, 3, 8]) {
        const ended = new AbortController();
        let reports = 0;
        const progress = () => {
          if (++reports === stop) ended.abort();
        };
        await expect(run(text, { from: begin, progress, signal: ended.signal })).rejects.toThrow(/abort/i);
        truncateSync(`${path}.part`, statSync(`${path}.part`).size + 5); // and what a kill left half-written
        let first: number | undefined;
        const report = ({ done }: { done: number }) => (first ??= done);
        const memory = await run(text, { from: begin, progress: report });
        expect(first).toBeGreaterThan(24);
        const wanted = await openMemoryFile(`${path}.${begin ? "appended" : "whole"}`);
        expect(memory.header).toEqual(wanted.header);
        expect(distance(await rowsOf(memory), await rowsOf(wanted))).toBeLessThan(1e-5);
      }
    }
  });

  it("begins anew where another text was begun", async () => {
    const ended = new AbortController();
    await expect(run(text, { progress: () => ended.abort(), signal: ended.signal })).rejects.toThrow(
      /abort/i,
    );
    const other = text.map((id) => id + 1);
    const memory = await run(other);
    const wanted = await run(other, { path: `${path}.wanted` });
    expect(await rowsOf(memory)).toEqual(await rowsOf(wanted));
  });

  it("begins anew after a kill between the file's appearance and the removal of its state", async () => {
    const wanted = await run(text, { path: `${path}.wanted` });
    const state = `${path}.part.json`;
    const ended = new AbortController();
    await expect(run(text, { progress: () => ended.abort(), signal: ended.signal })).rejects.toThrow(
      /abort/i,
    );
    const kept = readFileSync(state);
    await run(text);
    writeFileSync(state, kept);
    expect(await rowsOf(await run(text))).toEqual(await rowsOf(wanted));
  });

  it("begins anew after a second kill, while the memory that it goes on from is copied", async () => {
    const from = await run(text.slice(0, 100), { path: `${path}.from` });
    const wanted = await run(text, { from, path: `${path}.wanted` });
    const state = `${path}.part.json`;
    const ended = new AbortController();
    const progress = () => ended.abort();
    await expect(run(text, { from, progress, signal: ended.signal })).rejects.toThrow(/abort/i);
    const kept = readFileSync(state);
    await run(text, { from });
    writeFileSync(state, kept);
    const readRows = async () => {
      throw new Error("killed");
    };
    await expect(run(text, { from: { ...from, readRows } })).rejects.toThrow("killed");
    expect(await rowsOf(await run(text, { from }))).toEqual(await rowsOf(wanted));
  });

  it("writes a memory that can be read, while it is held, after it was deleted", async () => {
    const memory = await run(text);
    const wanted = await rowsOf(memory);
    const held = await memory.hold();
    rmSync(path);
    expect(await rowsOf(held)).toEqual(wanted);
    await held.close();
    await expect(rowsOf(held)).rejects.toThrow(/closed/);
    await expect(memory.hold()).rejects.toThrow(NotFoundError);
  });

  it("refuses an empty text", async () => {
    await expect(run([])).rejects.toThrow(InputError);
  });

  it("refuses files that are no memories, are cut, or lie about their numbers", async () => {
    await run(text);
    const bytes = readFileSync(path);
    const write = (name: string, data: Uint8Array) => {
      const file = `${path}.${name}`;
      writeFileSync(file, data);
      return file;
    };
    const edited = (from: string, to: string) => {
      const copy = Buffer.from(bytes);
      const at = copy.indexOf(from);
      expect(at).toBeGreaterThan(0);
      copy.write(to.padEnd(from.length), at);
      return copy;
    };
    await expect(openMemoryFile(`${path}.none`)).rejects.toThrow(NotFoundError);
    await expect(openMemoryFile(write("cut", bytes.subarray(0, -4)))).rejects.toThrow(FormatError);
    await expect(openMemoryFile(write("short", bytes.subarray(0, 100)))).rejects.toThrow(FormatError);
    await expect(openMemoryFile(write("text", Buffer.from("no memory at all")))).rejects.toThrow(FormatError);
    const empty = encodeSafetensors([{ name: "rows", dtype: "F32", shape: [0], data: new Float32Array(0) }]);
    await expect(openMemoryFile(write("empty", empty))).rejects.toThrow(/is no memory/);
    for (const [from, to] of [
      ['entries\\":48', 'entries\\":49'],
      ['entries\\":48', 'entries\\":-8'],
      ['ratio\\":4', 'ratio\\":5'],
      ['openTokens\\":8', 'openTokens\\":9'],
      ['layers\\":3', 'layers\\":2'],
      ['tokens\\":200', 'tokens\\":"a"'],
    ] as const) {
      await expect(openMemoryFile(write("edited", edited(from, to))), to).rejects.toThrow(FormatError);
    }
    const newer = edited('formatVersion\\":1', 'formatVersion\\":2');
    await expect(openMemoryFile(write("newer", newer))).rejects.toThrow(UnsupportedError);
  });
});
