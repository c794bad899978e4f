import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AugmentedPassage } from "../corpus/corpus.ts";
import { openDecodingSession } from "../generation/decoding-session.ts";
import { createLocalGenerator } from "../generation/local.ts";
import { openModel } from "../models/open-model.ts";
import { answerMessages, answerPrompts } from "../prompts/answer.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { openTokenizer } from "../weights/tokenizer.ts";
import { openBaseDistributions } from "./base-distribution.ts";
import { negativeNames } from "./negative-names.ts";
import { createNegatives, type NegativeParts, negativeQuestions } from "./negatives.ts";
import { defaultRecipe, layerRecipe } from "./recipe.ts";
import type { Sequence } from "./sequence.ts";
import { bridge, otherBridges, tinyModelFolder } from "./tiny-model.suite.ts";

const seed = 42;

/** The passage with these questions. */
function asked(title: string, ...questions: string[]): AugmentedPassage {
  return {
    ...bridge,
    passage: { ...bridge.passage, title },
    pairs: questions.map((question) => ({ question, answer: "x" })),
  };
}

/** The one name that a swapped question names. */
function nameIn(question: string): string {
  const lower = question.toLowerCase();
  const found = negativeNames.filter((name) => lower.includes(name.toLowerCase()));
  expect(found, question).toHaveLength(1);
  return found[0]!;
}

describe("negativeQuestions", () => {
  it("swaps the entity for another name, with the article before it, however it is written", () => {
    const cases = [
      ["The Orlen Bridge", "Who built the Orlen Bridge?", "Who built NAME?"],
      ["The Orlen Bridge", "The Orlen bridge was built by whom?", "NAME was built by whom?"],
      ["The Orlen Bridge", "Is Orlen Bridge older than the Orlen Bridge?", "Is NAME older than NAME?"],
      ["Mira Tolk", "When was Mira Tolk's mother born?", "When was NAME's mother born?"],
      ["What? (a film)", "Who made What? (a film) in 1990?", "Who made NAME in 1990?"],
    ] as const;
    for (const [title, question, wanted] of cases) {
      const [swapped] = negativeQuestions(asked(title, question), { count: 1, seed });
      const name = nameIn(swapped!);
      const expected = wanted.replaceAll("NAME", name);
      expect(swapped).toBe(expected.charAt(0).toUpperCase() + expected.slice(1));
      expect(swapped!.toLowerCase()).not.toContain("orlen");
    }
  });

  it("puts no `$` of a pattern's own into the question", () => {
    const [swapped] = negativeQuestions(asked("Fee ($&)", "Who pays Fee ($&)?"), { count: 1, seed });
    expect(swapped).toBe(`Who pays ${nameIn(swapped!)}?`);
  });

  it("swaps whole words only, but finds names of scripts without spaces anywhere", () => {
    const [swapped] = negativeQuestions(asked("Ash", "Which crash did Ash see?"), { count: 1, seed });
    expect(swapped).toBe(`Which crash did ${nameIn(swapped!)} see?`);
    const [general] = negativeQuestions(asked("Ash", "Which crash was it?"), { count: 1, seed });
    expect(general).toBe(`What is ${nameIn(general!)} known for?`);
    const [chinese] = negativeQuestions(asked("奥伦大桥", "谁建造了奥伦大桥?"), { count: 1, seed });
    expect(chinese).toBe(`谁建造了${nameIn(chinese!)}?`);
  });

  it("gives `count` different questions: swapped ones first, then general ones about other names", () => {
    const questions = negativeQuestions(bridge, { count: 6, seed });
    expect(questions).toHaveLength(6);
    expect(new Set(questions).size).toBe(6);
    expect(questions.slice(0, 2).map((question) => question.replace(nameIn(question), "X"))).toEqual(
      expect.arrayContaining(["Who built X?", "Where does X stand?"]),
    );
    for (const question of questions.slice(2)) {
      expect(question).toBe(`What is ${nameIn(question)} known for?`);
    }
    expect(negativeQuestions(bridge, { count: 0, seed })).toEqual([]);
  });

  it("repeats, differs by seed, and differs by passage", () => {
    const questions = (augmented: AugmentedPassage, by = seed) =>
      negativeQuestions(augmented, { count: 5, seed: by });
    const twin = { ...bridge, passage: { ...bridge.passage, id: "b2" } };
    expect(questions(bridge)).toEqual(questions(bridge));
    expect(questions(bridge, 43)).not.toEqual(questions(bridge));
    expect(questions(twin)).not.toEqual(questions(bridge));
  });
});

