import { openEncoding } from "../adapters/encoding.ts";
import { hashAdapter } from "../adapters/initialise.ts";
import { openAdapterStore } from "../adapters/store.ts";
import { CapacityError } from "../base/errors.ts";
import { canonicalJson } from "../base/hash.ts";
import { noProgress, type Progress } from "../base/progress.ts";
import { currentGeneration, openCorpus } from "../corpus/corpus-folder.ts";
import type { ParserOptions } from "../corpus/ingest.ts";
import { openDecodingSession } from "../generation/decoding-session.ts";
import { createLocalGenerator } from "../generation/local.ts";
import { openScorer } from "../generation/scorer.ts";
import { answerPrompts } from "../prompts/answer.ts";
import { directPrompts } from "../prompts/reference.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { openRuntime } from "../runtime/runtime.ts";
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
import { openEngineTrainer } from "./open-trainer.ts";
import type { EngineParts } from "./parts.ts";
import { chooseAnswerPreset, chooseAugmentSettings, chooseMerge } from "./presets.ts";
import { openRetriever } from "./retrievers.ts";
import { resolveConfig } from "./settings.ts";

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

/** Opens an engine. Nothing heavy happens before a part is needed; `dispose` closes what was opened. */
export async function openEngine(
  settings: EngineSettings = {},
  environment: EngineEnvironment = {},
): Promise<OpenEngine> {
  const config: EngineConfig = await resolveConfig(settings);
  const {
    progress = noProgress,
    clock = () => performance.now(),
    now = () => Date.now(),
    env = {},
    signal,
    trainingThreads: threads,
    parsing = {},
  } = environment;
  const folder = dataFolder(config.dataFolder, config.collection);
  await checkFormat(folder);
  const shared = sharedParts(config, environment.sharedWith);
  const closers: (() => Promise<void> | void)[] = [];
  const onClose = <T>(value: T, close: (value: T) => Promise<void> | void): T => {
    closers.push(() => close(value));
    return value;
  };

  const openOwn = (options: Parameters<typeof openRuntime>[0]) =>
    once(async () => onClose(await openRuntime(options), (opened) => opened.dispose()));
  // Two runtimes side by side share the processors: neither may hold them while it has nothing to do.
  const spin = threads === undefined;
  const runtime = openOwn({ ...config, spin });
  const trainingRuntime = threads === undefined ? runtime : openOwn({ ...config, threads, spin });
  const model = shared?.model ?? once(() => openEngineModel(config, { progress, env, signal }));
  const ownStore = once(async () => {
    const { fingerprint, shapes } = await model();
    return openAdapterStore(folder.adapters, { fingerprint, shapes, dtype: config.adapterDtype });
  });
  const store = shared?.store ?? ownStore;
  const openedCorpus = renewable(() => openCorpus(folder.collection.corpus));
  closers.push(async () => (await openedCorpus.peek()?.catch(() => undefined))?.close());
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
  const openedRetriever = renewable(() => openRetriever(parts, { signal }));
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
  const forgetCorpus = () => {
    openedCorpus.renew();
    openedRetriever.renew();
  };
  const memorySession = once(async () => {
    const using = { model: await model(), runtime: await runtime() };
    return openEngineMemory({ config, progress }, using);
  });
  const generator = once(async () => {
    const opened = await model();
    const [weights, running] = [await generationWeights(opened, config, progress), await runtime()];
    const positions = contextOf(opened);
    const session = await openDecodingSession(running, opened, {
      targetModules: opened.recipe.targetModules,
      weights,
      prepack: weights !== undefined || isSmall(opened), // a large fp32 model would be held twice
      positions,
    });
    const { name, tokenizer } = opened;
    // A few methods look at texts: a second forward pass over the same weights, opened when it is asked for.
    const scorer = once(() =>
      openScorer(running, opened, { tokenizer, positions, weights, prepack: isSmall(opened) }),
    );
    const parts = { session, tokenizer, scorer, memories: memorySession };
    return createLocalGenerator({ model: name, contextLength: positions, ...parts });
  });
  const answerGenerator = once(async () => {
    const own = { ...config, model: config.answerModel, answerModel: undefined };
    const others = { revision: undefined, memoryModel: undefined };
    const engine = await openEngine({ ...own, ...others }, { progress, clock, now, env, signal });
    return onClose(engine, (opened) => opened.dispose()).parts.generator();
  });
  const encoding = once(async () => {
    const opened = await model();
    const initHash = hashAdapter(opened.initial);
    const header = {
      model: { name: opened.name, fingerprint: opened.fingerprint },
      recipe: initHash.slice(0, 16),
    };
    const path = encodingPath(folder.collection.encodings, {
      model: opened,
      prompts: promptsHash(parts.prompts, opened),
      initHash: config.initAdapter === undefined ? undefined : initHash,
    });
    return onClose(await openEncoding(path, { header, store: await store() }), (encoding) =>
      encoding.close(),
    );
  });
  const parts: EngineParts = {
    config,
    folder,
    progress,
    clock,
    now,
    parsing,
    prompts: config.compat === "reference" ? directPrompts : answerPrompts,
    model,
    store,
    corpus,
    retriever,
    embedder,
    generator: shared?.generator ?? generator,
    answerGenerator: config.answerModel === undefined ? (shared?.generator ?? generator) : answerGenerator,
    encoding: async () => {
      const opened = await encoding();
      await opened.refresh(); // another process, or a prune, may have written
      return opened;
    },
    openTrainer: async () => {
      if (shared) return shared.openTrainer();
      return openEngineTrainer(await model(), {
        config,
        progress,
        runtime: await trainingRuntime(),
        openRuntime: (count) => openOwn({ ...config, threads: count, spin })(),
      });
    },
    openDistributions: async () => {
      if (shared) return shared.openDistributions();
      const opened = await trainingModel(await model(), config, progress);
      return openBaseDistributions(await trainingRuntime(), opened, { maxTokens: maxPositions });
    },
    openMemoryTrainer: async () =>
      openMemoryTrainer(await trainingRuntime(), await trainingModel(await model(), config, progress)),
    augmenter: once(() => createAugmenter(parts, { env, signal })),
    memorySession: shared?.memorySession ?? memorySession,
    augmentSettings: once(async () => chooseAugmentSettings(config, (await model()).folder)),
    mergeSettings: once(async () => chooseMerge(config, (await model()).folder)),
    answerPreset: once(async () => chooseAnswerPreset(config, (await model()).folder)),
    forgetCorpus,
  };
  return {
    parts,
    async dispose() {
      for (const close of closers.reverse()) await close();
    },
  };
}

