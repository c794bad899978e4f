import { ConfigError } from "../base/errors.ts";
import { closedBook } from "../methods/closed-book.ts";
import { type Method, methodNames } from "../methods/method.ts";
import { combine, prag } from "../methods/prag.ts";
import { standardRag } from "../methods/standard-rag.ts";
import { encodingFirst, shuffleAdapters, storedAdapters } from "./adapter-lookups.ts";
import type { EngineParts } from "./parts.ts";

export { methodNames } from "../methods/method.ts";

/** What to do for a retrieved passage without an adapter: train it first, put it into the prompt, or leave it out. */
export const onMissingChoices = ["encode", "context", "skip"] as const;
export type OnMissing = (typeof onMissingChoices)[number];

/** How a method of this engine behaves beyond its name; what is left out is as the settings say. */
export interface MethodOptions {
  onMissing?: OnMissing | undefined;
  /** A control: every passage gets the adapter of another passage, chosen by this seed. */
  shuffleAdapters?: number | undefined;
  /** Reason step by step, then answer. */
  cot?: boolean | undefined;
  /** Worked examples in the prompt. */
  shots?: number | undefined;
  /** Numbers of this method alone, as `{ theta: 0.6 }` for FLARE; an unknown one is a `ConfigError`. */
  methodOptions?: Readonly<Record<string, unknown>> | undefined;
}

type Create = (parts: EngineParts, options: MethodOptions) => Promise<Method>;

/** Which parts each method takes: one row per method. */
const methods: Record<(typeof methodNames)[number], Create> = {
  "closed-book": async (parts) => closedBook(await answering(parts)),
  "standard-rag": async (parts) =>
    standardRag({ ...(await answering(parts)), retriever: await parts.retriever() }),
  prag: async (parts, options) => prag(await parametric(parts, options)),
  combine: async (parts, options) => combine(await parametric(parts, options)),
};

/** Makes a method of this name from the engine's parts. */
export async function createMethod(
  parts: EngineParts,
  name: string,
  options: MethodOptions = {},
): Promise<Method> {
  const known = methodNames.find((one) => one === name);
  if (!known) throw new ConfigError(`method "${name}" is not known; methods are ${methodNames.join(", ")}`);
  return methods[known](parts, options);
}

async function answering(parts: EngineParts) {
  return { generator: await parts.generator(), clock: parts.clock, prompts: parts.prompts };
}

async function parametric(
  parts: EngineParts,
  { onMissing = "context", shuffleAdapters: seed }: MethodOptions,
) {
  const stored = await storedAdapters(parts);
  const adapters = onMissing === "encode" ? encodingFirst(parts, stored) : stored;
  return {
    ...(await answering(parts)),
    retriever: await parts.retriever(),
    adapters: seed === undefined ? adapters : await shuffleAdapters(parts, adapters, seed),
    onMissing: onMissing === "skip" ? ("skip" as const) : ("context" as const),
    merge: await parts.mergeSettings(),
  };
}
