import { describe, expect, it } from "vitest";
import { sha256 } from "../base/hash.ts";
import type { Passage } from "../corpus/corpus.ts";
import { checkPair } from "./check.ts";
import { factsOf, ruleAugmenter } from "./rule-augmenter.ts";
import { inventedFacts, missingFacts } from "./support.ts";

const passageOf = (title: string, text: string): Passage => ({
  id: sha256(`${title}\n${text}`),
  documentId: "d",
  title,
  text,
  position: 0,
});

const passages = [
  passageOf(
    "Brack Viaduct",
    "The Brack Viaduct is a stone bridge in Norvale that is 412 metres long. It was designed by Ilse Morn and opened on 4 May 1871. The bridge has 26 arches and carries two railway tracks. Its builder was the company Harl and Sons. In 1933 the Brack Viaduct was damaged by a flood. About 90 trains cross it every day. The viaduct is made of grey granite from the quarries of Dunmoor. Since 1988 it has been lit at night.",
  ),
  passageOf(
    "Osk Tamber",
    "Osk Tamber was a painter, born in Grell on 9 January 1854. He was the son of the printer Abel Tamber. From his youth he loved boats. He studied under Mira Voss and married the singer Lena Holt in 1880. His picture The Tide brought him the Silver Oar in 1891. Tamber painted 240 pictures. He died in Port Sall in 1920. A street in Grell is named after Osk Tamber.",
  ),
  passageOf(
    "Corrin Mills",
    "Corrin Mills is a maker of flour with its head office in Eastham. It was founded in 1902 by Ada Corrin. The company employs 350 people and owns four mills. Its best-known product is the Snowdrop loaf. In 1977 the firm was sold to the Vane Group. Corrin Mills sells bread in eleven countries. Bakers like the flour because it is fine.",
  ),
];

describe("ruleAugmenter", () => {
  it("finds at least four facts in a plain encyclopaedic passage, each asked so that the check keeps it", async () => {
    for (const passage of passages) {
      const facts = factsOf(passage).filter((fact) => fact.some((pair) => !checkPair(pair, passage)));
      expect(facts.length, passage.title).toBeGreaterThanOrEqual(4);
      const [result] = await ruleAugmenter.augment([passage], { pairs: 4 });
      expect(result?.augmented.pairs).toHaveLength(4);
    }
  });

  it("asks grammatically, in two wordings where it can", () => {
    const asked = passages.map((passage) =>
      factsOf(passage).map((fact) => fact.map(({ question, answer }) => `${question} ${answer}`)),
    );
    // Other questions are another augmenter: what was made before stays known as that of the old one. Raise the version.
    expect(asked).toMatchSnapshot(`version ${ruleAugmenter.version}`);
  });

  it("gives every pair only after the check", async () => {
    const results = await ruleAugmenter.augment(passages, { pairs: 50 });
    results.forEach(({ augmented }, i) => {
      expect(augmented.augmenter).toBe("rule");
      for (const pair of augmented.pairs) expect(checkPair(pair, passages[i]!)).toBeUndefined();
    });
  });

  it("depends on the passage and the seed alone", async () => {
    const together = await ruleAugmenter.augment(passages, { seed: 7 });
    const [alone] = await ruleAugmenter.augment([passages[1]!], { seed: 7 });
    expect(alone).toEqual(together[1]);
    const seeds = await Promise.all([1, 2, 3, 4].map((seed) => ruleAugmenter.augment(passages, { seed })));
    expect(new Set(seeds.map((result) => JSON.stringify(result))).size).toBeGreaterThan(1);
  });

  it("asks for different facts before it asks for one twice", async () => {
    const passage = passages[0]!;
    const facts = factsOf(passage).filter((fact) => fact.some((pair) => !checkPair(pair, passage)));
    const [result] = await ruleAugmenter.augment([passage], { pairs: facts.length });
    const asked = result!.augmented.pairs.map(({ question }) =>
      facts.findIndex((fact) => fact.some((pair) => pair.question === question)),
    );
    expect(new Set(asked).size).toBe(facts.length);
  });

  it("rewrites without losing or adding a fact, or not at all", async () => {
    const results = await ruleAugmenter.augment(passages);
    const rewritten = results.filter(({ augmented }) => augmented.rewrites.length > 0);
    expect(rewritten.length).toBeGreaterThan(0);
    for (const { augmented } of rewritten) {
      expect(augmented.rewrites[0]).not.toBe(augmented.passage.text);
      expect(missingFacts(augmented.passage.text, augmented.rewrites[0]!)).toEqual([]);
      expect(
        inventedFacts(`${augmented.passage.title}. ${augmented.passage.text}`, augmented.rewrites[0]!),
      ).toEqual([]);
    }
    const tied = passageOf("Elm", "Elm is a hamlet. There are two farms. They grow rye.");
    expect((await ruleAugmenter.augment([tied]))[0]?.augmented.rewrites).toEqual([]);
  });

  it("makes nothing of texts that it cannot read", async () => {
    for (const text of [
      "",
      "???",
      "한빛탑은 1993년에 대전에 세워졌다.",
      "a b c. ".repeat(400),
      "(".repeat(5000),
      `${"A very long ".repeat(3000)}.`,
    ]) {
      const [result] = await ruleAugmenter.augment([passageOf("", text)]);
      expect(result?.augmented.pairs).toEqual([]);
    }
  });
});
