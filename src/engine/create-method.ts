import { z } from "zod";
import { ConfigError } from "../base/errors.ts";
import type { Passage } from "../corpus/corpus.ts";
import { closedBook } from "../methods/closed-book.ts";
import { daRag, daRagOptions } from "../methods/da-rag.ts";
import { decompose, decomposeNotes, decomposeOptions } from "../methods/decompose.ts";
import { dragin, draginNotes, draginOptions } from "../methods/dragin.ts";
import { flare, flareNotes, flareOptions, flareReference } from "../methods/flare.ts";
import { flareToken, flareTokenOptions } from "../methods/flare-token.ts";
import { fullContext, fullContextNotes } from "../methods/full-context.ts";
import { hyde, hydeNotes, hydeOptions } from "../methods/hyde.ts";
import { type Method, methodNames } from "../methods/method.ts";
import { combine, prag } from "../methods/prag.ts";
import { expandPublished } from "../methods/published-settings.ts";
import { reAnsweringNotes, reAnsweringReference } from "../methods/re-answering.ts";
import { standardRag } from "../methods/standard-rag.ts";
import type { AnswerPrompts } from "../prompts/answer.ts";
import { answerPromptsHash } from "../prompts/provenance.ts";
import { openTagger } from "../text/part-of-speech.ts";
import { encodingFirst, shuffleAdapters, storedAdapters } from "./adapter-lookups.ts";
import { promptsOf } from "./answer-prompts.ts";
import type { EngineConfig } from "./config.ts";
import type { EngineParts } from "./parts.ts";
import { readAugmented } from "./read-augmented.ts";
import { ownRepetitionPenalty, withRepetitionPenalty } from "./reference-sampling.ts";

export { methodNames, paperMethodNames, usesAdapters } from "../methods/method.ts";

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
  /** The text that `full-context` reads, in its order; where absent, the collection. */
  text?: readonly Passage[] | undefined;
}

/** All that decides how a method answers, as runs record it. */
export interface MethodDescription {
  name: (typeof methodNames)[number];
  /** `reference` does what the authors' code does, where it is known. */
  compat: EngineConfig["compat"];
  cot: boolean;
  shots: number;
  /** SHA-256 of the prompts. */
  prompts: string;
  /** Tokens of an answer, when the question does not say. */
  maxTokens: number;
  /** Where the request says nothing of it; 1 is none. */
  repetitionPenalty: number;
  /** Numbers of this method, defaults included. */
  options: Record<string, unknown>;
  /** Where it departs from the papers or their code, and why. */
  notes: readonly string[];
}

type OpenedName = (typeof methodNames)[number];
type Answering = Awaited<ReturnType<typeof answering>>;

/** What belongs to one method: the numbers it knows, and the parts it takes. */
interface MethodKind {
  options: z.ZodType<Record<string, unknown>>;
  /** Numbers of the authors' code, where they are not the defaults: `--compat reference`. */
  reference: Record<string, unknown>;
  /** It retrieves while it answers. */
  iterates: boolean;
  /** Replaces the name of published numbers by the numbers. */
  expand?(options: Record<string, unknown>): Record<string, unknown>;
  /** Where it departs from papers and code. */
  notes: readonly string[];
  create(parts: EngineParts, given: Answering, options: MethodOptions): Promise<Method>;
}

const plain = { options: z.strictObject({}), reference: {}, iterates: false, notes: [] };

/** One row per method. */
const kinds: Record<OpenedName, MethodKind> = {
  "closed-book": { ...plain, create: async (_parts, given) => closedBook(given) },
  "standard-rag": {
    ...plain,
    create: async (parts, given) => standardRag({ ...given, retriever: await parts.retriever() }),
  },
  "da-rag": {
    ...plain,
    options: daRagOptions,
    notes: ["no code of this baseline is published: laid out as the paper's talks describe it"],
    create: async (parts, given) =>
      daRag({
        ...given,
        retriever: await parts.retriever(),
        augmentations: (passages) => readAugmented(parts, passages),
        options: daRagOptions.parse(given.options),
      }),
  },
  flare: {
    options: flareOptions,
    reference: flareReference,
    iterates: true,
    notes: flareNotes,
    create: async (parts, given) =>
      flare({ ...given, retriever: await parts.retriever(), options: flareOptions.parse(given.options) }),
  },
  "flare-token": {
    options: flareTokenOptions,
    expand: (options) => expandPublished("flareToken", options),
    reference: reAnsweringReference,
    iterates: true,
    notes: reAnsweringNotes,
    create: async (parts, given) =>
      flareToken({
        ...given,
        retriever: await parts.retriever(),
        options: flareTokenOptions.parse(given.options),
      }),
  },
  dragin: {
    options: draginOptions,
    expand: (options) => expandPublished("dragin", options),
    reference: reAnsweringReference,
    iterates: true,
    notes: [...reAnsweringNotes, ...draginNotes],
    create: async (parts, given) =>
      dragin({
        ...given,
        retriever: await parts.retriever(),
        tag: await openTagger(),
        options: draginOptions.parse(given.options),
      }),
  },
  hyde: {
    ...plain,
    options: hydeOptions,
    notes: hydeNotes,
    create: async (parts, given) =>
      hyde({ ...given, retriever: await parts.retriever(), options: hydeOptions.parse(given.options) }),
  },
  decompose: {
    ...plain,
    options: decomposeOptions,
    notes: decomposeNotes,
    create: async (parts, given) =>
      decompose({
        ...given,
        retriever: await parts.retriever(),
        options: decomposeOptions.parse(given.options),
      }),
  },
  "full-context": {
    ...plain,
    notes: fullContextNotes,
    create: async (parts, given, { text }) =>
      fullContext({ ...given, passages: text ?? [...(await parts.corpus()).passages()] }),
  },
  prag: { ...plain, create: async (parts, given, options) => prag(await parametric(parts, given, options)) },
  combine: {
    ...plain,
    create: async (parts, given, options) => combine(await parametric(parts, given, options)),
  },
};

