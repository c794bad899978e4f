import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const root = resolve(import.meta.dirname, "..");
const atlas = "examples/atlas";

/** What `scripts/prag-mini/overlap.py` found, and for which atlas. */
const report = z.object({
  atlasSha256: z.string(),
  trainingTokens: z.number().positive(),
  eightGramsChecked: z.number().positive(),
  shared: z.array(z.string()),
});

describe("the embedded model's training data and the example corpus", () => {
  const found = report.parse(JSON.parse(readFileSync(join(root, "models/prag-mini/overlap.json"), "utf8")));

  it("were compared in the corpus' present form; else run scripts/prag-mini/overlap.py again", () => {
    const documents = readdirSync(join(root, atlas, "documents")).map((name) => `${atlas}/documents/${name}`);
    const hash = createHash("sha256");
    for (const path of [...documents, `${atlas}/questions.jsonl`].sort()) {
      hash
        .update(`${path}\n`)
        .update(readFileSync(join(root, path)))
        .update("\n");
    }
    expect(hash.digest("hex")).toBe(found.atlasSha256);
  });

  it("share no eight words in a row", () => {
    expect(found.shared).toEqual([]);
    expect(found.eightGramsChecked).toBeGreaterThan(5000);
  });
});
