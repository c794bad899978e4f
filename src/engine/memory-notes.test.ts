import { describe, expect, it } from "vitest";
import type { Passage } from "../corpus/corpus.ts";
import type { Generator } from "../generation/generator.ts";
import { writeNotes } from "./memory-notes.ts";

/** Parts whose tokens are words, and whose gist of a piece is the piece's last word and a line that all gists share. */
function partsOf(contextLength: number) {
  const asked: number[] = [];
  const done: number[] = [];
  const generator = {
    contextLength,
    async generateBatch([request]) {
      asked.push(request!.maxTokens);
      const words = request!.messages.at(-1)!.content.match(/\bw\d+/g) ?? [];
      return [{ text: `about ${words.at(-1)}\nthe same` }];
    },
  } as Generator;
  const parts = {
    generator: async () => generator,
    model: async () => ({
      tokenizer: {
        tokenize: (text: string) => text.split(/\s+/),
        detokenize: (words: string[]) => words.join(" "),
      },
    }),
    progress: (step: { done: number }) => done.push(step.done),
  } as unknown as Parameters<typeof writeNotes>[0];
  return { parts, asked, done };
}

const passagesOf = (count: number, words: number): Passage[] =>
  Array.from({ length: count }, (_, p) => ({
    id: String(p),
    title: "Long",
    text: Array.from({ length: words }, (_, w) => `w${p * words + w}`).join(" "),
  })) as Passage[];

describe("writeNotes", () => {
  it("takes a gist of every piece, in order, each sharing the room; a line that is said again stands once", async () => {
    const { parts, asked, done } = partsOf(200); // notes may fill 100 words
    const notes = await writeNotes(parts, passagesOf(10, 30)); // three passages to a piece
    expect(notes).toBe("about w89\nthe same\nabout w179\nabout w269\nabout w299");
    expect(asked).toEqual([24, 24, 24, 24]);
    expect(done).toEqual([1, 2, 3, 4]);
  });

  it("splits a passage that is longer than the room", async () => {
    const { parts } = partsOf(200);
    const notes = await writeNotes(parts, passagesOf(1, 250));
    expect(notes.match(/w\d+/g)).toEqual(["w99", "w199", "w249"]);
  });

  it("of a very long text takes pieces at even distances", async () => {
    const { parts, asked } = partsOf(200);
    const notes = await writeNotes(parts, passagesOf(100, 90));
    expect(asked).toHaveLength(6); // 16 words each, at least
    expect(notes.match(/w\d+/g)).toEqual([8, 25, 41, 58, 75, 91].map((piece) => `w${piece * 90 + 89}`));
  });
});
