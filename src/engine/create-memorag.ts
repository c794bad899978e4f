import { ConfigError } from "../base/errors.ts";
import { type MemoragOptions, type MemoragParts, memoragOptions } from "../methods/memorag.ts";
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

/** What MemoRAG takes from the engine, over a named memory and the passages of its text. */
export async function openMemorag(parts: EngineParts, choice: MemoragChoice): Promise<MemoragParts> {
  const options = memoragNumbers(choice.methodOptions);
  const { memory, notes = "", passages } = await openMemoryOf(parts, choice.memory);
  return {
    generator: await parts.answerGenerator(),
    recaller: await parts.generator(),
    recollection: memory ? { memory } : { notes },
    retriever: await openTextRetriever(parts, passages),
    clock: parts.clock,
    prompts: (await memoragPrompts(parts, choice)).prompts,
    options,
  };
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
