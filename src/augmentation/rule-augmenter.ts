import { Random } from "../base/random.ts";
import type { Passage, QuestionAnswer } from "../corpus/corpus.ts";
import { sentences } from "../text/sentences.ts";
import {
  type Augmentation,
  type Augmenter,
  type AugmentOptions,
  augmentDefaults,
  countDropped,
  emptyAccount,
} from "./augmenter.ts";
import { checkPair, questionKey } from "./check.ts";
import { type Clause, clausesOf, splitSentence } from "./rules/clause.ts";
import { definitionFacts } from "./rules/definition.ts";
import { gapsOf } from "./rules/gaps.ts";
import { capitalize } from "./rules/phrases.ts";
import { questionsOf } from "./rules/questions.ts";
import { rewriteByRule } from "./rules/rewrite.ts";
import type { FactQuestions } from "./rules/statement.ts";
import {
  isTopicPhrase,
  resolveSubject,
  type Subject,
  type Topic,
  topicOf,
  withTitle,
} from "./rules/subject.ts";

/**
 * Makes questions from the sentences of a passage by rule, without a model; English only. It asks for every fact once
 * before it asks for any in other words; which fact comes first is drawn by the seed.
 */
export const ruleAugmenter: Augmenter = {
  name: "rule",
  version: "4",
  augment: async (passages, options) => passages.map((passage) => augmentByRule(passage, options)),
};

function augmentByRule(
  passage: Passage,
  {
    rewrites = augmentDefaults.rewrites,
    pairs = augmentDefaults.pairs,
    seed = augmentDefaults.seed,
  }: AugmentOptions = {},
): Augmentation {
  const random = new Random(`rule/${seed}/${passage.id}`);
  const account = emptyAccount();
  const isUsable = (pair: QuestionAnswer) => {
    account.pairs.made++;
    const reason = checkPair(pair, passage);
    if (reason) countDropped(account, reason);
    else account.pairs.usable++;
    return reason === undefined;
  };
  const facts = factsOf(passage).map((fact) => fact.filter(isUsable));
  const gaps = gapsIn(passage).filter(isUsable);
  const chosen = choosePairs(facts, gaps, { count: pairs, random: random.fork("pairs") });
  const rewritten = rewrites > 0 ? rewriteByRule(passage, random.fork("rewrite")) : undefined;
  const kept = rewritten === undefined ? [] : [rewritten];
  account.rewrites = { made: kept.length, usable: kept.length };
  return { augmented: { passage, rewrites: kept, pairs: chosen, augmenter: "rule" }, account };
}

/** The facts of a passage in its order, each with its wordings. */
export function factsOf(passage: Pick<Passage, "title" | "text">): FactQuestions[] {
  const { topic, text } = topicOf(passage);
  const facts: FactQuestions[] = [];
  let previous: Subject | undefined;
  const told = sentences(text);
  for (const sentence of told.flatMap(splitSentence)) {
    const clauses = clausesOf(sentence, (phrase) => isTopicPhrase(phrase, topic));
    const subject = clauses[0] && resolveSubject(clauses[0].subject, topic, previous);
    if (subject)
      for (const clause of clauses) facts.push(...questionsOf(withSubject(clause, subject, topic.name)));
    previous = subject ?? unparsed(sentence, topic, previous);
  }
  facts.push(...definitionFacts(told[0] ?? "", topic));
  // Of two answers to one question the first is the one that the passage is about.
  const keys = facts.map((fact) => questionKey(fact[0]!.question));
  return facts
    .filter((_fact, i) => keys.indexOf(keys[i]!) === i)
    .map((fact) =>
      fact.map(({ question, answer }) => ({
        question: capitalize(withTitle(question, topic)),
        answer: withTitle(answer, topic),
      })),
    );
}

/** Questions that are a sentence with a gap: see `gapsOf`. */
export function gapsIn(passage: Pick<Passage, "title" | "text">): QuestionAnswer[] {
  const { topic, text } = topicOf(passage);
  const gaps: QuestionAnswer[] = [];
  let previous: Subject | undefined;
  for (const sentence of sentences(text)) {
    gaps.push(...gapsOf(sentence, topic, previous?.isTopic ?? true));
    previous = unparsed(sentence, topic, previous);
  }
  return gaps.map(({ question, answer }) => ({
    question: capitalize(withTitle(question, topic)),
    answer: withTitle(answer, topic),
  }));
}

/** The subject of a sentence that could not be taken apart, as far as its beginning tells. */
function unparsed(sentence: string, topic: Topic, previous: Subject | undefined): Subject {
  const words = sentence.split(" ");
  const speaksOfTopic = [1, 2, 3, 4, 5].some((length) => {
    const phrase = words.slice(0, length).join(" ");
    return isTopicPhrase(phrase, topic) && (!/^(?:It|He|She)$/.test(phrase) || (previous?.isTopic ?? true));
  });
  return { text: speaksOfTopic ? topic.name : "", isTopic: speaksOfTopic, isPerson: topic.isPerson };
}

/** "founded it" is "founded the Tarrigan Line" where the subject is somebody else. */
function withSubject(clause: Clause, who: Subject, topic: string): Clause & { who: Subject } {
  const object = !who.isTopic && /^(?:it|him|her)$/.test(clause.object) ? topic : clause.object;
  return { ...clause, object, who };
}

/**
 * First wordings of all facts in drawn order, then the gaps whose answer nothing has asked for, then second wordings and so
 * on, and the other gaps at last.
 */
function choosePairs(
  facts: readonly FactQuestions[],
  gaps: readonly QuestionAnswer[],
  { count, random }: { count: number; random: Random },
): QuestionAnswer[] {
  const drawn = random.shuffle(facts.filter((fact) => fact.length > 0)).map((fact) => random.shuffle(fact));
  const rounds = Math.max(0, ...drawn.map((fact) => fact.length));
  const wordings = Array.from({ length: rounds }, (_, round) =>
    drawn.flatMap((fact) => fact.slice(round, round + 1)),
  );
  const asked = new Set(wordings[0]?.map(({ answer }) => questionKey(answer)));
  const [others, again]: [QuestionAnswer[], QuestionAnswer[]] = [[], []];
  for (const gap of random.shuffle(gaps)) {
    const key = questionKey(gap.answer);
    (asked.has(key) ? again : others).push(gap);
    asked.add(key);
  }
  const chosen = new Map<string, QuestionAnswer>();
  for (const pair of [wordings[0] ?? [], others, ...wordings.slice(1), again].flat()) {
    const key = questionKey(pair.question);
    if (chosen.size < count && !chosen.has(key)) chosen.set(key, pair);
  }
  return [...chosen.values()];
}