/** Makes a method of this name from the engine's parts. */
export async function createMethod(
  parts: EngineParts,
  name: string,
  options: MethodOptions = {},
): Promise<Method> {
  const known = knownName(name);
  return kinds[known].create(parts, await answering(parts, known, options), options);
}

/** What `createMethod` would make, in numbers and words. */
export async function describeMethod(
  parts: EngineParts,
  name: string,
  options: MethodOptions = {},
): Promise<MethodDescription> {
  const known = knownName(name);
  const { prompts, shots, options: numbers } = await choose(parts, known, options);
  const { compat, maxTokens = prompts.maxTokens } = parts.config;
  return {
    name: known,
    compat,
    cot: prompts.chainOfThought,
    shots,
    prompts: answerPromptsHash(prompts, known),
    maxTokens,
    repetitionPenalty: await repetitionPenalty(parts),
    options: numbers,
    notes: kinds[known].notes,
  };
}

function knownName(name: string): OpenedName {
  const known = methodNames.find((one) => one === name);
  if (!known) throw new ConfigError(`method "${name}" is not known; methods are ${methodNames.join(", ")}`);
  return known;
}

/** Settles prompts and numbers: of the call, else of the settings, else of the model's preset. */
async function choose(
  parts: EngineParts,
  name: OpenedName,
  { cot, shots, methodOptions }: MethodOptions,
): Promise<{ prompts: AnswerPrompts; shots: number; options: Record<string, unknown> }> {
  const { config } = parts;
  const { compat } = config;
  const preset = await parts.answerPreset();
  const { options, reference, iterates, expand = (numbers) => numbers } = kinds[name];
  const chosen = await promptsOf(parts, { cot, shots }, { compat, iterates });
  const numbers = {
    ...(compat === "reference" ? reference : {}),
    ...preset.methodOptions?.[name],
    ...config.methodOptions[name],
    ...methodOptions,
  };
  const parsed = options.safeParse(expand(numbers));
  if (parsed.success) return { ...chosen, options: parsed.data };
  const issue = parsed.error.issues[0];
  const path = issue?.path.length ? `"${issue.path.join(".")}": ` : "";
  throw new ConfigError(`options of method "${name}": ${path}${issue?.message ?? "are wrong"}`);
}

/** Of greedy decoding: none, or with `compat` what the paper's code leaves in force. */
async function repetitionPenalty(parts: EngineParts): Promise<number> {
  return parts.config.compat === "reference" ? ownRepetitionPenalty((await parts.model()).folder) : 1;
}

async function answering(parts: EngineParts, name: OpenedName, options: MethodOptions) {
  const { prompts, options: numbers } = await choose(parts, name, options);
  const generator = withRepetitionPenalty(await parts.generator(), await repetitionPenalty(parts));
  return { generator, clock: parts.clock, prompts, options: numbers };
}

async function parametric(
  parts: EngineParts,
  given: Answering,
  { onMissing = "context", shuffleAdapters: seed }: MethodOptions,
) {
  const stored = await storedAdapters(parts);
  const adapters = onMissing === "encode" ? encodingFirst(parts, stored) : stored;
  return {
    ...given,
    retriever: await parts.retriever(),
    adapters: seed === undefined ? adapters : await shuffleAdapters(parts, adapters, seed),
    onMissing: onMissing === "skip" ? ("skip" as const) : ("context" as const),
    merge: await parts.mergeSettings(),
  };
}