/** The parts of another engine, if it has the model and recipe that these settings ask for. */
function sharedParts(config: EngineConfig, other: OpenEngine | undefined): EngineParts | undefined {
  return other && modelSettings(config) === modelSettings(other.parts.config) ? other.parts : undefined;
}

function modelSettings(config: EngineConfig): string {
  const {
    model,
    revision,
    memoryModel,
    dataFolder: path,
    cacheFolder,
    device,
    threads,
    weights,
    adapterDtype,
  } = config;
  const { recipe, compat, initAdapter } = config;
  return canonicalJson([
    ...[
      model,
      revision ?? null,
      memoryModel ?? null,
      path,
      cacheFolder,
      device,
      threads ?? null,
      weights,
      adapterDtype,
    ],
    ...[recipe ?? null, compat, initAdapter ?? null],
  ]);
}

/** Opens at the first call; a failure is not kept, so that a later call may succeed. */
function once<T>(open: () => Promise<T>): () => Promise<T> {
  return renewable(open);
}

function renewable<T>(
  open: () => Promise<T>,
): (() => Promise<T>) & { renew(): void; peek(): Promise<T> | undefined } {
  let opened: Promise<T> | undefined;
  const get = () => {
    const current = (opened ??= open());
    current.catch(() => {
      if (opened === current) opened = undefined;
    });
    return current;
  };
  return Object.assign(get, {
    renew() {
      opened = undefined;
    },
    peek: () => opened,
  });
}
