import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../base/errors.ts";
import { type Draft, draftOf, firstSentenceEnd, needProbabilities, pieceOf, sentencesOf } from "./draft.ts";

const draft = (texts: readonly string[], finishReason: "stop" | "length" = "stop"): Draft =>
  draftOf({
    text: texts.join(""),
    tokens: texts.map((text, id) => ({ id, text, logProbability: -1, entropy: 1 })),
    promptTokens: 1,
    finishReason,
  });
const aligned = (texts: readonly string[]) =>
  sentencesOf(draft(texts)).map(({ text, tokens }) => [text, tokens.map((token) => token.text)]);

describe("sentencesOf", () => {
  it("gives each sentence its tokens; none is lost at a border or counted twice", () => {
    expect(aligned([" It", " rained", ".", " She", " left", "."])).toEqual([
      ["It rained.", [" It", " rained", "."]],
      ["She left.", [" She", " left", "."]],
    ]);
  });

  it("a token over a border belongs to the sentence of its first visible character", () => {
    expect(aligned(["It rained", ". Sh", "e left", "."])).toEqual([
      ["It rained.", ["It rained", ". Sh"]],
      ["She left.", ["e left", "."]],
    ]);
    expect(aligned(["It rained.", " \n", "\nShe", " left."])).toEqual([
      ["It rained.", ["It rained."]],
      ["She left.", [" \n", "\nShe", " left."]],
    ]);
  });

  it("keeps tokens without text of their own, and has none for nothing", () => {
    expect(aligned(["", " Mira", "", " Tolk."])).toEqual([["Mira Tolk.", ["", " Mira", "", " Tolk."]]]);
    expect(aligned([])).toEqual([]);
    expect(aligned([" ", "\n"])).toEqual([]);
  });
});

describe("draftOf", () => {
  it("leaves out the tokens at the end that a stop string swallowed", () => {
    expect(aligned([" It", " rained.", "", ""])).toEqual([["It rained.", [" It", " rained."]]]);
    expect(draft(["", ""]).tokens).toEqual([]);
  });
});

describe("pieceOf", () => {
  it("leaves white space at the end to the next piece and counts the visible tokens within", () => {
    const whole = draft([" It", " rained", ".", " \n", "She"]);
    expect(pieceOf(whole)).toEqual({ text: " It rained. \nShe", tokens: 4, isEnd: true });
    expect(pieceOf(whole, 13)).toEqual({ text: " It rained.", tokens: 3, isEnd: false });
    expect(pieceOf(draft(["Yes", "."], "length")).isEnd).toBe(false);
    expect(pieceOf(draft(["Yes", ".", " \n"]), 4)).toMatchObject({ text: "Yes.", isEnd: true });
  });
});

describe("firstSentenceEnd", () => {
  it.each([
    [" It rained. She left.", " It rained."],
    ["Yes! It rained. She left.", "Yes! It rained."],
    ["no end yet", "no end yet"],
    ["", ""],
    ["\n\nIt rained.\nShe", "\n\nIt rained."],
  ])("of %j", (text, sentence) => {
    expect(text.slice(0, firstSentenceEnd({ text }))).toBe(sentence);
  });
});

it("probabilities that a service does not tell are refused", () => {
  const unknown = draftOf({
    text: "x",
    tokens: [{ id: -1, text: "x", logProbability: Number.NaN, entropy: Number.NaN }],
    promptTokens: 1,
    finishReason: "stop",
  });
  const names = { method: "flare", model: "far" };
  expect(() => needProbabilities(unknown, names)).toThrow(UnsupportedError);
  expect(() => needProbabilities(draft(["x"]), names)).not.toThrow();
});
