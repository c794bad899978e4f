/** The public API. What is not exported here is private and may change at any time. */

// Adapters: merge them, take them out to PEFT and in.
export { type Adapter, type AdapterConfig, type LoraFactors, scalingOf } from "./adapters/adapter.ts";
export { type MergeOptions, type MergeWeights, merge } from "./adapters/merge.ts";
export { exportPeft, type ImportedAdapter, importPeft } from "./adapters/peft.ts";
// What can go wrong.
export {
  CapacityError,
  ConfigError,
  EngineError,
  type ErrorCode,
  FormatError,
  InputError,
  NotFoundError,
  RemoteError,
  ShapeError,
  UnsupportedError,
} from "./base/errors.ts";
export type { Progress, ProgressEvent } from "./base/progress.ts";
// The nouns and contracts, for methods, retrievers and generators of one's own.
export type { AugmentedPassage, Document, Passage, QuestionAnswer } from "./corpus/corpus.ts";
// The product: one object over one collection.
export type { Answer, Source, TraceStep } from "./engine/answer.ts";
// What the server's native routes say.
export type {
  AdapterDetail,
  AdapterSummary,
  ApiErrorBody,
  AskBody,
  AskEvent,
  BackgroundStatus,
  CollectionRow,
  DocumentRow,
  JobKind,
  JobProgress,
  JobRow,
  JobState,
  ReportRow,
  SearchHit,
  ServerStatus,
  SimilarityMap,
} from "./engine/api.ts";
export type { AskOptions } from "./engine/ask.ts";
// The engine by its parts, for those who want to wire it otherwise.
export type { AugmentReport } from "./engine/augment.ts";
export type { PruneReport } from "./engine/collections.ts";
export type { EngineConfig, EngineSettings } from "./engine/config.ts";
export {
  createMethod,
  describeMethod,
  type MethodDescription,
  type MethodOptions,
  type OnMissing,
} from "./engine/create-method.ts";
export type { EncodeReport } from "./engine/encode.ts";
export type { ImportReport } from "./engine/import-augmentations.ts";
export type { IngestReport } from "./engine/ingest.ts";
export type { MemoryRow } from "./engine/memories.ts";
export type { MemorizeOptions, MemorizeReport } from "./engine/memorize.ts";
export type { EngineEnvironment } from "./engine/open-engine.ts";
export { type OpenEngine, openEngine } from "./engine/open-engine.ts";
export type { EngineParts, OpenedModel } from "./engine/parts.ts";
export { openRag, type Rag, type TaskOptions } from "./engine/rag.ts";
export type { StatusReport } from "./engine/status.ts";
export type { Generation, GenerationRequest, Generator, Sampling } from "./generation/generator.ts";
export { closedBook } from "./methods/closed-book.ts";
export { decompose } from "./methods/decompose.ts";
export { hyde } from "./methods/hyde.ts";
export { type MemoragParts, memorag } from "./methods/memorag.ts";
export {
  type AnswerOptions,
  type HistoryTurn,
  type Method,
  type MethodEvent,
  type MethodName,
  methodNames,
} from "./methods/method.ts";
export { combine, type PragParts, prag } from "./methods/prag.ts";
export { standardRag } from "./methods/standard-rag.ts";
export type { Hit, Retriever } from "./retrieval/retriever.ts";
export { type AnswerScores, scoreAnswer } from "./text/scores.ts";
