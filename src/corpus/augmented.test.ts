import { describe, expect, it } from "vitest";
import { FormatError } from "../base/errors.ts";
import { matchAugmentations } from "./augmented.ts";
import type { Passage } from "./corpus.ts";
import { passageId } from "./identity.ts";

const passage = (title: string, text: string, position = 0): Passage => ({
  id: passageId({ title, text }),
  documentId: title,
  title,
  text,
  position,
});

const lamp = passage("The Lamp", "The lamp stands\nin the north.");
const first = passage("The River", "The river is long.");
const second = passage("The River", "It ends in the sea.", 1);
const passages = [lamp, first, second, passage("A", "Same words."), passage("B", "Same words.")];
const match = (rows: unknown[], join = "\n") =>
  matchAugmentations(rows.map((row) => JSON.stringify(row)).join(join), { path: "a.jsonl", passages });
const pair = { question: "Where is it?", answer: "north" };
const rest = { rewrites: ["A rewrite."], pairs: [pair], augmenter: "authored" };
const expected = (of: Passage) => ({ passage: of, ...rest });

describe("matchAugmentations", () => {
  it("finds passages by id, by text, and by a title that only one has", () => {
    expect(
      match([
        { passageId: first.id, ...rest },
        { title: " the lamp", ...rest },
      ]).unknown,
    ).toBe(1);
    expect(
      match([
        { passageId: first.id, ...rest },
        { title: "The Lamp", ...rest },
      ]),
    ).toEqual({
      augmented: [expected(first), expected(lamp)],
      unknown: 0,
      repeated: 0,
      dropped: 0,
    });
    expect(match([{ text: "The lamp stands in  the north.", ...rest }]).augmented).toEqual([expected(lamp)]);
    expect(match([{ title: "B", text: "Same words.", ...rest }]).augmented).toEqual([expected(passages[4]!)]);
    expect(match([{ text: "Same words.", ...rest }]).augmented).toHaveLength(2);
  });

  it("asks for the position where a title has several passages", () => {
    expect(match([{ title: "The River", ...rest }])).toMatchObject({ augmented: [], unknown: 1 });
    expect(match([{ title: "The River", position: 1, ...rest }]).augmented).toEqual([expected(second)]);
  });

  it("counts what is unknown and what is repeated", () => {
    const rows = [
      { title: "Nothing", ...rest },
      { passageId: "0", ...rest },
      { title: "The Lamp", ...rest },
      { passageId: lamp.id, ...rest, augmenter: "second" },
    ];
    expect(match(rows)).toEqual({ augmented: [expected(lamp)], unknown: 2, repeated: 1, dropped: 0 });
  });

  it("reads the reference project's records, several to a question", () => {
    const record = {
      test_id: 0,
      question: "Where does the lamp stand?",
      answer: ["north"],
      passages: ["..."],
      augment: [
        {
          pid: 0,
          passage: "The lamp stands in the north.",
          "some-model-1b_rewrite": "In the north stands a lamp.",
          "some-model-1b_translate": null,
          "some-model-1b_qa": [
            { question: "Where?", answer: "north", full_answer: "It stands in the north." },
            { question: "Which?", answer: ["a", "b", 3], full_answer: "" },
            { question: "How many?", answer: 4 },
            { question: "Is it?", answer: true },
            { question: "Who?", answer: null },
            { question: "What?", answer: { no: 1 } },
            { question: 5, answer: "x" },
            { question: "Empty?", answer: [] },
          ],
        },
        { pid: 1, passage: "Another passage.", "some-model-1b_qa": "no list" },
        {
          pid: 2,
          passage: "The river is long.",
          "some-model-1b_rewrite": null,
          "some-model-1b_qa": "raw text",
        },
      ],
    };
    const text = JSON.stringify([record], null, 4);
    expect(matchAugmentations(text, { path: "total.json", passages })).toEqual({
      augmented: [
        {
          passage: lamp,
          rewrites: ["In the north stands a lamp."],
          pairs: [
            { question: "Where?", answer: "north", fullAnswer: "It stands in the north." },
            { question: "Which?", answer: "a, b, 3" },
            { question: "How many?", answer: "4" },
            { question: "Is it?", answer: "True" },
            { question: "Who?", answer: "Unknown" },
          ],
          augmenter: "some-model-1b",
        },
        { passage: first, rewrites: [], pairs: [], augmenter: "some-model-1b" },
      ],
      unknown: 1,
      repeated: 0,
      dropped: 3,
    });
  });

  it.each([
    [`{"title":"x"}`, /a\.jsonl:1: field "augmenter"/],
    [`{"augmenter":"x"}\n{`, /a\.jsonl:2: not valid JSON/],
    [`[{"augment":[{"pid":1}]}]`, /a\.jsonl\[0\]: field "augment\.0\.passage"/],
    [`{"augmenter":"x","rewrites":[1]}`, /a\.jsonl:1: field "rewrites\.0"/],
    [`"text"`, /a\.jsonl:1: .*object/],
  ])("refuses %s with the place", (text, message) => {
    const parse = () => matchAugmentations(text, { path: "a.jsonl", passages });
    expect(parse).toThrow(FormatError);
    expect(parse).toThrow(message);
  });
});
