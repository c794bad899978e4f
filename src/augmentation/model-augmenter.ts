import { InputError, UnsupportedError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import { Random } from "../base/random.ts";
import type { Passage, QuestionAnswer } from "../corpus/corpus.ts";
import type { Generation, GenerationRequest, Generator, Sampling } from "../generation/generator.ts";
import { questionsMessages, rewriteMessages } from "../prompts/augment.ts";
import { promptsHash } from "../prompts/provenance.ts";
import {
  type Augmentation,
  type AugmentationAccount,
  type Augmenter,
  type AugmenterIdentity,
  type AugmentOptions,
  augmentDefaults,
  countDropped,
  emptyAccount,
} from "./augmenter.ts";
import { checkPair, questionKey } from "./check.ts";
import { checkRewrite } from "./check-rewrite.ts";
import { readPairs } from "./json-reader.ts";

/** What a model augmenter is made of. */
export interface ModelAugmenterParts {
  generator: Generator;
  /** Of the model with all that makes it write as it does; a service behind a name tells none. */
  fingerprint?: string;
  /** Texts asked for per passage at most, once for pairs and once for rewrites; every failure counts. */
  attempts?: number;
  /** A service that knows no top-k needs a sampling without it. */
  sampling?: Omit<Sampling, "seed">;
  /** Tokens of one answer at most. */
  maxTokens?: number;
}

/** Sampling as in the paper's code, every number explicit. */
const augmentSampling = { temperature: 0.7, topK: 50, topP: 1, repetitionPenalty: 1 } as const;

/** More pairs in one answer repeat one another. */
const maxPairsPerText = 5;
/** An answer shorter than this has no room for a pair. */
const minTokens = 48;

/**
 * Lets a generator write pairs and then rewrites. Several samplings are merged until there are enough good pairs;
 * each has a seed of its own, drawn from seed, passage and attempt.
 */
export function createModelAugmenter({ generator, ...given }: ModelAugmenterParts): Augmenter {
  const settings = { generator, ...withDefaults(given) };
  return {
    ...identifyModelAugmenter(generator.model, given),
    async augment(passages, options = {}) {
      const works = passages.map((passage) => startWork(passage, options));
      await rounds(works, writePairs, { ...settings, signal: options.signal });
      await rounds(works, writeRewrites, { ...settings, signal: options.signal });
      return works.map((work) => finish(work, generator.model));
    },
  };
}

/** What tells the augmentations of a model from others, without opening it. */
export function identifyModelAugmenter(
  model: string,
  given: Omit<ModelAugmenterParts, "generator"> = {},
): AugmenterIdentity {
  const { attempts, sampling, maxTokens } = withDefaults(given);
  const origin = [1, promptsHash(), attempts, sampling, maxTokens, given.fingerprint ?? []].flat();
  return { name: model, version: sha256(JSON.stringify(origin)).slice(0, 16) };
}

function withDefaults({
  attempts = 10,
  sampling = augmentSampling,
  maxTokens = 512,
}: Omit<ModelAugmenterParts, "generator" | "fingerprint">) {
  return { attempts, sampling, maxTokens };
}

interface Settings {
  generator: Generator;
  attempts: number;
  sampling: Omit<Sampling, "seed">;
  maxTokens: number;
  signal: AbortSignal | undefined;
}

/** A passage on its way. */
interface Work {
  passage: Passage;
  wanted: { pairs: number; rewrites: number; seed: number };
  pairs: Map<string, QuestionAnswer>;
  rewrites: string[];
  account: AugmentationAccount;
}

/** One kind of text to be written: who still needs it, what is asked, what is taken from the answer. */
interface Writing {
  name: string;
  isWanted(work: Work): boolean;
  messages(work: Work): GenerationRequest["messages"];
  take(work: Work, generation: Generation): void;
}

function startWork(
  passage: Passage,
  {
    rewrites = augmentDefaults.rewrites,
    pairs = augmentDefaults.pairs,
    seed = augmentDefaults.seed,
  }: AugmentOptions,
): Work {
  return {
    passage,
    wanted: { pairs, rewrites, seed },
    pairs: new Map(),
    rewrites: [],
    account: emptyAccount(),
  };
}

const writePairs: Writing = {
  name: "questions",
  isWanted: ({ pairs, wanted }) => pairs.size < wanted.pairs,
  messages: ({ passage, wanted }) => questionsMessages(passage, Math.min(wanted.pairs, maxPairsPerText)),
  take({ passage, pairs, account }, { text }) {
    const read = readPairs(text);
    for (const problem of read.problems) countDropped(account, problem);
    for (const pair of read.pairs) {
      account.pairs.made++;
      const key = questionKey(pair.question);
      const reason = pairs.has(key) ? "duplicate" : checkPair(pair, passage);
      if (reason) countDropped(account, reason);
      else pairs.set(key, pair);
    }
    account.pairs.usable = pairs.size;
  },
};

const writeRewrites: Writing = {
  name: "rewrite",
  // Without pairs the passage is not trained on, and a rewrite would be wasted.
  isWanted: ({ pairs, rewrites, wanted }) => pairs.size > 0 && rewrites.length < wanted.rewrites,
  messages: ({ passage }) => rewriteMessages(passage),
  take({ passage, rewrites, account }, { text, finishReason }) {
    const rewrite = text.trim().replace(/\s+/g, " ");
    account.rewrites.made++;
    const reason =
      finishReason === "length"
        ? "rewrite: cut off"
        : rewrites.includes(rewrite)
          ? "rewrite: duplicate"
          : checkRewrite(passage, rewrite);
    if (reason) countDropped(account, reason);
    else rewrites.push(rewrite);
    account.rewrites.usable = rewrites.length;
  },
};

/** Asks round by round for all passages that still need one; the rounds of a passage do not depend on the others. */
async function rounds(works: readonly Work[], writing: Writing, settings: Settings): Promise<void> {
  const { generator, attempts, signal } = settings;
  let open = works.filter(writing.isWanted);
  for (let attempt = 0; attempt < attempts && open.length > 0; attempt++) {
    const asked: { work: Work; request: GenerationRequest }[] = [];
    for (const work of open) {
      const request = await requestFor(work, writing, { ...settings, attempt });
      if (request) asked.push({ work, request });
      else countDropped(work.account, `${writing.name}: the passage is too long for the model`);
    }
    signal?.throwIfAborted();
    const generations = await generator.generateBatch(
      asked.map(({ request }) => request),
      { signal },
    );
    asked.forEach(({ work }, i) => {
      work.account.attempts++;
      writing.take(work, generations[i]!);
    });
    open = asked.map(({ work }) => work).filter(writing.isWanted);
  }
}

/** The request with as much room as the model has; nothing where the prompt leaves too little. */
async function requestFor(
  work: Work,
  writing: Writing,
  { generator, sampling, maxTokens, attempt }: Settings & { attempt: number },
): Promise<GenerationRequest | undefined> {
  const { passage, wanted } = work;
  const seed = new Random(`augment/${wanted.seed}/${passage.id}/${writing.name}/${attempt}`).bits();
  const request = { messages: writing.messages(work), maxTokens: minTokens, sampling: { ...sampling, seed } };
  try {
    const room = generator.contextLength - (await generator.countPromptTokens(request));
    return { ...request, maxTokens: Math.min(maxTokens, room) };
  } catch (error) {
    if (error instanceof InputError) return undefined;
    // A remote service does not count; it will say itself if the prompt is too long.
    if (error instanceof UnsupportedError) return { ...request, maxTokens };
    throw error;
  }
}

function finish({ passage, pairs, rewrites, wanted, account }: Work, augmenter: string): Augmentation {
  const augmented = { passage, rewrites, pairs: [...pairs.values()].slice(0, wanted.pairs), augmenter };
  return { augmented, account };
}
