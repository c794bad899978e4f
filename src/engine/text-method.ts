import { ConfigError } from "../base/errors.ts";
import { memoragNotes } from "../methods/memorag.ts";
import { type Method, usesAdapters } from "../methods/method.ts";
import { answerPromptsHash } from "../prompts/provenance.ts";
import {
  createMemorag,
  type MemoragChoice,
  memoragNumbers,
  memoragPrompts,
  openMemoryOf,
} from "./create-memorag.ts";
import { createMethod, describeMethod, type MethodOptions } from "./create-method.ts";
import { describeModel, describeRetriever } from "./describe-engine.ts";
import type { EngineParts } from "./parts.ts";
import { openTextRetriever } from "./text-retriever.ts";

/**
 * Makes a method that answers from one text: MemoRAG from its memory, any other from its passages alone (those of the memory
 * where no `text` is given). The answering model of the settings answers, whatever the method.
 */
export async function createTextMethod(
  parts: EngineParts,
  name: string,
  { memory, ...options }: MethodOptions & MemoragChoice,
): Promise<Method> {
  if (name === "memorag") return createMemorag(parts, { memory, ...options });
  const { model, answerModel } = parts.config;
  if (usesAdapters(name) && answerModel !== undefined && answerModel !== model)
    throw new ConfigError(
      `${name} merges adapters of ${model}, which do not fit into ${answerModel}; leave --answer-model out, or choose a method without adapters`,
    );
  if (options.shuffleAdapters !== undefined)
    throw new ConfigError(
      "adapters are shuffled among the passages of a collection, not of one text; leave out --shuffle-adapters or --memory",
    );
  const text = options.text ?? (await openMemoryOf(parts, memory)).passages;
  const retriever = await openTextRetriever(parts, text);
  const own = { ...parts, retriever: async () => retriever, generator: parts.answerGenerator };
  return createMethod(own, name, { ...options, text });
}

/** What `createTextMethod` would make, with the passages, what finds them, and the model that answers. */
export async function describeTextMethod(
  parts: EngineParts,
  name: string,
  options: MethodOptions = {},
): Promise<Record<string, unknown>> {
  const { config } = parts;
  const { maxWords, overlapWords } = config.ingest;
  const over = {
    passages: { maxWords, overlapWords },
    retriever: await describeRetriever(parts),
    answers: describeModel(await parts.answerModel(), config),
  };
  if (name !== "memorag") return { ...(await describeMethod(parts, name, options)), ...over };
  const { prompts, shots } = await memoragPrompts(parts, options);
  return {
    name,
    cot: prompts.chainOfThought,
    shots,
    prompts: answerPromptsHash(prompts, name),
    maxTokens: config.maxTokens ?? prompts.maxTokens,
    options: memoragNumbers(options.methodOptions),
    notes: memoragNotes,
    ...over,
  };
}
