import { Random } from "../base/random.ts";
import type { AugmentedPassage } from "../corpus/corpus.ts";
import type { Generator } from "../generation/generator.ts";
import { type AnswerPrompts, answerPrompts } from "../prompts/answer.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { BaseDistributions } from "./base-distribution.ts";
import { negativeNames } from "./negative-names.ts";
import type { Recipe } from "./recipe.ts";
import type { Sequence } from "./sequence.ts";

/** The passage's own questions with its entity swapped for another name, seeded by the passage: at most `count`. */
export function negativeQuestions(
  { passage, pairs }: AugmentedPassage,
  { count, seed }: { count: number; seed: number },
): string[] {
  const random = new Random(`negatives/${seed}/${passage.id}`);
  const names = random.shuffle(negativeNames);
  const questions = [...new Set(pairs.map(({ question }) => question))].filter((question) =>
    mentions(question, passage.title),
  );
  const swapped = random
    .shuffle(questions)
    .map((question, i) => swap(question, passage.title, names[i % names.length]!));
  const generic = names.map((name) => `What is ${name} known for?`);
  return [...swapped, ...generic].slice(0, count);
}

function mentions(question: string, title: string): boolean {
  return mentionOf(title).test(question);
}

/**
 * Finds the title as whole words, with the article before it if it has one. Words end where letters with case or
 * digits end: titles of scripts without spaces are found anywhere.
 */
function mentionOf(title: string): RegExp {
  const escaped = bareTitle(title).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{Lu}\\p{Ll}\\p{N}])(?:the )?${escaped}(?![\\p{Lu}\\p{Ll}\\p{N}])`, "giu");
}

function bareTitle(title: string): string {
  return title.toLowerCase().replace(/^the /, "");
}

/** Replaces every mention of the title. */
function swap(question: string, title: string, name: string): string {
  return question.replace(mentionOf(title), () => name).replace(/^[a-z]/, (letter) => letter.toUpperCase());
}

/** What negatives are made with. */
export interface NegativeParts {
  tokenizer: Tokenizer;
  generator: Generator;
  distributions: BaseDistributions;
  prompts?: AnswerPrompts | undefined;
}

/** Tokens of the base model's own answer that are held in place. */
const answerTokens = 12;

/**
 * Negatives of several passages, with the base model's greedy answers and its distribution at every token of them as
 * soft targets. The loss Σ −w · p_base · log p has the gradient of KL(base ‖ adapted), whose constant is left out. Each
 * passage's negatives have total weight `weight`.
 */
export async function createNegatives(
  passages: readonly AugmentedPassage[],
  recipe: Recipe,
  {
    tokenizer,
    generator,
    distributions,
    prompts = answerPrompts,
    signal,
  }: NegativeParts & { signal?: AbortSignal | undefined },
): Promise<Sequence[][]> {
  const { count, weight } = recipe.negatives;
  if (count === 0) return passages.map(() => []);
  const questions = passages.map((passage) => negativeQuestions(passage, { count, seed: recipe.seed }));
  const requests = questions.flat().map((question) => ({
    messages: prompts.messages(question),
    prefix: prompts.prefix,
    maxTokens: answerTokens,
  }));
  const answers = await generator.generateBatch(requests, { signal });
  const prepared = answers.map((answer, i) => {
    const prompt = tokenizer.tokenizeChat(requests[i]!.messages, { addGenerationPrompt: true });
    prompt.push(...tokenizer.tokenize(prompts.prefix));
    const ids = [...prompt, ...answer.tokens.map(({ id }) => id)];
    return { ids, from: prompt.length - 1 };
  });
  const scored = await distributions.score(prepared, { signal });
  let next = 0;
  return questions.map((list) =>
    list.map((): Sequence => {
      const { ids, from } = prepared[next]!;
      const places = scored[next++]!;
      const share = weight / list.length / places.length;
      const targets = places.flatMap((tokens, i) =>
        tokens.map(({ token, probability }) => ({ place: from + i, token, weight: share * probability })),
      );
      return { ids, targets };
    }),
  );
}
