import type { Adapter } from "../adapters/adapter.ts";
import type { Encoding } from "../adapters/encoding.ts";
import type { ModuleShape } from "../adapters/factors.ts";
import type { MergeWeights } from "../adapters/merge.ts";
import type { AdapterStore } from "../adapters/store.ts";
import type { Augmenter } from "../augmentation/augmenter.ts";
import type { Progress } from "../base/progress.ts";
import type { Corpus } from "../corpus/corpus-folder.ts";
import type { ParserOptions } from "../corpus/ingest.ts";
import type { Generator } from "../generation/generator.ts";
import type { MemorySession } from "../memory/memory-session.ts";
import type { Model } from "../models/open-model.ts";
import type { AnswerPrompts } from "../prompts/answer.ts";
import type { Embedder } from "../retrieval/embedder.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import type { BaseDistributions } from "../training/base-distribution.ts";
import type { MemoryTrainer } from "../training/memory-trainer.ts";
import type { Recipe } from "../training/recipe.ts";
import type { Trainer } from "../training/trainer.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { EngineConfig } from "./config.ts";
import type { DataFolder } from "./data-folder.ts";
import type { AnswerPreset } from "./presets.ts";

/** The base model with all that belongs to it. */
export interface OpenedModel extends Model {
  /** As recorded with results: its name, not its path. */
  name: string;
  folder: string;
  fingerprint: string;
  tokenizer: Tokenizer;
  /** Of the files that say how conversations become tokens. */
  tokenizerHash: string;
  recipe: Recipe;
  shapes: ModuleShape[];
  /** The start of every adapter. */
  initial: Adapter;
}

/**
 * The parts of an engine, each opened when first asked for and closed with the engine. Verbs are functions of these, so
 * a test can hand in others.
 */
export interface EngineParts {
  config: EngineConfig;
  folder: DataFolder;
  progress: Progress;
  /** Milliseconds, for durations. */
  clock: () => number;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Limits for a document's parser; its own where absent. */
  parsing: ParserOptions;
  prompts: AnswerPrompts;
  model(): Promise<OpenedModel>;
  generator(): Promise<Generator>;
  /** What answers over a remembered text: another model where the settings name one. */
  answerModel(): Promise<OpenedModel>;
  answerGenerator(): Promise<Generator>;
  openTrainer(): Promise<Trainer>;
  openDistributions(): Promise<BaseDistributions>;
  openMemoryTrainer(): Promise<MemoryTrainer>;
  store(): Promise<AdapterStore>;
  encoding(): Promise<Encoding>;
  corpus(): Promise<Corpus>;
  retriever(): Promise<Retriever>;
  embedder(): Promise<Embedder>;
  augmenter(): Promise<Augmenter>;
  /** The model with memory weights; a `NotFoundError` where there are none for it. */
  memorySession(): Promise<MemorySession>;
  /** How much to make of a passage: the settings, or the model's preset where they are silent. */
  augmentSettings(): Promise<{ rewrites: number; pairs: number; seed: number }>;
  /** How adapters are merged: the settings, or the model's preset where they are silent. */
  mergeSettings(): Promise<{ weights: MergeWeights; scale: number }>;
  /** What the model's preset says about answering. */
  answerPreset(): Promise<AnswerPreset>;
  /** After the corpus or its index changed: open it anew when next asked for. */
  forgetCorpus(): void;
}
