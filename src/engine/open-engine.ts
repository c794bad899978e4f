import { openEncoding } from "../adapters/encoding.ts";
import { hashAdapter } from "../adapters/initialise.ts";
import { openAdapterStore } from "../adapters/store.ts";
import { CapacityError } from "../base/errors.ts";
import { noProgress, type Progress } from "../base/progress.ts";
import { currentGeneration, openCorpus } from "../corpus/corpus-folder.ts";
import type { ParserOptions } from "../corpus/ingest.ts";
import { openDecodingSession } from "../generation/decoding-session.ts";
import type { Generator } from "../generation/generator.ts";
import { createLocalGenerator } from "../generation/local.ts";
import { openScorer } from "../generation/scorer.ts";
import { type AnswerPrompts, answerPrompts } from "../prompts/answer.ts";
import { directPrompts } from "../prompts/reference.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { openBaseDistributions } from "../training/base-distribution.ts";
import { openMemoryTrainer } from "../training/memory-trainer.ts";
import { createAugmenter } from "./choose-augmenter.ts";
import type { EngineConfig, EngineSettings } from "./config.ts";
import { checkFormat, dataFolder } from "./data-folder.ts";
import { openEmbedder } from "./embedding.ts";
import { encodingPath, promptsHash } from "./find-missing.ts";
import { openEngineMemory } from "./memory-model.ts";
import {
  contextOf,
  generationWeights,
  isSmall,
  maxPositions,
  openEngineModel,
  trainingModel,
} from "./models.ts";
import { once, renewable } from "./once.ts";
import { openEngineTrainer } from "./open-trainer.ts";
import type { EngineParts } from "./parts.ts";
import { chooseAnswerPreset, chooseAugmentSettings, chooseMerge } from "./presets.ts";
import { openRetriever } from "./retrievers.ts";
import { resolveConfig } from "./settings.ts";
import { sharedParts } from "./shared-parts.ts";

/** What an engine takes from its surroundings. */
export interface EngineEnvironment {
  progress?: Progress | undefined;
  clock?: (() => number) | undefined;
  now?: (() => number) | undefined;
  /** Secrets: the hub's token and keys of remote endpoints. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Ends the fetching of a model. */
  signal?: AbortSignal | undefined;
  /** Training gets threads of its own, so many, and does not hold up answers; else both take turns. */
  trainingThreads?: number | undefined;
  /** Limits for a document's parser. */
  parsing?: ParserOptions | undefined;
  /** An engine that stays open longer: its model is used where the settings ask for the same. */
  sharedWith?: OpenEngine | undefined;
}

/** An open engine: parts for the verbs, and its end. */
export interface OpenEngine {
  parts: EngineParts;
  dispose(): Promise<void>;
}

/** Opens an engine; what the settings leave open is as recorded with the collection. */
export async function openEngine(
  settings: EngineSettings = {},
  environment: EngineEnvironment = {},
): Promise<OpenEngine> {
  return openConfigured(await resolveConfig(settings), environment);
}

/**
 * Opens an engine by these very settings, whatever is recorded with the collection. Nothing heavy happens before a part is
 * needed; `dispose` closes what was opened.
 */
export async function openConfigured(
  config: EngineConfig,
  environment: EngineEnvironment = {},
): Promise<OpenEngine> {
  const { clock = () => performance.now(), now = () => Date.now(), parsing = {} } = environment;
  const closers: (() => Promise<void> | void)[] = [];
  const wiring = createWiring(config, environment, closers);
  const { folder, progress, env, signal, model } = wiring;
  await checkFormat(folder);
  const prompts = config.compat === "reference" ? directPrompts : answerPrompts;
  const parts: EngineParts = {
    ...{ config, folder, progress, clock, now, parsing, prompts, model },
    ...generationParts(wiring, { progress, clock, now, env, signal }),
    ...retrievalParts(wiring),
    ...encodingParts(wiring, prompts),
    ...trainingParts(wiring, environment.trainingThreads),
    augmenter: once(() => createAugmenter(parts, { env, signal })),
    augmentSettings: once(async () => chooseAugmentSettings(config, (await model()).folder)),
    mergeSettings: once(async () => chooseMerge(config, (await model()).folder)),
    answerPreset: once(async () => chooseAnswerPreset(config, (await model()).folder)),
  };
  return {
    parts,
    async dispose() {
      for (const close of closers.reverse()) await close();
    },
  };
}

