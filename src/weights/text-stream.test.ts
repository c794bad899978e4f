import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { createTextStream } from "./text-stream.ts";
import { byteFallbackTokenizer, byteLevelTokenizer, writeFolder } from "./tiny-tokenizer.suite.ts";
import { openTokenizer, type Tokenizer } from "./tokenizer.ts";

const root = mkdtempSync(join(tmpdir(), "prag-text-stream-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function stream(tokenizer: Tokenizer, ids: readonly number[]): string[] {
  const text = createTextStream(tokenizer);
  return [...ids.map((id) => text.push(id)), text.end()];
}

const kinds = {
  "byte-level": byteLevelTokenizer(["h e", "Ġ w", "Ġ Ġ", "ð Ł"]),
  "byte fallback": byteFallbackTokenizer(["▁ t", "▁ ▁", "h e", "▁t h"]),
};

for (const [name, json] of Object.entries(kinds)) {
  describe(`a text stream over a ${name} tokenizer`, async () => {
    const tokenizer = await openTokenizer(writeFolder(join(root, name), { "tokenizer.json": json }));

    it("never emits half a character", () => {
      for (const text of ["the 東京 👩‍👩‍👧 he  wé", "é", "  the", "a\uFFFDb\uFFFD"]) {
        const pieces = stream(tokenizer, tokenizer.tokenize(text));
        expect(pieces.join("")).toBe(text);
        if (!text.includes("\uFFFD")) expect(pieces.filter((piece) => piece.includes("\uFFFD"))).toEqual([]);
      }
    });

    it("gives each character as soon as it is complete", () => {
      const ids = tokenizer.tokenize("é.é");
      const pieces = stream(tokenizer, ids);
      const seen = pieces.map((_, i) => pieces.slice(0, i + 1).join(""));
      for (const [i] of ids.entries()) {
        const whole = tokenizer.detokenize(ids.slice(0, i + 1));
        expect(seen[i]).toBe(whole.replace(/\uFFFD$/, ""));
      }
    });

    it("continues a text: with the space that a text's own beginning would lose", () => {
      const before = tokenizer.tokenize("the answer is");
      const ids = tokenizer.tokenize("the answer is the é 東京").slice(before.length);
      const text = createTextStream(tokenizer, before);
      const pieces = [...ids.map((id) => text.push(id)), text.end()];
      expect(pieces.join("")).toBe(" the é 東京");
    });

    it("is detokenize of all ids together, for any ids: special, invalid and unknown ones too", () => {
      const random = new Random(name);
      for (let i = 0; i < 300; i++) {
        const ids = Array.from({ length: random.int(40) }, () => random.int(300)); // above both vocabularies
        expect(stream(tokenizer, ids).join("")).toBe(tokenizer.detokenize(ids));
      }
    });
  });
}
