import { ConfigError } from "../base/errors.ts";
import { type MemoragOptions, type MemoragParts, memorag, memoragOptions } from "../methods/memorag.ts";
import type { Method, MethodEvent } from "../methods/method.ts";
import { promptsOf } from "./answer-prompts.ts";
import { type OpenedMemory, openNamedMemory } from "./memory-folder.ts";
import type { EngineParts } from "./parts.ts";
import { openTextRetriever } from "./text-retriever.ts";

/** Which memory is asked, and how. */
export interface MemoragChoice {
  /** Name of the memory. */
  memory?: string | undefined;
  /** Reason step by step, then answer; as the settings say where absent, like `shots`. */
  cot?: boolean | undefined;
  /** Worked examples in the prompt. */
  shots?: number | undefined;
  /** Numbers of MemoRAG, as `{ draft: true }`; an unknown one is a `ConfigError`. */
  methodOptions?: Readonly<Record<string, unknown>> | undefined;
}

/** MemoRAG over a named memory, which is opened for every question. */
export function createMemorag(parts: EngineParts, choice: MemoragChoice): Method {
  return {
    name: "memorag",
    answer: (question, options) =>
      overMemory(parts, choice, (given) => memorag(given).answer(question, options)),
  };
}

/**
 * Runs a task with what MemoRAG takes from the engine, over a named memory and the passages of its text. The memory's file stays
 * open till the end, for it is read more than once, and another process may replace or delete it meanwhile.
 */
export async function* overMemory(
  parts: EngineParts,
  choice: MemoragChoice,
  task: (given: MemoragParts) => AsyncIterable<MethodEvent>,
): AsyncGenerator<MethodEvent> {
  const options = memoragNumbers(choice.methodOptions);
  const { memory, notes = "", passages } = await openMemoryOf(parts, choice.memory);
  const held = await memory?.hold();
  try {
    yield* task({
      generator: await parts.answerGenerator(),
      recaller: await parts.generator(),
      recollection: held ? { memory: held } : { notes },
      retriever: await openTextRetriever(parts, passages),
      clock: parts.clock,
      prompts: (await memoragPrompts(parts, choice)).prompts,
      options,
    });
  } finally {
    await held?.close();
  }
}

/** How the question is put once the passages are found: as by every method that reads them, but for `compat`, which is of the paper's code. */
export async function memoragPrompts(parts: EngineParts, choice: MemoragChoice) {
  return promptsOf(parts, choice, { compat: "none", iterates: false });
}

/** The memory of this name; a `ConfigError` where none is named. */
export async function openMemoryOf({ folder }: EngineParts, name: string | undefined): Promise<OpenedMemory> {
  if (name === undefined)
    throw new ConfigError(
      'method memorag answers from a memory; name one (--memory NAME), "prag memory list" lists them',
    );
  return openNamedMemory(folder, name);
}

/** Numbers of MemoRAG, completed; an unknown one is a `ConfigError`. */
export function memoragNumbers(options: Readonly<Record<string, unknown>> = {}): MemoragOptions {
  const numbers = memoragOptions.safeParse(options);
  if (numbers.success) return numbers.data;
  const issue = numbers.error.issues[0];
  throw new ConfigError(
    `options of memorag: "${issue?.path.join(".") ?? ""}": ${issue?.message ?? "is wrong"}`,
  );
}
