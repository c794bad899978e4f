import type { MethodEvent } from "../methods/method.ts";
import type { AugmentReport } from "./augment.ts";
import type { EncodeReport } from "./encode.ts";
import type { IngestReport } from "./ingest.ts";
import type { StatusReport } from "./status.ts";

// What the server's native routes say, as `docs/api.md` describes them; the page takes its types from here.

/** `GET /api/status`. */
export interface ServerStatus {
  version: string;
  /** Id of the base model, as `/v1/models` has it. */
  model: string;
  /** Null where the model cannot be opened. */
  contextLength: number | null;
  /** Methods that `/api/ask` takes. */
  methods: readonly string[];
  /** Of the collection that was asked for. */
  collection: StatusReport;
  background: BackgroundStatus;
  /** Where documents may be ingested from by path; empty where uploads are the only way. */
  allowedPaths: readonly string[];
  limits: { uploadBytes: number; questionCharacters: number };
}

/** What the background encoder is about. */
export interface BackgroundStatus {
  state: "off" | "idle" | "waiting-for-requests" | "resting" | "encoding" | "disk-budget-reached";
  /** Passages that are hot enough and have no adapter yet, all collections together. */
  waiting: number;
  /** Passages that it has encoded since the server started. */
  encoded: number;
  /** Cold adapters that it has deleted since then to keep within its budget. */
  evicted: number;
  diskBudgetBytes: number;
  diskUsedBytes: number;
}

/** A collection in a list. */
export interface CollectionRow {
  name: string;
  documents: number;
  passages: number;
  augmented: number;
  /** Passages with an adapter of the model and recipe in use. */
  encoded: number;
  /** Why it cannot be opened. */
  problem?: string;
}

/** A file of a collection, or one record of a table. */
export interface DocumentRow {
  id: string;
  source: string;
  title: string;
  passages: number;
  encoded: number;
}

export type JobKind = "ingest" | "augment" | "encode";
export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

/** A long task of the server. */
export interface JobRow {
  id: string;
  kind: JobKind;
  collection: string;
  /** Whether the background encoder started it. */
  isBackground: boolean;
  state: JobState;
  /** Milliseconds since 1970. */
  createdMs: number;
  startedMs: number | null;
  endedMs: number | null;
  progress: JobProgress | null;
  /** Mean training loss of each update of the passages in training now; empty before and outside of encoding. */
  losses: number[];
  /** What the finished job gave, by its kind. */
  result: IngestReport | AugmentReport | EncodeReport | null;
  error: ApiErrorBody["error"] | null;
}

/** How far a job is: `done` of `total` units of the task that it is at. */
export interface JobProgress {
  task: string;
  done: number;
  total: number;
  note: string | null;
  /** Milliseconds until the task ends, about; null before that can be said. */
  etaMs: number | null;
}

/** A found passage. */
export interface SearchHit {
  passage: { id: string; title: string; text: string; source: string };
  score: number;
  /** Key of its adapter. */
  adapter: string | null;
}

/** `POST /api/ask`. */
export interface AskBody {
  question: string;
  collection?: string;
  /** Where absent, that of the settings. */
  method?: string;
  /** Passages to retrieve. */
  limit?: number;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  seed?: number;
  history?: { role: "user" | "assistant"; content: string }[];
}

/** An event of `POST /api/ask`: what the method says, or why it could not go on. */
export type AskEvent = MethodEvent | ({ type: "error" } & ApiErrorBody);

/** An adapter of a collection. */
export interface AdapterSummary {
  key: string;
  passageId: string;
  title: string;
  bytes: number;
  dtype: string;
  rank: number;
  alpha: number;
  targetModules: readonly string[];
  recipeHash: string | null;
  /** First and last training loss. */
  firstLoss: number | null;
  lastLoss: number | null;
  trainingTokens: number | null;
}

/** The same with all that its file tells. */
export interface AdapterDetail extends AdapterSummary {
  baseModel: string;
  createdBy: string;
  /** Every setting of its training. */
  recipe: unknown;
  /** Training loss per update. */
  losses: number[];
  text: string;
}

/** Cosines between the adapters of a collection, each with each. */
export interface SimilarityMap {
  keys: string[];
  titles: string[];
  /** `values[i][j]` in [-1, 1]. */
  values: number[][];
  /** Whether there are more adapters than were compared. */
  isPartial: boolean;
}

/** A report of an evaluation. */
export interface ReportRow {
  /** Its path below the folder of runs. */
  path: string;
  bytes: number;
  modifiedMs: number;
}

/** The body of every answer with a status of 400 or above, as OpenAI has it. */
export interface ApiErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}
