import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseJson } from "../base/files.ts";
import { checkPair, checkPairs } from "./check.ts";

const labelledSchema = z.array(
  z.object({
    title: z.string(),
    text: z.string(),
    pairs: z.array(
      z.object({ question: z.string(), answer: z.string(), usable: z.boolean(), why: z.string() }),
    ),
  }),
);

/** Precision and recall of the check on pairs that were labelled by hand, before it was run on them. */
function measureOn(file: string): { pairs: number; usable: number; precision: number; recall: number } {
  const path = new URL(file, import.meta.url).pathname;
  const judged = parseJson(readFileSync(path, "utf8"), labelledSchema, path).flatMap(
    ({ title, text, pairs }) =>
      pairs.map((pair) => ({ usable: pair.usable, isKept: checkPair(pair, { title, text }) === undefined })),
  );
  const usable = judged.filter((pair) => pair.usable).length;
  const kept = judged.filter((pair) => pair.isKept);
  const right = kept.filter((pair) => pair.usable).length;
  const result = { pairs: judged.length, usable, precision: right / kept.length, recall: right / usable };
  console.log(
    `check on ${file}: precision ${result.precision.toFixed(3)}, recall ${result.recall.toFixed(3)}, kept ${kept.length} of ${judged.length}`,
  );
  return result;
}

describe("checkPair against pairs labelled by hand", () => {
  // Floors stand just under what was measured (docs/decisions/0005-support-check.md).
  it("keeps few wrong pairs of the hundred that it was improved on, and loses few right ones", () => {
    const { pairs, usable, precision, recall } = measureOn("./labelled-pairs.json");
    expect([pairs, usable]).toEqual([100, 61]);
    expect(precision).toBeGreaterThanOrEqual(0.9);
    expect(recall).toBeGreaterThanOrEqual(0.98);
  });

  it("does nearly as well on forty that it was never changed for", () => {
    const { pairs, usable, precision, recall } = measureOn("./labelled-pairs-held-out.json");
    expect([pairs, usable]).toEqual([40, 26]);
    expect(precision).toBeGreaterThanOrEqual(0.83);
    expect(recall).toBeGreaterThanOrEqual(0.96);
  });
});

const passage = {
  title: "Elm Tower",
  text: "The Elm Tower is a watchtower in Norby, built by Ann Orme in 1804. It is 31 metres high. Its keeper, Jon Vass, painted it green.",
};
const reasonOf = (question: string, answer: string) => checkPair({ question, answer }, passage);

describe("checkPair", () => {
  it.each([
    ["Who built the Elm Tower?", "Ann Orme"],
    ["In what year was the Elm Tower built?", "1804"],
    ["By whom was the Elm Tower built?", "Ann Orme"],
    ["What colour did Jon Vass paint the Elm Tower?", "green"],
    ["The Elm Tower stands in which town?", "Norby"],
    ["How tall is the Elm Tower?", "31 m"],
  ])("keeps %j → %j", (question, answer) => {
    expect(reasonOf(question, answer)).toBeUndefined();
  });

  it.each([
    ["", "Ann Orme", "empty"],
    ["Who built the Elm Tower?", " ", "empty"],
    ["Who built the Elm Tower?", "The", "empty"],
    ["Who built the Elm Tower?", "Ann Orme ".repeat(12), "too long"],
    ["The Elm Tower is high.", "31 metres", "not a question"],
    ["Was the Elm Tower built by Ann Orme?", "Ann Orme", "yes or no"],
    ["What of the Elm Tower?", "yes", "yes or no"],
    ["Who built the Elm Tower?", "Nan Orme", "answer not in the passage"],
    ["Who built the Elm Tower?", "Orme Jon Vass", "answer not in the passage"],
    ["Who is Ann Orme?", "Ann Orme", "answer in the question"],
    ["How high is the tower?", "31 metres", "names nothing of the passage"],
    ["Who built the Oak Tower?", "Ann Orme", "names something that is not in the passage"],
    ["Who built the Elm Tower in 1850?", "Ann Orme", "names something that is not in the passage"],
    ["Where is this Elm Tower?", "Norby", "unresolved reference"],
    ["What did he paint on the Elm Tower?", "green", "unresolved reference"],
    ["When was the Elm Tower built?", "Norby", "wrong type of answer"],
    ["How many metres high is the Elm Tower?", "1804", "wrong type of answer"],
    ["Who painted the Elm Tower?", "31", "wrong type of answer"],
    ["Who painted the Elm Tower?", "Ann Orme", "another fact"],
  ])("drops %j → %j: %s", (question, answer, reason) => {
    expect(reasonOf(question, answer)).toBe(reason);
  });

  it("checks other scripts for support", () => {
    const seoul = { title: "한빛탑", text: "한빛탑은 1993년에 대전에 세워졌다." };
    expect(checkPair({ question: "한빛탑은 어디에 있는가?", answer: "대전" }, seoul)).toBeUndefined();
    expect(checkPair({ question: "한빛탑은 어디에 있는가?", answer: "부산" }, seoul)).toBe(
      "answer not in the passage",
    );
  });

  it("takes a question once", () => {
    const pair = { question: "Who built the Elm Tower?", answer: "Ann Orme" };
    const again = { question: "who built the elm tower", answer: "Ann Orme" };
    expect(checkPairs([pair, again, { question: "Why?", answer: "x" }], passage)).toEqual({
      kept: [pair],
      dropped: [
        { pair: again, reason: "duplicate" },
        { pair: { question: "Why?", answer: "x" }, reason: "not a question" },
      ],
    });
  });
});
