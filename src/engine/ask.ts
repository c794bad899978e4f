import { InputError } from "../base/errors.ts";
import { summarise } from "../methods/memorag.ts";
import type { AnswerOptions, MethodEvent } from "../methods/method.ts";
import { type Answer, collectAnswer } from "./answer.ts";
import { type MemoragChoice, overMemory } from "./create-memorag.ts";
import { createMethod, type MethodOptions } from "./create-method.ts";
import type { EngineParts } from "./parts.ts";
import { createTextMethod } from "./text-method.ts";

/** One question to one method; `memory` names the remembered text that it answers from, in place of the collection. */
export interface AskOptions extends MethodOptions, AnswerOptions, MemoragChoice {
  /** Where absent, `memorag` with a memory, else that of the settings. */
  method?: string | undefined;
  /** Gets the text as it comes. */
  onText?: ((text: string) => void) | undefined;
}

/** Answers one question from the collection, or from a remembered text. */
export async function ask(
  parts: EngineParts,
  question: string,
  { onText, ...options }: AskOptions = {},
): Promise<Answer> {
  return collectAnswer(streamAnswer(parts, question, options), { onText });
}

/** Summarises a remembered text, as events. */
export async function* streamSummary(
  parts: EngineParts,
  { maxTokens, sampling, signal, ...choice }: MemoragChoice & Omit<AnswerOptions, "history" | "limit">,
): AsyncGenerator<MethodEvent> {
  yield* overMemory(parts, choice, (given) => summarise(given, { maxTokens, sampling, signal }));
}

/** The same as events. */
export async function* streamAnswer(
  parts: EngineParts,
  question: string,
  { method: named, ...options }: Omit<AskOptions, "onText"> = {},
): AsyncGenerator<MethodEvent> {
  if (question.trim() === "") throw new InputError("the question is empty; ask something");
  const { limit = parts.config.limit, maxTokens = parts.config.maxTokens } = options;
  const method = named ?? (options.memory === undefined ? parts.config.method : "memorag");
  const isOfText = method === "memorag" || options.memory !== undefined;
  const chosen = await (isOfText ? createTextMethod : createMethod)(parts, method, options);
  yield* chosen.answer(question, { ...options, limit, maxTokens });
}
