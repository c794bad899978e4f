import { describe, expect, it } from "vitest";
import type { Passage } from "../../corpus/corpus.ts";
import { checkPair } from "../check.ts";
import { gapsIn, ruleAugmenter } from "../rule-augmenter.ts";

const passageOf = (title: string, text: string): Passage => ({
  id: title,
  documentId: "d",
  title,
  text,
  position: 0,
});
const asked = (title: string, text: string) =>
  gapsIn(passageOf(title, text)).map(({ question, answer }) => `${question} ${answer}`);

describe("gapsOf", () => {
  it("puts a word for what is asked in the place of dates, counts, shares and names", () => {
    expect(
      asked(
        "Brack Viaduct",
        "Although money was short, the Brack Viaduct was rebuilt by Ilse Morn between Grell and Dunmoor in 1934. When 26 arches had fallen, the Vane Group paid 40% of the cost on 4 May 1936.",
      ),
    ).toEqual([
      "Although money was short, the Brack Viaduct was rebuilt by whom between Grell and Dunmoor in 1934? Ilse Morn",
      "Although money was short, the Brack Viaduct was rebuilt by Ilse Morn between what and Dunmoor in 1934? Grell",
      "Although money was short, the Brack Viaduct was rebuilt by Ilse Morn between Grell and what in 1934? Dunmoor",
      "Although money was short, the Brack Viaduct was rebuilt by Ilse Morn between Grell and Dunmoor in which year? 1934",
      "When how many arches had fallen, the Vane Group paid 40% of the cost on 4 May 1936? 26",
      "The Brack Viaduct: when 26 arches had fallen, the what paid 40% of the cost on 4 May 1936? Vane Group",
      "When 26 arches had fallen, the Vane Group paid what percentage of the cost on 4 May 1936? 40%",
      "When 26 arches had fallen, the Vane Group paid 40% of the cost on which date? 4 May 1936",
    ]);
  });

  it("names the topic where a pronoun stands for it, and before a question that would name nothing", () => {
    expect(
      asked("Osk Tamber", "Osk Tamber was a painter. He taught in Grell. His pupils met in 1902."),
    ).toEqual(["Osk Tamber taught in what? Grell", "Osk Tamber's pupils met in which year? 1902"]);
    expect(asked("Elm Fair", "The gates are opened by Mira Voss in spring.")).toEqual([
      "Elm Fair: the gates are opened by whom in spring? Mira Voss",
    ]);
  });

  it("tells a name from the word before it, and asks for money", () => {
    expect(
      asked("Elm Fair", "In Grell, the Elm Fair cost $2,340 million. The Vane Group paid £3.5 for it."),
    ).toEqual([
      "In what, the Elm Fair cost $2,340 million? Grell",
      "In Grell, the Elm Fair cost how much? $2,340 million",
      "The Elm Fair: the what paid £3.5 for it? Vane Group",
      "The Vane Group paid how much for it? £3.5",
    ]);
  });

  it("asks nothing of a sentence that leans on the one before, and never for the topic itself", () => {
    expect(asked("Elm Fair", "This was shown to Mira Voss in 1902. They came from Grell in 1903.")).toEqual(
      [],
    );
    expect(asked("Elm Fair", "Visitors still love the Elm Fair very much.")).toEqual([]);
  });

  it("cuts a long sentence at a comma, and takes a semicolon as an end", () => {
    const tail = Array.from({ length: 30 }, (_, i) => `word${i}`).join(" ");
    expect(asked("Elm Fair", `The Elm Fair was moved to Port Sall in 1911, while ${tail} Dunmoor.`)).toEqual([
      "The Elm Fair was moved to what in 1911? Port Sall",
      "The Elm Fair was moved to Port Sall in which year? 1911",
    ]);
    expect(asked("Elm Fair", "The Elm Fair was moved to Port Sall; nobody told the Vane Group.")).toEqual([
      "The Elm Fair was moved to what? Port Sall",
    ]);
  });
});

describe("the rule augmenter with gaps", () => {
  const passage = passageOf(
    "Harl Institute",
    'In an interview with the Norvale Gazette in April 1913, the director was asked about "the quarrel", to which Ada Corrin had replied in Eastham. The Harl Institute opened in 1902. With support from Vane Group, three halls were added before 1920.',
  );

  it("fills up with gaps, those first whose answer was not asked for", async () => {
    const [many] = await ruleAugmenter.augment([passage], { pairs: 20 });
    const [few] = await ruleAugmenter.augment([passage], { pairs: 8 });
    expect(many!.augmented.pairs.length).toBeGreaterThan(8);
    expect(few!.augmented.pairs).toEqual(many!.augmented.pairs.slice(0, 8));
    // The opening is told in a clause that the other rules understand: these come first, then new answers.
    expect(few!.augmented.pairs[0]!.question).toMatch(
      /^(?:When|In which year|What year) did the Harl Institute open\?$/,
    );
    const answers = few!.augmented.pairs.map(({ answer }) => answer);
    for (const wanted of ["Norvale Gazette", "April 1913", "Ada Corrin", "Eastham", "1920"])
      expect(answers).toContain(wanted);
  });

  it("keeps only what passes the check, and no question twice", async () => {
    const [{ augmented } = { augmented: undefined }] = await ruleAugmenter.augment([passage], { pairs: 50 });
    const questions = augmented!.pairs.map(({ question }) => question);
    expect(new Set(questions).size).toBe(questions.length);
    for (const pair of augmented!.pairs) expect(checkPair(pair, passage)).toBeUndefined();
  });
});
