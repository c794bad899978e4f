import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canonicalJson, sha256, sha256OfFile } from "./hash.ts";

describe("hashes", () => {
  it("are SHA-256 (the standard's example), of text, bytes and files", async () => {
    const wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(sha256("abc")).toBe(wanted);
    expect(sha256(Uint8Array.of(97, 98, 99))).toBe(wanted);
    const folder = mkdtempSync(join(tmpdir(), "prag-hash-"));
    try {
      writeFileSync(join(folder, "file"), "abc");
      expect(await sha256OfFile(join(folder, "file"))).toBe(wanted);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("canonicalJson is the same for equal values, at every depth, and keeps the order of lists", () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
    expect(canonicalJson([2, 1])).toBe("[2,1]");
    expect(canonicalJson({ a: undefined, b: "x" })).toBe('{"b":"x"}');
  });
});
