import { canonicalJson, sha256 } from "../base/hash.ts";
import { type AnswerPrompts, answerPrompts } from "./answer.ts";
import { questionsMessages, questionsText, rewriteMessages } from "./augment.ts";
import { createReasoningPrompts, directPrompts } from "./reference.ts";

/** Every prompt rendered once with placeholders: what a golden test compares and provenance hashes. */
export function renderAllPrompts(): Record<string, unknown> {
  const passage = { title: "{title}", text: "{text}" };
  const pair = { question: "{question}", answer: "{answer}", fullAnswer: "{fullAnswer}" };
  const rendered = (prompts: AnswerPrompts) => ({
    closedBook: prompts.messages(pair.question),
    onePassage: prompts.messages(pair.question, { passages: [passage] }),
    twoPassages: prompts.messages(pair.question, { passages: [passage, passage] }),
    prefix: prompts.prefix,
    target: prompts.target(pair),
  });
  return {
    answer: rendered(answerPrompts),
    referenceDirect: rendered(directPrompts),
    referenceReasoning: rendered(createReasoningPrompts()),
    questions: questionsMessages(passage, 3),
    questionsTarget: questionsText([pair, pair]),
    rewrite: rewriteMessages(passage),
  };
}

/** SHA-256 of all prompt texts: recorded with what was trained or generated with them. */
export function promptsHash(): string {
  return sha256(canonicalJson(renderAllPrompts()));
}
