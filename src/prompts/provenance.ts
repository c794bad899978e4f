import { canonicalJson, sha256 } from "../base/hash.ts";
import type { QuestionAnswer } from "../corpus/corpus.ts";
import { type AnswerPrompts, answerPrompts, type PromptPassage } from "./answer.ts";
import { questionsMessages, questionsText, rewriteMessages } from "./augment.ts";
import {
  cluesMessages,
  draftPassageMessages,
  gistMessages,
  keyPointsMessages,
  memoryFrame,
  notesMessages,
  partsMessages,
  summaryMessages,
} from "./memory.ts";
import { createReasoningPrompts, directPrompts } from "./reference.ts";

/** What training and augmentation say, rendered once with placeholders: what a golden test compares and provenance hashes. */
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

/** What a method asks before it answers, and says around a remembered text; nothing for most. */
function renderPreparation(method: string): unknown {
  const question = "{question}";
  switch (method) {
    case "hyde":
      return draftPassageMessages(question);
    case "decompose":
      return partsMessages(question);
    case "memorag":
      return {
        clues: cluesMessages(question),
        parts: partsMessages(question),
        keyPoints: keyPointsMessages(),
        frame: memoryFrame("{title}"),
        notes: notesMessages("{notes}", cluesMessages(question)),
        gist: gistMessages("{piece}"),
        summary: summaryMessages(["{text}", "{text}"]),
      };
  }
}

/**
 * SHA-256 of one way to ask, its examples and what DA-RAG shows included, and of what the method asks before: recorded with answers.
 */
export function answerPromptsHash(prompts: AnswerPrompts, method = ""): string {
  const pair = { question: "{question}", answer: "{answer}", fullAnswer: "{fullAnswer}" };
  const passage = { title: "{title}", text: "{text}", rewrites: ["{rewrite}"], pairs: [pair] };
  const preparation = renderPreparation(method);
  const rendered = renderPrompts(prompts, { passage, pair });
  return sha256(canonicalJson(preparation === undefined ? rendered : { ...rendered, preparation }));
}
