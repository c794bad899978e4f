import { Random } from "../base/random.ts";
import type { Question } from "./questions.ts";

/** Which questions are asked: the first, the first of each type, or a seeded draw in which each type has its share. */
export const sampleOrders = ["first", "first-per-type", "stratified"] as const;
export type SampleOrder = (typeof sampleOrders)[number];

export interface SampleOptions {
  /** How many (of each type for `first-per-type`); all where absent. */
  size?: number | undefined;
  order?: SampleOrder | undefined;
  seed?: number | undefined;
}

/** Some of the questions, in their order. */
export function sampleQuestions(
  questions: readonly Question[],
  { size, order = "first", seed = 42 }: SampleOptions = {},
): Question[] {
  if (size === undefined) return [...questions];
  if (order === "first") return questions.slice(0, size);
  const wanted = new Set<Question>();
  const shares = order === "stratified" ? sharesOf(questions, size) : undefined;
  for (const [type, some] of byType(questions)) {
    const count = shares?.get(type) ?? size;
    const random = new Random(`sample/${seed}`).fork(type);
    const drawn = order === "stratified" ? random.sample(some, count) : some.slice(0, count);
    for (const question of drawn) wanted.add(question);
  }
  return questions.filter((question) => wanted.has(question));
}

/** How many questions of each type make `size` in proportion: whole parts, then the largest remainders. */
function sharesOf(questions: readonly Question[], size: number): Map<string, number> {
  const total = Math.min(size, questions.length);
  const parts = [...byType(questions)].map(([type, some]) => {
    const exact = (total * some.length) / questions.length;
    return { type, count: Math.floor(exact), remainder: exact % 1 };
  });
  const left = total - parts.reduce((sum, { count }) => sum + count, 0);
  const sorted = [...parts].sort((a, b) => b.remainder - a.remainder || (a.type < b.type ? -1 : 1));
  for (const part of sorted.slice(0, left)) part.count++;
  return new Map(parts.map(({ type, count }) => [type, count]));
}

/** Questions by their type, in the order in which types first come. */
function byType(questions: readonly Question[]): Map<string, Question[]> {
  const types = new Map<string, Question[]>();
  for (const question of questions) {
    const some = types.get(question.type);
    if (some) some.push(question);
    else types.set(question.type, [question]);
  }
  return types;
}
