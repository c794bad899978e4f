import { Random } from "../base/random.ts";
import type { AugmentedPassage } from "../corpus/corpus.ts";
import type { Generator } from "../generation/generator.ts";
import { type AnswerPrompts, answerPrompts } from "../prompts/answer.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { BaseDistributions } from "./base-distribution.ts";
import { anyName, commonQuestions, otherName } from "./negative-names.ts";
import type { Recipe } from "./recipe.ts";
import type { Sequence } from "./sequence.ts";

/**
 * Questions that the adapter must leave to the base model, seeded by the passage: in turn one of the passage's own with its
 * entity swapped for another name of the same form (if a question names the title), and a common one about any name.
 */
export function negativeQuestions(
  { passage, pairs }: AugmentedPassage,
  { count, seed }: { count: number; seed: number },
): string[] {
  const random = new Random(`negatives/${seed}/${passage.id}`);
  const distinct = [...new Set(pairs.map(({ question }) => question))];
  const own = random.shuffle(distinct.filter((question) => mentions(question, passage.title)));
  const common = random.shuffle(commonQuestions);
  return Array.from({ length: count }, (_, i) => {
    const turn = Math.floor(i / 2);
    const question = own[turn % own.length];
    if (question !== undefined && i % 2 === 0)
      return swap(question, passage.title, otherName(passage.title, random));
    return common[turn % common.length]!.replace("NAME", anyName(random));
  });
}

function mentions(question: string, title: string): boolean {
  return bareTitle(title).trim() !== "" && mentionOf(title).test(question);
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

/** Replaces every mention of the title; an article before it stays, or it would tell the two apart. */
function swap(question: string, title: string, name: string): string {
  const swapped = question.replace(
    mentionOf(title),
    (mention) => `${/^the /i.exec(mention)?.[0] ?? ""}${name}`,
  );
  return swapped.replace(/^[a-z]/, (letter) => letter.toUpperCase());
}

/** What negatives are made with. */
export interface NegativeParts {
  tokenizer: Tokenizer;
  generator: Generator;
  distributions: BaseDistributions;
  prompts?: AnswerPrompts | undefined;
}

/** Tokens of the base model's own answer that are held in place. */
const answerTokens = 3;

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
