import type { MethodEvent } from "../methods/method.ts";
import type { Answer } from "./answer.ts";
import { type AskOptions, ask, streamAnswer } from "./ask.ts";
import { type AugmentReport, augment } from "./augment.ts";
import { type PruneReport, prune } from "./collections.ts";
import type { EngineConfig, EngineSettings } from "./config.ts";
import { type EncodeReport, encode } from "./encode.ts";
import { type ImportReport, importAugmentations } from "./import-augmentations.ts";
import { type IngestReport, ingest, locateInputs } from "./ingest.ts";
import { deleteMemory, listMemories, type MemoryRow } from "./memories.ts";
import { type MemorizeOptions, type MemorizeReport, memorize } from "./memorize.ts";
import { type EngineEnvironment, openEngine } from "./open-engine.ts";
import { type StatusReport, status } from "./status.ts";

/** Ends a long task between two steps; the same call goes on from there. */
export interface TaskOptions {
  signal?: AbortSignal | undefined;
}

/** Parametric RAG over one collection. Long tasks are resumable: after a kill, the same call goes on. */
export interface Rag {
  readonly config: EngineConfig;
  /** Brings the collection up to date with files, folders and globs, relative to the working folder. */
  ingest(paths: string | readonly string[], options?: TaskOptions): Promise<IngestReport>;
  /** Deletes adapters of passages that have gone from every collection. */
  prune(): Promise<PruneReport>;
  /** Makes questions and rewrites of the passages that have none; `encode` does it where it was not done. */
  augment(options?: TaskOptions): Promise<AugmentReport>;
  /** Takes ready-made augmentations from a file. */
  importAugmentations(path: string): Promise<ImportReport>;
  /** Trains an adapter for every passage that has none. */
  encode(options?: TaskOptions): Promise<EncodeReport>;
  /** Reads a long text into a named memory, which `ask` answers from by the method `memorag`. */
  memorize(paths: string | readonly string[], options: MemorizeOptions): Promise<MemorizeReport>;
  memories(): Promise<MemoryRow[]>;
  deleteMemory(name: string): Promise<void>;
  /** Answers a question; `onText` gets the text as it comes. */
  ask(question: string, options?: AskOptions): Promise<Answer>;
  /** Answers a question as events: what is retrieved, which adapters are used, the text as it comes. */
  stream(question: string, options?: Omit<AskOptions, "onText">): AsyncGenerator<MethodEvent>;
  status(): Promise<StatusReport>;
  /** Frees the model; nothing may be called afterwards. */
  dispose(): Promise<void>;
}

/** Opens parametric RAG. Settings are those of `prag.config.json`; nothing heavy happens before the first call. */
export async function openRag(
  settings: EngineSettings = {},
  environment: EngineEnvironment = {},
): Promise<Rag> {
  const { parts, dispose } = await openEngine(settings, { env: process.env, ...environment });
  const { config } = parts;
  const locate = (paths: string | readonly string[]) =>
    locateInputs(typeof paths === "string" ? [paths] : paths, {
      cwd: process.cwd(),
      dataFolder: config.dataFolder,
    });
  return {
    config,
    async ingest(paths, options) {
      const { base, inputs } = locate(paths);
      return ingest(parts, inputs, { base, ...options });
    },
    prune: () => prune(parts),
    augment: (options) => augment(parts, options),
    importAugmentations: (path) => importAugmentations(parts, path),
    encode: (options) => encode(parts, options),
    async memorize(paths, options) {
      const { base, inputs } = locate(paths);
      return memorize(parts, inputs, { base, ...options });
    },
    memories: () => listMemories(parts),
    deleteMemory: (name) => deleteMemory(parts, name),
    ask: (question, options) => ask(parts, question, options),
    stream: (question, options) => streamAnswer(parts, question, options),
    status: () => status(parts),
    dispose,
  };
}
