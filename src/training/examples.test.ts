import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../base/errors.ts";
import type { AugmentedPassage } from "../corpus/corpus.ts";
import { answerMessages, answerPrompts } from "../prompts/answer.ts";
import { directPrompts } from "../prompts/reference.ts";
import { byteFallbackTokenizer, writeFolder } from "../weights/tiny-tokenizer.suite.ts";
import { openTokenizer, type Tokenizer } from "../weights/tokenizer.ts";
import { createSequences, type ExampleParts } from "./examples.ts";
import { defaultRecipe, layerRecipe, type PartialRecipe, type Recipe } from "./recipe.ts";
import type { Sequence } from "./sequence.ts";
import { bridge, tinyModelFolder } from "./tiny-model.suite.ts";

const [P, R] = [bridge.passage.text, bridge.rewrites[0]!];
const withRewrites: AugmentedPassage = {
  ...bridge,
  rewrites: [R, "Second rewrite, of Mira Tolk in Quern, nine."],
};

let tokenizer: Tokenizer;
let parts: ExampleParts;
beforeAll(async () => {
  tokenizer = await openTokenizer(tinyModelFolder());
  parts = { tokenizer, supports: () => true };
});

const recipe = (settings: PartialRecipe): Recipe => layerRecipe(defaultRecipe, [settings]);
const textOf = ({ ids }: Sequence) => tokenizer.detokenize(ids, { skipSpecialTokens: false });
const make = (settings: PartialRecipe, augmented = bridge, given: Partial<ExampleParts> = {}) =>
  createSequences(augmented, recipe(settings), { ...parts, ...given });

/** Which text stands in the prompt, and which pair is asked. */
function contentOf(sequence: Sequence, augmented = bridge): string {
  const text = textOf(sequence);
  const versions = [augmented.passage.text, ...augmented.rewrites];
  const version = ["P", "R", "R2"].filter((_, i) => versions[i] && text.includes(versions[i]!));
  const pair = augmented.pairs.findIndex(({ question }) => text.includes(`Question: ${question}`));
  return `${version.join("+") || "-"} q${pair + 1}`;
}

describe("patterns", () => {
  it("reference: the code's five sequences in its order for three pairs", () => {
    expect(make({ pattern: "reference" }).map((one) => contentOf(one))).toEqual([
      "P q1",
      "R q1",
      "P q2",
      "R q2",
      "- q3",
    ]);
  });

  it("reference: other numbers of pairs, half of them (rounded up) with texts; only the first rewrite", () => {
    const some = (m: number) => ({ ...withRewrites, pairs: bridge.pairs.slice(0, m) });
    expect(make({ pattern: "reference" }, some(1)).map((one) => contentOf(one, withRewrites))).toEqual([
      "P q1",
      "R q1",
    ]);
    expect(make({ pattern: "reference" }, some(2)).map((one) => contentOf(one, withRewrites))).toEqual([
      "P q1",
      "R q1",
      "- q2",
    ]);
  });

  it("product: every version with every pair", () => {
    expect(make({ pattern: "product" }, withRewrites).map((one) => contentOf(one, withRewrites))).toEqual(
      ["q1", "q2", "q3"].flatMap((pair) => [`P ${pair}`, `R ${pair}`, `R2 ${pair}`]),
    );
  });

  it("pairs: each pair alone", () => {
    expect(make({ pattern: "pairs" }).map((one) => contentOf(one))).toEqual(["- q1", "- q2", "- q3"]);
  });

  it("uses at most `pairs` pairs, in order", () => {
    expect(make({ pattern: "pairs", pairs: 2 }).map((one) => contentOf(one))).toEqual(["- q1", "- q2"]);
  });
});

describe("without", () => {
  it("rewrite: the passage and the pairs", () => {
    expect(make({ pattern: "product", without: "rewrite" }).map((one) => contentOf(one))).toEqual([
      "P q1",
      "P q2",
      "P q3",
    ]);
  });

  it("qa: passage and rewrite as plain text; both: the passage alone", () => {
    const { title } = bridge.passage;
    const plain = (text: string) => tokenizer.tokenize(`${title}\n${text}`, { addSpecialTokens: true });
    expect(make({ without: "qa" }).map(({ ids }) => ids)).toEqual([plain(P), plain(R)]);
    expect(make({ without: "both" }).map(({ ids }) => ids)).toEqual([plain(P)]);
  });

  it("qa: a text that is too long loses its end, and has no answer to lose", () => {
    const [sequence] = make({ without: "both", maxTokens: 16 });
    expect(sequence!.ids).toHaveLength(16);
    expect(textOf(sequence!)).toMatch(/^The Orlen Bridge\n/);
  });
});

describe("support", () => {
  it("leaves out a pair with a rewrite that does not support it, never with the passage itself", () => {
    const supports = (text: string, answer: string) => text.includes(answer);
    const contents = make({ pattern: "product" }, bridge, { supports }).map((one) => contentOf(one));
    expect(contents).toEqual(["P q1", "R q1", "P q2", "P q3", "R q3"]);
    const none = make({ pattern: "product" }, bridge, { supports: () => false });
    expect(none.map((one) => contentOf(one))).toEqual(["P q1", "P q2", "P q3"]);
  });
});

