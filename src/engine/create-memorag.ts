import { ConfigError } from "../base/errors.ts";
import { type MemoragParts, memoragOptions } from "../methods/memorag.ts";
import { bm25Retriever } from "../retrieval/bm25.ts";
import { buildBm25Index } from "../retrieval/bm25-index.ts";
import { openNamedMemory } from "./memory-folder.ts";
import type { EngineParts } from "./parts.ts";

/** Which memory is asked, and how. */
export interface MemoragChoice {
  /** Name of the memory. */
  memory?: string | undefined;
  /** Numbers of MemoRAG, as `{ draft: true }`; an unknown one is a `ConfigError`. */
  methodOptions?: Readonly<Record<string, unknown>> | undefined;
}

/** What MemoRAG takes from the engine, over a named memory and the passages of its text. */
export async function openMemorag(
  parts: EngineParts,
  { memory: name, methodOptions = {} }: MemoragChoice,
): Promise<MemoragParts> {
  if (name === undefined)
    throw new ConfigError(
      'method memorag answers from a memory; name one (--memory NAME), "prag memory list" lists them',
    );
  const numbers = memoragOptions.safeParse(methodOptions);
  if (!numbers.success) {
    const issue = numbers.error.issues[0];
    throw new ConfigError(
      `options of memorag: "${issue?.path.join(".") ?? ""}": ${issue?.message ?? "is wrong"}`,
    );
  }
  const { memory, notes = "", passages } = await openNamedMemory(parts.folder, name);
  const generator = await parts.generator();
  const index = buildBm25Index(passages, { analyzer: parts.config.analyzer });
  return {
    generator,
    recaller: generator,
    recollection: memory ? { memory } : { notes },
    retriever: bm25Retriever({ index, passages: (ordinal) => passages[ordinal]! }),
    clock: parts.clock,
    prompts: parts.prompts,
    options: numbers.data,
  };
}