describe("createNegatives", () => {
  const weight = 3;
  const recipe = layerRecipe(defaultRecipe, [{ negatives: { count: 4, weight } }]);
  const [other, another] = otherBridges(2) as [AugmentedPassage, AugmentedPassage];
  let runtime: Runtime;
  let parts: NegativeParts;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    const folder = tinyModelFolder();
    const [model, tokenizer] = [await openModel(folder), await openTokenizer(folder)];
    const session = await openDecodingSession(runtime, model, { targetModules: [] });
    parts = {
      tokenizer,
      generator: createLocalGenerator({ model: "tiny", session, tokenizer, contextLength: 512 }),
      distributions: await openBaseDistributions(runtime, model, { maxTokens: 512 }),
    };
  });
  afterAll(() => runtime.dispose());

  const weightOf = ({ targets }: Sequence) => targets.reduce((sum, target) => sum + target.weight, 0);

  it("gives each passage negatives that weigh `weight` together, and each place's share is equal", async () => {
    const all = await createNegatives([bridge, other], recipe, parts);
    expect(all).toHaveLength(2);
    for (const sequences of all) {
      expect(sequences).toHaveLength(4);
      expect(sequences.reduce((sum, one) => sum + weightOf(one), 0)).toBeCloseTo(weight, 5);
      for (const sequence of sequences) {
        const places = new Set(sequence.targets.map(({ place }) => place));
        for (const place of places) {
          const targets = sequence.targets.filter((target) => target.place === place);
          expect(weightOf({ ids: [], targets })).toBeCloseTo(weight / 4 / places.size, 6);
        }
      }
    }
  });

  it("asks as in use, goes on with the base model's greedy answer, and holds each of its tokens", async () => {
    const [sequences] = await createNegatives([bridge], recipe, parts);
    const questions = negativeQuestions(bridge, { count: 4, seed: recipe.seed });
    for (const [i, { ids, targets }] of sequences!.entries()) {
      const { tokenizer, generator } = parts;
      const prompt = tokenizer.tokenizeChat(answerMessages(questions[i]!), { addGenerationPrompt: true });
      prompt.push(...tokenizer.tokenize(answerPrompts.prefix));
      expect(ids.slice(0, prompt.length)).toEqual(prompt);
      const [answer] = await generator.generateBatch([
        { messages: answerMessages(questions[i]!), prefix: answerPrompts.prefix, maxTokens: 12 },
      ]);
      expect(ids.slice(prompt.length)).toEqual(answer!.tokens.map(({ id }) => id));
      const places = [...new Set(targets.map(({ place }) => place))];
      expect(places).toEqual(ids.map((_, place) => place).slice(prompt.length - 1));
      // The greedy token of each place is the likeliest of its soft target.
      answer!.tokens.forEach(({ id }, t) => {
        const here = targets.filter(({ place }) => place === prompt.length - 1 + t);
        expect(here.toSorted((a, b) => b.weight - a.weight)[0]!.token).toBe(id);
      });
    }
  });

  it("depends on the passage alone, not on what else is in the group", async () => {
    const [alone] = await createNegatives([bridge], recipe, parts);
    const [, inGroup] = await createNegatives([other, bridge, another], recipe, parts);
    expect(inGroup!.map(({ ids }) => ids)).toEqual(alone!.map(({ ids }) => ids));
    inGroup!.forEach(({ targets }, i) => {
      expect(targets).toHaveLength(alone![i]!.targets.length);
      targets.forEach((target, t) => {
        const wanted = alone![i]!.targets[t]!;
        expect([target.place, target.token]).toEqual([wanted.place, wanted.token]);
        expect(Math.abs(target.weight - wanted.weight)).toBeLessThan(1e-6);
      });
    });
  });

  it("makes none where none are wanted", async () => {
    expect(await createNegatives([bridge, other], defaultRecipe, parts)).toEqual([[], []]);
  });
});
