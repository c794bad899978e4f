import type { Adapter } from "../adapters/adapter.ts";
import { ConfigError, InputError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import type { Passage } from "../corpus/corpus.ts";
import { closedBook } from "../methods/closed-book.ts";
import type { AnswerOptions, Method, MethodEvent, MethodName } from "../methods/method.ts";
import { type AdapterLookup, combine, prag } from "../methods/prag.ts";
import { standardRag } from "../methods/standard-rag.ts";
import { type Answer, collectAnswer } from "./answer.ts";
import { asWriter } from "./data-folder.ts";
import { encodePassages } from "./encode.ts";
import type { EngineParts } from "./parts.ts";

/** What to do for a retrieved passage without an adapter: train it first, put it into the prompt, or leave it out. */
export const onMissingChoices = ["encode", "context", "skip"] as const;
export type OnMissing = (typeof onMissingChoices)[number];

/** How a method of this engine behaves beyond its name. */
export interface MethodOptions {
  onMissing?: OnMissing | undefined;
  /** A control: every passage gets the adapter of another passage, chosen by this seed. */
  shuffleAdapters?: number | undefined;
}

/** One question to one method. */
export interface AskOptions extends MethodOptions, AnswerOptions {
  method?: string | undefined;
  /** Gets the text as it comes. */
  onText?: ((text: string) => void) | undefined;
}

/** The method of `ask` and `chat` when none is named. */
export const defaultMethod: MethodName = "prag";

/** Answers one question from the collection. */
export async function ask(
  parts: EngineParts,
  question: string,
  { method = defaultMethod, onText, onMissing, shuffleAdapters, ...options }: AskOptions = {},
): Promise<Answer> {
  return collectAnswer(streamAnswer(parts, question, { method, onMissing, shuffleAdapters, ...options }), {
    onText,
  });
}

/** The same as events. */
export async function* streamAnswer(
  parts: EngineParts,
  question: string,
  { method = defaultMethod, onMissing, shuffleAdapters, ...options }: Omit<AskOptions, "onText"> = {},
): AsyncGenerator<MethodEvent> {
  if (question.trim() === "") throw new InputError("the question is empty; ask something");
  const { limit = parts.config.limit, maxTokens = parts.config.maxTokens } = options;
  const chosen = await createMethod(parts, method, { onMissing, shuffleAdapters });
  yield* chosen.answer(question, { ...options, limit, maxTokens });
}

/** Which parts each method takes: one row per method. */
const methods: Record<MethodName, (parts: EngineParts, options: MethodOptions) => Promise<Method>> = {
  "closed-book": async (parts) => closedBook(await answering(parts)),
  "standard-rag": async (parts) =>
    standardRag({ ...(await answering(parts)), retriever: await parts.retriever() }),
  prag: async (parts, options) => prag(await parametric(parts, options)),
  combine: async (parts, options) => combine(await parametric(parts, options)),
};

/** Names of all methods. */
export const methodNames: readonly MethodName[] = ["closed-book", "standard-rag", "prag", "combine"];

/** Makes a method from the engine's parts. */
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

async function parametric(parts: EngineParts, { onMissing = "context", shuffleAdapters }: MethodOptions) {
  const stored = await storedAdapters(parts);
  const adapters = onMissing === "encode" ? encodingFirst(parts, stored) : stored;
  return {
    ...(await answering(parts)),
    retriever: await parts.retriever(),
    adapters: shuffleAdapters === undefined ? adapters : await shuffle(parts, adapters, shuffleAdapters),
    onMissing: onMissing === "skip" ? ("skip" as const) : ("context" as const),
    merge: await parts.mergeSettings(),
  };
}

/** Adapters that exist already. */
async function storedAdapters(parts: EngineParts): Promise<AdapterLookup> {
  const encoding = await parts.encoding();
  return {
    keyOf: (passageId) => encoding.keyOf(passageId),
    load: (passages) => encoding.load(passages.map((passage) => passage.id)),
  };
}

/** Trains what is missing before it is loaded. */
function encodingFirst(parts: EngineParts, lookup: AdapterLookup): AdapterLookup {
  return {
    keyOf: lookup.keyOf,
    async load(passages, { signal }) {
      const missing = passages.filter((passage) => lookup.keyOf(passage.id) === undefined);
      if (missing.length) {
        await asWriter(parts.folder, "encode for a question", () =>
          encodePassages(parts, missing, { signal }),
        );
      }
      return lookup.load(passages, { signal });
    },
  };
}

/** The same lookup under a seeded rotation of all passages, so that no passage keeps its own adapter. */
async function shuffle(parts: EngineParts, lookup: AdapterLookup, seed: number): Promise<AdapterLookup> {
  const corpus = await parts.corpus();
  const count = corpus.passageCount;
  if (count < 2)
    throw new ConfigError(
      `adapters cannot be shuffled among ${count} passages; ingest more, or leave shuffleAdapters out`,
    );
  const distance = 1 + new Random(`shuffle/${seed}`).int(count - 1);
  const other = (passageId: string): Passage => {
    const ordinal = corpus.ordinalOf(passageId);
    if (ordinal === undefined) throw new Error(`internal: passage ${passageId} is not in the corpus`);
    return corpus.passage((ordinal + distance) % count);
  };
  return {
    keyOf: (passageId) => lookup.keyOf(other(passageId).id),
    load: (passages, options): Promise<(Adapter | undefined)[]> =>
      lookup.load(
        passages.map((passage) => other(passage.id)),
        options,
      ),
  };
}
