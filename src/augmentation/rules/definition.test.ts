import { describe, expect, it } from "vitest";
import { sentences } from "../../text/sentences.ts";
import { checkPair } from "../check.ts";
import { factsOf } from "../rule-augmenter.ts";
import { definitionFacts } from "./definition.ts";
import { topicOf, withTitle } from "./subject.ts";

/** First wordings of what the first sentence tells, with their answers. */
function told(title: string, text: string): string[] {
  const { topic, text: marked } = topicOf({ title, text });
  return definitionFacts(sentences(marked)[0] ?? "", topic).map((wordings) => {
    const { question, answer } = wordings[0]!;
    return `${withTitle(question, topic)} ${withTitle(answer, topic)}`;
  });
}

describe("definitionFacts", () => {
  it("reads a life off the brackets, profession and nationality off the phrase", () => {
    expect(
      told(
        "Mira Voss",
        "Mira Elin Voss (born 3 May 1950 in Port Sall, Norway) is a Norwegian painter, potter and teacher of art. She taught in Grell.",
      ),
    ).toEqual([
      "When was Mira Voss born? 3 May 1950",
      "Where was Mira Voss born? Port Sall, Norway",
      "What is the profession of Mira Voss? painter, potter and teacher",
      "What is the nationality of Mira Voss? Norwegian",
      "Who is a Norwegian painter, potter and teacher of art? Mira Voss",
    ]);
    expect(
      told(
        "Abel Tamber",
        "Abel Tamber (25 September 1868 in Grell, Kingdom of Sall – 10 January 1950 in Dunmoor) was a South African flute player. He toured with the Vane Group.",
      ),
    ).toEqual([
      "When was Abel Tamber born? 25 September 1868",
      "Where was Abel Tamber born? Grell, Kingdom of Sall",
      "When did Abel Tamber die? 10 January 1950",
      "Where did Abel Tamber die? Dunmoor",
      "What was the profession of Abel Tamber? flute player",
      "What was the nationality of Abel Tamber? South African",
      "Who was a South African flute player? Abel Tamber",
    ]);
  });

  it("reads genre and year off what is said of a work, and its kind off that of any other thing", () => {
    expect(
      told(
        "The Tide (film)",
        "The Tide is a 1971 Danish silent war film directed by Ilse Morn. His first was The Oar.",
      ),
    ).toEqual([
      "What is The Tide? a 1971 Danish silent war film",
      "What is the genre of The Tide? silent war film",
      "In which year was The Tide released? 1971",
      "What is a 1971 Danish silent war film directed by Ilse Morn? The Tide",
    ]);
    expect(told("Lena Holt Band", "The Lena Holt Band were a Swedish folk rock band from Grell.")).toEqual([
      "What were the Lena Holt Band? a Swedish folk rock band",
      "What was the genre of the Lena Holt Band? folk rock",
      "What were a Swedish folk rock band from Grell? the Lena Holt Band",
    ]);
    expect(
      told(
        "Harl Park",
        "Harl Park (German: Harlpark), formerly Sall Field, is a public park located in Norvale, and its gates are old.",
      ),
    ).toEqual([
      "What is Harl Park? a public park",
      "What is a public park located in Norvale, and its gates are old? Harl Park",
    ]);
  });

  it("knows the topic by a part of its title and by a longer name, and reads two brackets", () => {
    expect(told("Grell, Norvale", "Grell is a market town in Norvale, Sall.")).toEqual([
      "What is Grell, Norvale? a market town",
      "What is a market town in Norvale, Sall? Grell, Norvale",
    ]);
    expect(
      told("Jim Orme", "James Abel Orme (Norse: Ormr) (1 January 1896 – 26 February 1982) was a rower."),
    ).toEqual([
      "When was Jim Orme born? 1 January 1896",
      "When did Jim Orme die? 26 February 1982",
      "What was the profession of Jim Orme? rower",
    ]);
  });

  it("is about the topic itself: nothing that it has, and nobody whose name is alike", () => {
    for (const [title, text] of [
      ["Norvale", "The capital of Norvale is a small port on the Grell."],
      ["Ada Corrin", "Ada Corrin's mother was a teacher of Latin in Grell. She was strict."],
      ["Ada Corrin", "Ada Corrin and her brother were the founders of the mills."],
      ["Jim Orme", "Anna Orme was a Norwegian painter. She taught him."],
      ["Washington, D.C.", "George Washington was a Virginian planter and general."],
      ["Ada Corrin", "The Ada Corrin Bridge is a stone bridge in Norvale."],
    ] as const)
      expect(told(title, text), text).toEqual([]);
  });

  it("takes no firm for a person, and no office for a profession", () => {
    expect(told("Corrin Mills", "Corrin Mills is a maker of flour in Eastham. It is old.")[0]).toBe(
      "What is Corrin Mills? a maker",
    );
    expect(told("Pan Am", "Pan Am (1927–1991) was an American airline with its seat in Grell.")).toEqual([
      "What was Pan Am? an American airline",
      "What was an American airline with its seat in Grell? Pan Am",
    ]);
    expect(told("Osk Tamber", "Osk Tamber was a Michigan politician. He lost.")).toEqual([]);
    expect(told("Ada Corrin", "Ada Corrin (1854–1920) was the founder of the mills. She was rich.")).toEqual([
      "When was Ada Corrin born? 1854",
      "When did Ada Corrin die? 1920",
      "Who was the founder of the mills? Ada Corrin",
    ]);
  });

  it("says nothing of a sentence about something else, or of no definition", () => {
    expect(
      told("List of mills of Norvale", "The mills of Norvale are a group of 12 mills in Norvale."),
    ).toEqual([]);
    expect(told("Elm Fair", "The Elm Fair was moved to Port Sall in 1911.")).toEqual([]);
    expect(told("Elm Fair", "")).toEqual([]);
  });

  it("comes to an end on hostile sentences", () => {
    for (const text of [
      `Elm (${"(".repeat(400)}`,
      `Elm ${"is a ".repeat(130)}`,
      `Elm (born ${"1900, ".repeat(45)}) is a mill.`,
      `Elm ${", x".repeat(220)} is a mill`,
    ])
      expect(told("Elm", text).join("").length).toBeLessThan(1000);
  });

  it("goes through the check like every other pair", () => {
    const passage = {
      title: "Mira Voss",
      text: "Mira Elin Voss (born 3 May 1950) is a Norwegian painter who founded the Silver Oar. She lives in Grell.",
    };
    const usable = factsOf(passage).flatMap((fact) => fact.filter((pair) => !checkPair(pair, passage)));
    expect(usable).toContainEqual({
      question: "Who is a Norwegian painter who founded the Silver Oar?",
      answer: "Mira Voss",
    });
    expect(usable.map(({ question }) => question)).toContain("What nationality is Mira Voss?");
  });
});
