import { describe, expect, it } from "vitest";
import { stemPorter } from "./porter-stemmer.ts";

describe("stemPorter", () => {
  it.each([
    ["plurals", "caresses ponies ties caress cats", "caress poni ti caress cat"],
    ["past forms", "feed agreed plastered bled motoring sing", "feed agre plaster bled motor sing"],
    [
      "their repairs",
      "conflated troubled sized hopping falling hissing fizzed filing",
      "conflat troubl size hop fall hiss fizz file",
    ],
    ["final y", "happy sky say", "happi sky sai"],
    [
      "double suffixes",
      "relational conditional valenci vietnamization sensibiliti apologi",
      "relat condit valenc vietnam sensibl apolog",
    ],
    ["further suffixes", "triplicate formative electrical hopeful goodness", "triplic form electr hope good"],
    [
      "last suffixes",
      "revival inference replacement adoption activate homologous",
      "reviv infer replac adopt activ homolog",
    ],
    ["final e and l", "probate rate cease controll roll", "probat rate ceas control roll"],
    ["short words and other letters", "as is élans 1990s 한국s", "as is élan 1990 한국"],
  ])("handles %s", (_name, words, stems) => {
    expect(words.split(" ").map(stemPorter).join(" ")).toBe(stems);
  });
});
