import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AugmentedPassage } from "../corpus/corpus.ts";
import { openDecodingSession } from "../generation/decoding-session.ts";
import { createLocalGenerator } from "../generation/local.ts";
import { openModel } from "../models/open-model.ts";
import { answerMessages, answerPrompts } from "../prompts/answer.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { openTokenizer } from "../weights/tokenizer.ts";
import { openBaseDistributions } from "./base-distribution.ts";
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

/** What stands where `NAME` stands in the pattern. */
function nameIn(question: string | undefined, pattern: string): string {
  const escaped = pattern.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = new RegExp(`^${escaped.replace("NAME", "(.+)").replaceAll("NAME", "\\1")}$`).exec(
    question ?? "",
  );
  expect(found, `${question} in the form of ${pattern}`).not.toBeNull();
  return found![1]!;
}

const one = (title: string, question: string) =>
  negativeQuestions(asked(title, question), { count: 1, seed })[0];

describe("negativeQuestions", () => {
  it("asks none of the own questions of a passage without a title", () => {
    const question = "Where was Ann Orme born?";
    const made = negativeQuestions(asked("", question), { count: 8, seed });
    expect(made).toHaveLength(8);
    for (const negative of made) expect(negative).not.toContain("Ann Orme");
  });

  it("swaps the entity for another name of its form, and keeps the article before it", () => {
    const cases = [
      ["The Orlen Bridge", "Who built the Orlen Bridge?", "Who built the NAME Bridge?"],
      ["The Orlen Bridge", "The Orlen bridge was built by whom?", "The NAME Bridge was built by whom?"],
      [
        "The Orlen Bridge",
        "Is Orlen Bridge older than the Orlen Bridge?",
        "Is NAME Bridge older than the NAME Bridge?",
      ],
      ["Mira Tolk", "When was Mira Tolk's mother born?", "When was NAME's mother born?"],
    ] as const;
    for (const [title, question, pattern] of cases) {
      const name = nameIn(one(title, question), pattern);
      expect(name).not.toBe("Orlen");
      expect(name).not.toBe("Mira Tolk");
      expect(name).toMatch(/^\p{Lu}/u);
    }
  });

  it("takes titles literally, with signs that patterns give a meaning", () => {
    expect(one("Fee ($&)", "Who pays Fee ($&)?")).toMatch(/^Who pays \p{Lu}\S+ /u);
  });

  it("swaps whole words only, but finds names of scripts without spaces anywhere", () => {
    nameIn(one("Ash", "Which crash did Ash see?"), "Which crash did NAME see?");
    expect(one("Ash", "Which crash was it?")).not.toContain("crash");
    nameIn(one("奥伦大桥", "谁建造了奥伦大桥?"), "谁建造了NAME?");
  });

  it("gives `count` questions, in turn the passage's own and common ones, with ever other names", () => {
    const questions = negativeQuestions(bridge, { count: 12, seed });
    expect(questions).toHaveLength(12);
    expect(new Set(questions).size).toBe(12);
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
        { messages: answerMessages(questions[i]!), prefix: answerPrompts.prefix, maxTokens: 3 },
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
