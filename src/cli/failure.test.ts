import { describe, expect, it } from "vitest";
import {
  CapacityError,
  ConfigError,
  type EngineError,
  FormatError,
  InputError,
  NotFoundError,
  RemoteError,
  ShapeError,
  UnsupportedError,
} from "../base/errors.ts";
import { ReportedFailure, reportFailure } from "./failure.ts";
import { Interrupted, listenForInterrupt } from "./interrupt.ts";
import { createTerminal } from "./terminal.ts";

function report(error: unknown, { json = false, signal = new AbortController().signal } = {}) {
  const written = { out: "", err: "" };
  const terminal = createTerminal(
    { write: (text) => (written.out += text) },
    { write: (text) => (written.err += text) },
    {},
  );
  const exitCode = reportFailure(error, { terminal, json, signal });
  return { exitCode, ...written };
}

const kinds: [EngineError, number][] = [
  [new ConfigError("m"), 2],
  [new InputError("m"), 2],
  [new FormatError("m", { path: "p" }), 3],
  [new NotFoundError("m"), 4],
  [new UnsupportedError("m"), 5],
  [new ShapeError("m"), 6],
  [new RemoteError("m", { url: "u" }), 7],
  [new CapacityError("m"), 8],
];

describe("reportFailure", () => {
  it.each(kinds)("%s exits with %i", (error, exitCode) => {
    expect(report(error)).toEqual({ exitCode, out: "", err: `prag: ${error.message}\n` });
    const forPrograms = report(error, { json: true });
    expect(JSON.parse(forPrograms.out)).toEqual({ error: { code: error.code, message: error.message } });
  });

  it("puts a message of several lines into one", () => {
    expect(report(new ConfigError("a\n  b\n")).err).toBe("prag: a b\n");
  });

  it("shows a bug with its stack, and calls it one", () => {
    const { exitCode, err } = report(new Error("internal: oops"));
    expect(exitCode).toBe(70);
    expect(err).toMatch(/internal: oops\n +at /);
    expect(err).toContain("this is a bug");
    expect(JSON.parse(report("text", { json: true }).out).error).toEqual({
      code: "internal",
      message: "text",
    });
  });

  it("explains what the system says", () => {
    const full = Object.assign(new Error("ENOSPC"), { code: "ENOSPC", path: "/data/x" });
    expect(report(full)).toMatchObject({ exitCode: 8, err: expect.stringContaining("/data/x") });
  });

  it("adds nothing to what a command has printed", () => {
    expect(report(new ReportedFailure(3))).toEqual({ exitCode: 3, out: "", err: "" });
  });

  it("takes every end by the signal for an interruption", () => {
    const { signal, press } = fakeInterrupt();
    press();
    const abort = new DOMException("stopped", "AbortError");
    for (const error of [signal.reason, abort])
      expect(report(error, { signal })).toMatchObject({
        exitCode: 130,
        err: expect.stringContaining("same command"),
      });
    expect(report(new ConfigError("m"), { signal }).exitCode).toBe(2);
  });
});

function fakeInterrupt() {
  let listeners: (() => void)[] = [];
  const signal = listenForInterrupt({
    on: (_name, listener) => listeners.push(listener),
    removeAllListeners: () => (listeners = []),
  });
  const press = () => {
    for (const listener of listeners) listener();
  };
  return { signal, press, count: () => listeners.length };
}

describe("Ctrl-C", () => {
  it("aborts, and leaves the second one to the system", () => {
    const { signal, press, count } = fakeInterrupt();
    expect(signal.aborted).toBe(false);
    press();
    expect(signal.reason).toBeInstanceOf(Interrupted);
    expect(count()).toBe(0);
  });
});