type RuntimeOptions = NonNullable<Parameters<typeof openRuntime>[0]>;

/** What the parts of an engine are opened with, and where they leave their ends. */
interface Wiring extends Pick<EngineParts, "config" | "folder" | "progress" | "model"> {
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal | undefined;
  /** The parts of an engine with the same model and recipe, to be used in place of own ones. */
  shared: EngineParts | undefined;
  runtime(): Promise<Runtime>;
  /** What runtimes of this engine have in common. */
  machine: RuntimeOptions;
  /** A runtime that is opened at the first call and closed with the engine. */
  ownRuntime(options: RuntimeOptions): () => Promise<Runtime>;
  /** Remembers how to close what was opened, and gives it back. */
  onClose<T>(value: T, close: (value: T) => Promise<void> | void): T;
}

function createWiring(
  config: EngineConfig,
  { progress = noProgress, env = {}, signal, trainingThreads, sharedWith }: EngineEnvironment,
  closers: (() => Promise<void> | void)[],
): Wiring {
  const shared = sharedParts(config, sharedWith?.parts);
  const onClose: Wiring["onClose"] = (value, close) => {
    closers.push(() => close(value));
    return value;
  };
  const ownRuntime: Wiring["ownRuntime"] = (options) =>
    once(async () => onClose(await openRuntime(options), (opened) => opened.dispose()));
  // Two runtimes side by side share the processors: neither may hold them while it has nothing to do.
  const machine = { device: config.device, threads: config.threads, spin: trainingThreads === undefined };
  return {
    ...{ config, progress, env, signal, shared, onClose, machine, ownRuntime },
    folder: dataFolder(config.dataFolder, config.collection),
    model: shared?.model ?? once(() => openEngineModel(config, { progress, env, signal })),
    runtime: ownRuntime(machine),
  };
}

/** Model and generation. */
function generationParts(
  wiring: Wiring,
  environment: EngineEnvironment,
): Pick<EngineParts, "generator" | "answerModel" | "answerGenerator" | "memorySession"> {
  const { config, progress, shared, model, runtime, onClose } = wiring;
  const memorySession = once(async () => {
    const using = { model: await model(), runtime: await runtime() };
    return openEngineMemory({ config, progress }, using);
  });
  const generator = shared?.generator ?? once(() => openGenerator(wiring, memorySession));
  const answering = once(async () => {
    const { answerModel: own = config.model, ...rest } = config;
    // What belongs to the model that remembers: the other one is not trained, and has a recipe of its own.
    const none = { revision: undefined, memoryModel: undefined, recipe: undefined, initAdapter: undefined };
    const engine = await openConfigured({ ...rest, model: own, ...none }, environment);
    return onClose(engine, (opened) => opened.dispose()).parts;
  });
  const isOther = config.answerModel !== undefined;
  return {
    generator,
    answerModel: isOther ? async () => (await answering()).model() : model,
    answerGenerator: isOther ? async () => (await answering()).generator() : generator,
    memorySession: shared?.memorySession ?? memorySession,
  };
}

async function openGenerator(
  { config, progress, model, runtime }: Wiring,
  memories: EngineParts["memorySession"],
): Promise<Generator> {
  const opened = await model();
  const [weights, running] = [await generationWeights(opened, config, progress), await runtime()];
  const positions = contextOf(opened);
  const prepack = weights !== undefined || isSmall(opened); // a large fp32 model would be held twice
  const session = await openDecodingSession(running, opened, {
    targetModules: opened.recipe.targetModules,
    weights,
    prepack,
    positions,
  });
  const { name, tokenizer } = opened;
  // A few methods look at texts: a second forward pass over the same weights, opened when it is asked for.
  const scorer = once(() => openScorer(running, opened, { tokenizer, positions, weights, prepack }));
  const parts = { session, tokenizer, scorer, memories };
  return createLocalGenerator({ model: name, contextLength: positions, ...parts });
}

