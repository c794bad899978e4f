import { canonicalJson, sha256 } from "../base/hash.ts";
import type { QuestionAnswer } from "../corpus/corpus.ts";
import { type AnswerPrompts, answerPrompts, type PromptPassage } from "./answer.ts";
import { questionsMessages, questionsText, rewriteMessages } from "./augment.ts";
import { createReasoningPrompts, directPrompts } from "./reference.ts";

/** Every prompt rendered once with placeholders: what a golden test compares and provenance hashes. */
export function renderAllPrompts(): Record<string, unknown> {
  const passage = { title: "{title}", text: "{text}" };
  const pair = { question: "{question}", answer: "{answer}", fullAnswer: "{fullAnswer}" };
  const rendered = (prompts: AnswerPrompts) => renderPrompts(prompts, { passage, pair });
  return {
    answer: rendered(answerPrompts),
    referenceDirect: rendered(directPrompts),
    referenceReasoning: rendered(createReasoningPrompts()),
    questions: questionsMessages(passage, 3),
    questionsTarget: questionsText([pair, pair]),
    rewrite: rewriteMessages(passage),
  };
}

function renderPrompts(
  prompts: AnswerPrompts,
  { passage, pair }: { passage: PromptPassage; pair: QuestionAnswer },
): Record<string, unknown> {
  return {
    closedBook: prompts.messages(pair.question),
    onePassage: prompts.messages(pair.question, { passages: [passage] }),
    twoPassages: prompts.messages(pair.question, { passages: [passage, passage] }),
    prefix: prompts.prefix,
    target: prompts.target(pair),
  };
}

/** SHA-256 of the texts that training and augmentation use: recorded with what was made with them. */
export function promptsHash(): string {
  return sha256(canonicalJson(renderAllPrompts()));
}

/** SHA-256 of one way to ask, its examples and what DA-RAG shows included: recorded with answers. */
export function answerPromptsHash(prompts: AnswerPrompts): string {
  const pair = { question: "{question}", answer: "{answer}", fullAnswer: "{fullAnswer}" };
  const passage = { title: "{title}", text: "{text}", rewrites: ["{rewrite}"], pairs: [pair] };
  return sha256(canonicalJson(renderPrompts(prompts, { passage, pair })));
}
