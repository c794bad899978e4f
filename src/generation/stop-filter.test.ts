import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { createStopFilter } from "./stop-filter.ts";

/** What a filter shows of pieces, until it stops or the pieces end. */
function filter(pieces: readonly string[], stop: readonly string[]) {
  const one = createStopFilter(stop);
  let shown = "";
  for (const piece of pieces) {
    const { text, stopped } = one.push(piece);
    shown += text;
    if (stopped) return { shown, stopped };
  }
  return { shown: shown + one.end(), stopped: false };
}

/** What is wanted of the whole text: everything before the stop string that is complete first, letter by letter. */
function expected(text: string, stop: readonly string[]) {
  for (let end = 1; end <= text.length; end++) {
    const complete = stop.filter((one) => text.slice(0, end).endsWith(one));
    if (complete.length) {
      const longest = Math.max(...complete.map((one) => one.length));
      return { shown: text.slice(0, end - longest), stopped: true };
    }
  }
  return { shown: text, stopped: false };
}

describe("the stop filter", () => {
  it("shows everything before the first stop string, whatever the pieces", () => {
    const random = new Random("stop filter");
    const letters = (length: number) => Array.from({ length }, () => "ab\n"[random.int(3)]!).join("");
    for (let trial = 0; trial < 3000; trial++) {
      const text = letters(random.int(30));
      const stop = Array.from({ length: random.int(4) }, () => letters(1 + random.int(5)));
      const pieces: string[] = [];
      for (let at = 0; at < text.length; ) {
        const length = random.int(5);
        pieces.push(text.slice(at, at + length));
        at += length;
      }
      const wanted = expected(text, stop);
      const got = filter(pieces, stop);
      expect(stop.some((one) => got.shown.includes(one))).toBe(false);
      expect(got).toEqual(wanted);
    }
  });

  it("holds back only what may be the beginning of a stop string", () => {
    const one = createStopFilter(["\n\nQuestion:"]);
    expect(one.push("An answer.")).toEqual({ text: "An answer.", stopped: false });
    expect(one.holds).toBe(false);
    expect(one.push("\n")).toEqual({ text: "", stopped: false });
    expect(one.holds).toBe(true);
    expect(one.push("More")).toEqual({ text: "\nMore", stopped: false });
    expect(one.push(" of it\n\nQuest")).toEqual({ text: " of it", stopped: false });
    expect(one.push("ion: next")).toEqual({ text: "", stopped: true });
    expect(one.end()).toBe("");
  });

  it("gives back at the end what it held", () => {
    const one = createStopFilter(["\n\n"]);
    one.push("text\n");
    expect(one.end()).toBe("\n");
    expect(one.holds).toBe(false);
    expect(one.end()).toBe("");
  });

  it("passes everything without stop strings; an empty one is none", () => {
    expect(filter(["a", "", "b"], [])).toEqual({ shown: "ab", stopped: false });
    expect(filter(["a", "", "b"], [""])).toEqual({ shown: "ab", stopped: false });
  });
});