/** Corpus and retriever. */
function retrievalParts({
  config,
  folder,
  progress,
  env,
  signal,
  runtime,
  onClose,
}: Wiring): Pick<EngineParts, "corpus" | "retriever" | "embedder" | "forgetCorpus"> {
  const openedCorpus = onClose(
    renewable(() => openCorpus(folder.collection.corpus)),
    async (opened) => (await opened.peek()?.catch(() => undefined))?.close(),
  );
  /** The current one: another process may have ingested. One that is replaced closes when nobody reads it any more. */
  const corpus = async () => {
    const held = openedCorpus();
    const opened = await held;
    if ((await currentGeneration(folder.collection.corpus)) === opened.generation) return opened;
    if (openedCorpus.peek() === held) forgetCorpus(); // else another question has done so
    return openedCorpus();
  };
  const embedder = once(async () =>
    onClose(await openEmbedder(config, { env, runtime }), (opened) => opened.dispose()),
  );
  const openedRetriever = renewable(() =>
    openRetriever({ config, folder, progress, corpus, embedder }, { signal }),
  );
  const forgetCorpus = () => {
    openedCorpus.renew();
    openedRetriever.renew();
  };
  let working: Retriever | undefined;
  const retriever = async () => {
    await corpus(); // forgets the retriever of another one
    try {
      working = await openedRetriever();
    } catch (error) {
      // While a writer embeds new passages, questions are answered from those before.
      if (!(error instanceof CapacityError) || !working) throw error;
    }
    return working;
  };
  return { corpus, retriever, embedder, forgetCorpus };
}

/** The store of adapters, and which passage has which. */
function encodingParts(
  { config, folder, shared, model, onClose }: Wiring,
  prompts: AnswerPrompts,
): Pick<EngineParts, "store" | "encoding"> {
  const ownStore = once(async () => {
    const { fingerprint, shapes } = await model();
    return openAdapterStore(folder.adapters, { fingerprint, shapes, dtype: config.adapterDtype });
  });
  const store = shared?.store ?? ownStore;
  const encoding = once(async () => {
    const opened = await model();
    const initHash = hashAdapter(opened.initial);
    const header = {
      model: { name: opened.name, fingerprint: opened.fingerprint },
      recipe: initHash.slice(0, 16),
    };
    const path = encodingPath(folder.collection.encodings, {
      model: opened,
      prompts: promptsHash(prompts, opened),
      initHash: config.initAdapter === undefined ? undefined : initHash,
    });
    return onClose(await openEncoding(path, { header, store: await store() }), (encoding) =>
      encoding.close(),
    );
  });
  return {
    store,
    encoding: async () => {
      const opened = await encoding();
      await opened.refresh(); // another process, or a prune, may have written
      return opened;
    },
  };
}

/** What trains; with threads of its own it has a runtime of its own. */
function trainingParts(
  { config, progress, shared, model, machine, ...wiring }: Wiring,
  threads: number | undefined,
): Pick<EngineParts, "openTrainer" | "openDistributions" | "openMemoryTrainer"> {
  const runtime = threads === undefined ? wiring.runtime : wiring.ownRuntime({ ...machine, threads });
  const ownTrainer = async () =>
    openEngineTrainer(await model(), {
      config,
      progress,
      runtime: await runtime(),
      openRuntime: (count) => openRuntime({ ...machine, threads: count }),
    });
  const ownDistributions = async () => {
    const opened = await trainingModel(await model(), config, progress);
    return openBaseDistributions(await runtime(), opened, { maxTokens: maxPositions });
  };
  return {
    openTrainer: shared?.openTrainer ?? ownTrainer,
    openDistributions: shared?.openDistributions ?? ownDistributions,
    openMemoryTrainer: async () =>
      openMemoryTrainer(await runtime(), await trainingModel(await model(), config, progress)),
  };
}