describe("what counts in the loss", () => {
  it("mask all: every token after the first, alike", () => {
    for (const { ids, targets } of make({ mask: "all" })) {
      expect(targets.map(({ place }) => place)).toEqual([...ids.keys()].slice(0, -1));
      expect(targets.map(({ token }) => token)).toEqual(ids.slice(1));
      expect(new Set(targets.map(({ weight }) => weight)).size).toBe(1);
    }
  });

  it("mask answer: what follows the prefix, and nothing else", () => {
    for (const [i, { targets }] of make({ pattern: "pairs", mask: "answer" }).entries()) {
      const answer = ` ${bridge.pairs[i]!.answer}.`;
      expect(targets.map(({ token }) => token)).toEqual(tokenizer.tokenize(answer));
    }
  });

  it.each(["all", "answer"] as const)("weights sum to 1 (%s)", (mask) => {
    for (const { targets } of make({ mask })) {
      expect(targets.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
    }
  });

  it("endOfTurn adds the token that ends the assistant's turn, as the last target", () => {
    const end = tokenizer.endOfTurnId!;
    expect(tokenizer.detokenize([end], { skipSpecialTokens: false })).toBe("<|im_end|>");
    const [without] = make({ pattern: "pairs", mask: "answer" });
    const [sequence] = make({ pattern: "pairs", mask: "answer", endOfTurn: true });
    expect(sequence!.ids).toEqual([...without!.ids, end]);
    expect(sequence!.targets.at(-1)).toMatchObject({ place: sequence!.ids.length - 2, token: end });
  });
});

describe("tokens", () => {
  it("are those of use: prompt and prefix begin the sequence as the generator feeds them", () => {
    const asked = bridge.pairs.map(({ question }) => [
      ...tokenizer.tokenizeChat(answerMessages(question), { addGenerationPrompt: true }),
      ...tokenizer.tokenize(answerPrompts.prefix),
    ]);
    make({ pattern: "pairs" }).forEach(({ ids }, i) => {
      expect(ids.slice(0, asked[i]!.length)).toEqual(asked[i]);
      expect(tokenizer.detokenize(ids.slice(asked[i]!.length))).toBe(` ${bridge.pairs[i]!.answer}.`);
    });
  });

  it("of a tokenizer that sets a space before every text: none is doubled behind the prefix", async () => {
    const folder = mkdtempSync(join(tmpdir(), "examples-"));
    try {
      const config = { chat_template: "{% for message in messages %}{{ message.content }}{% endfor %}" };
      const files = { "tokenizer.json": byteFallbackTokenizer(["i s"]), "tokenizer_config.json": config };
      const spaced = await openTokenizer(writeFolder(folder, files));
      const sequences = make({ pattern: "pairs" }, bridge, { tokenizer: spaced });
      sequences.forEach(({ ids }, i) => {
        const { question, answer } = bridge.pairs[i]!;
        const prompt = spaced.tokenizeChat(answerMessages(question), { addGenerationPrompt: true });
        expect(ids).toEqual([...prompt, ...spaced.tokenize(`The answer is ${answer}.`)]);
        const begun = [...prompt, ...spaced.tokenize(answerPrompts.prefix)];
        expect(ids.slice(0, begun.length)).toEqual(begun);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("of the reference's prompts: the whole target is tokenised at once", () => {
    const sequences = make({ pattern: "pairs" }, bridge, { prompts: directPrompts });
    sequences.forEach(({ ids }, i) => {
      const { question, answer } = bridge.pairs[i]!;
      expect(ids).toEqual([
        ...tokenizer.tokenizeChat(directPrompts.messages(question), { addGenerationPrompt: true }),
        ...tokenizer.tokenize(`The answer is ${answer}.`),
      ]);
    });
  });
});

describe("truncation", () => {
  const whole = () => make({ pattern: "product" })[0]!;

  it("changes nothing that fits", () => {
    const length = whole().ids.length;
    expect(make({ pattern: "product", maxTokens: length })[0]).toEqual(whole());
    expect(make({ pattern: "product", maxTokens: length - 1 })[0]!.ids.length).toBeLessThan(length);
  });

  it("leaves words out from the passage's beginning, as few as need be, and keeps question and answer", () => {
    const words = P.split(/(?<=\s)/);
    let before = words.length;
    for (let maxTokens = whole().ids.length - 1; maxTokens >= whole().ids.length - 40; maxTokens -= 3) {
      const text = textOf(make({ pattern: "product", maxTokens })[0]!);
      const kept = words.length - words.findIndex((_, i) => text.includes(words.slice(i).join("")));
      expect(text).toContain(words.slice(words.length - kept).join(""));
      expect(text).not.toContain(`The Orlen Bridge\n${words[0]}`);
      expect(text).toContain("Question: Who built the Orlen Bridge?");
      expect(text.endsWith("The answer is Mira Tolk.")).toBe(true);
      expect(make({ pattern: "product", maxTokens })[0]!.ids.length).toBeLessThanOrEqual(maxTokens);
      expect(kept).toBeLessThanOrEqual(before);
      before = kept;
    }
    expect(before).toBeGreaterThan(0);
  });

  it("cuts text without spaces too, word by word", () => {
    const text = "奥伦大桥建于一八七一年。它有九个红石拱门。它位于奎恩城的河边。";
    const chinese = { ...bridge, passage: { ...bridge.passage, text }, rewrites: [] };
    const full = make({ pattern: "product" }, chinese)[0]!;
    const cut = textOf(make({ pattern: "product", maxTokens: full.ids.length - 12 }, chinese)[0]!);
    expect(cut).toContain("它位于奎恩城的河边。");
    expect(cut).not.toContain("奥伦大桥建于");
  });

  it("refuses a sequence that does not fit even without the passage, and says what to do", () => {
    expect(() => make({ pattern: "product", maxTokens: 16 })).toThrow(InputError);
    expect(() => make({ pattern: "pairs", maxTokens: 16 })).toThrow(/maxTokens/);
  });
});
