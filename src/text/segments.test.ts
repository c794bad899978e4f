import { describe, expect, it } from "vitest";
import { segments } from "./segments.ts";

const text =
  "The river Anselle rises at Veyra. 昨日は図書館で本を読みました。It runs 40 km 👩‍👩‍👧 to the sea! Why?\n".repeat(
    6,
  );

describe("segments", () => {
  it.each(["word", "sentence"] satisfies ("word" | "sentence")[])(
    "cuts %ss in windows as in one piece",
    (granularity) => {
      const segmenter = new Intl.Segmenter("en", { granularity });
      const whole = [...segmenter.segment(text)].map(({ segment }) => segment);
      for (const window of [64, 100, 333])
        expect(
          [...segments(segmenter, text, window)].map(({ start, end }) => text.slice(start, end)),
        ).toEqual(whole);
    },
  );

  it("keeps a segment longer than a window whole", () => {
    const segmenter = new Intl.Segmenter("en", { granularity: "word" });
    expect([...segments(segmenter, `${"x".repeat(500)} y`, 16)].map(({ end }) => end)).toEqual([
      500, 501, 502,
    ]);
  });
});
