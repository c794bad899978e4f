import { describe, expect, it } from "vitest";
import { sentenceSpans, sentences } from "./sentences.ts";

describe("sentences", () => {
  it.each([
    ["One here. Two there! Three? Yes.", ["One here.", "Two there!", "Three?", "Yes."]],
    [
      "Dr. Rusk met Prof. Okonna at St. Orsby. They left.",
      ["Dr. Rusk met Prof. Okonna at St. Orsby.", "They left."],
    ],
    ["J. R. R. Vane wrote it. Nobody read it.", ["J. R. R. Vane wrote it.", "Nobody read it."]],
    [
      "She joined the U.S. Army in May. Later she left.",
      ["She joined the U.S. Army in May.", "Later she left."],
    ],
    ["He moved to Washington, D.C. It rained.", ["He moved to Washington, D.C.", "It rained."]],
    ["Works by Mr. A. Vane are in vol. 5 of it. End.", ["Works by Mr. A. Vane are in vol. 5 of it.", "End."]],
    ["Opus no. 5 and Nos. 7 are lost. No. 9 is not.", ["Opus no. 5 and Nos. 7 are lost.", "No. 9 is not."]],
    ["Is it old? no. Mont Blanc is.", ["Is it old?", "no.", "Mont Blanc is."]],
    ["The answer is no. Paris is not.", ["The answer is no.", "Paris is not."]],
    ["It cost 3.50 marks. Then 4.", ["It cost 3.50 marks.", "Then 4."]],
    ["他住在北京。她住在上海。", ["他住在北京。", "她住在上海。"]],
  ])("cuts %j", (text, expected) => {
    expect(sentences(text)).toEqual(expected);
  });

  it("ends a sentence at a line break, but not where a wrapped line goes on", () => {
    expect(sentences("A heading\nThe town lies\nby the sea. It\nis old.")).toEqual([
      "A heading",
      "The town lies\nby the sea.",
      "It\nis old.",
    ]);
  });

  it("covers the text without gaps, white space included", () => {
    for (const text of [
      "  One. \n\n Two.\tThree",
      "",
      " ",
      "a\r\nb\r\n\r\nC. D. e",
      "No end… “Really?” he asked.",
    ]) {
      const spans = sentenceSpans(text);
      expect(spans.map(({ start, end }) => text.slice(start, end)).join("")).toBe(text);
      spans.forEach((span, i) => {
        expect(span.start).toBe(i === 0 ? 0 : spans[i - 1]?.end);
      });
    }
  });

  it("stays fast on one very long sentence", () => {
    const text = "word Dr. Name ".repeat(20_000);
    expect(sentenceSpans(text)).toHaveLength(1);
  });
});
