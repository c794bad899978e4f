import { InputError } from "../base/errors.ts";
import type { AugmentedPassage, QuestionAnswer } from "../corpus/corpus.ts";
import { type AnswerPrompts, answerPrompts, type PromptPassage } from "../prompts/answer.ts";
import { trainingDialogue } from "../prompts/examples.ts";
import { wordSpans } from "../text/words.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { Recipe } from "./recipe.ts";
import { createSequence, type Sequence } from "./sequence.ts";

/** What sequences are made with. */
export interface ExampleParts {
  tokenizer: Tokenizer;
  prompts?: AnswerPrompts | undefined;
  /** Whether a text still says what the answer says; a rewrite that does not is not trained with that pair. */
  supports: (text: string, answer: string) => boolean;
}

/** One training sequence before tokens: a pair with one version of the passage, or with none. */
export interface Example {
  pair: QuestionAnswer;
  passage: PromptPassage | undefined;
}

/** The sequences from which a passage's adapter is trained, in the order of recipe `reference`; each has weight 1. */
export function createSequences(
  augmented: AugmentedPassage,
  recipe: Recipe,
  parts: ExampleParts,
): Sequence[] {
  const versions = versionsOf(augmented, recipe);
  if (recipe.without === "qa" || recipe.without === "both") {
    return versions.map((version) => plainSequence(version, recipe, parts));
  }
  const pairs = recipe.pairs ? augmented.pairs.slice(0, recipe.pairs) : augmented.pairs;
  return examplesOf(recipe.pattern, versions, pairs)
    .filter(
      ({ pair, passage }) => !passage || passage === versions[0] || parts.supports(passage.text, pair.answer),
    )
    .map((example) => dialogueSequence(example, recipe, parts));
}

/** The passage, then its rewrites. */
function versionsOf({ passage, rewrites }: AugmentedPassage, { without }: Recipe): PromptPassage[] {
  const original = { title: passage.title, text: passage.text };
  if (without === "rewrite" || without === "both") return [original];
  return [original, ...rewrites.map((text) => ({ title: passage.title, text }))];
}

function examplesOf(
  pattern: Recipe["pattern"],
  versions: readonly PromptPassage[],
  pairs: readonly QuestionAnswer[],
): Example[] {
  switch (pattern) {
    case "pairs":
      return pairs.map((pair) => ({ pair, passage: undefined }));
    case "product":
      return pairs.flatMap((pair) => versions.map((passage) => ({ pair, passage })));
    case "reference": {
      // The code's order for m pairs: the first half (rounded up) with passage and rewrite, the rest alone.
      const withPassage = Math.floor((pairs.length + 1) / 2);
      return pairs.flatMap((pair, i): Example[] =>
        i < withPassage
          ? versions.slice(0, 2).map((passage) => ({ pair, passage }))
          : [{ pair, passage: undefined }],
      );
    }
  }
}

/** The text alone, as language: title and text, every token counts. */
function plainSequence(
  { title, text }: PromptPassage,
  recipe: Recipe,
  { tokenizer }: ExampleParts,
): Sequence {
  const ids = tokenizer.tokenize(`${title}\n${text}`, { addSpecialTokens: true });
  return createSequence(ids.slice(0, recipe.maxTokens));
}

/** The sequence of one pair: the prompt of inference, then what the assistant is to say. */
export function dialogueSequence(example: Example, recipe: Recipe, parts: ExampleParts): Sequence {
  const target = targetTokens(example.pair, recipe, parts);
  const prompt = promptTokens(example, recipe.maxTokens - target.ids.length, parts);
  const from = recipe.mask === "all" ? 1 : prompt.length + target.prefixLength;
  return createSequence([...prompt, ...target.ids], { from });
}

/**
 * The assistant's turn. The prefix that generation will start from is tokenised by itself, so where the tokens of the whole
 * sentence begin otherwise, the rest is tokenised apart: the tokens in training are those in use. Only there, since many a
 * tokenizer sets a space before every text. The reference tokenises the whole sentence, and so does `--compat reference`
 * (its prefix ends with a space that belongs to the next token).
 */
function targetTokens(
  pair: QuestionAnswer,
  { endOfTurn }: Recipe,
  { tokenizer, prompts = answerPrompts }: ExampleParts,
): { ids: number[]; prefixLength: number } {
  const text = prompts.target(pair);
  const prefix = tokenizer.tokenize(prompts.prefix.trimEnd());
  const whole = tokenizer.tokenize(text);
  const isWhole =
    prompts.prefix.endsWith(" ") ||
    !text.startsWith(prompts.prefix) ||
    prefix.every((id, i) => id === whole[i]);
  const joined = isWhole ? whole : [...prefix, ...tokenizer.tokenize(text.slice(prompts.prefix.length))];
  const end = endOfTurn && tokenizer.endOfTurnId !== undefined ? [tokenizer.endOfTurnId] : [];
  return { ids: [...joined, ...end], prefixLength: prefix.length };
}

/** The user's turn in at most `limit` tokens: words of the passage are left out from its beginning until it fits. */
function promptTokens(example: Example, limit: number, parts: ExampleParts): number[] {
  const { pair, passage } = example;
  const { tokenizer, prompts = answerPrompts } = parts;
  const render = (shown: PromptPassage | undefined) =>
    tokenizer.tokenizeChat(trainingDialogue(pair, { passage: shown, prompts }).messages, {
      addGenerationPrompt: true,
    });
  const whole = render(passage);
  if (whole.length <= limit) return whole;
  const words = passage ? wordSpans(passage.text) : [];
  const renderLast = (count: number) =>
    passage
      ? render({
          ...passage,
          text: passage.text.slice(words[words.length - count]?.start ?? passage.text.length),
        })
      : whole;
  let [keep, tooMany] = [0, words.length];
  while (tooMany - keep > 1) {
    const middle = Math.floor((keep + tooMany) / 2);
    if (renderLast(middle).length <= limit) keep = middle;
    else tooMany = middle;
  }
  const shortened = renderLast(keep);
  if (shortened.length <= limit) return shortened;
  throw new InputError(
    `the question "${pair.question}" has ${shortened.length} tokens without its passage, but beside its answer there is room for ${limit}; raise the recipe's maxTokens, or leave the pair out`,
  );
}
