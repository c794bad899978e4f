import * as z from "zod/mini";
import type {
  AdapterDetail,
  AdapterSummary,
  ApiErrorBody,
  AskEvent,
  CollectionRow,
  DocumentRow,
  JobRow,
  ReportRow,
  ServerStatus,
  SimilarityMap,
} from "../../src/index.ts";

// What the page reads of the server's answers (docs/api.md). Fields that it does not use are not asked for.

// Zod would try to compile its checks, which a Content-Security-Policy without 'unsafe-eval' forbids.
z.config({ jitless: true });

const count = z.number();
const text = z.string();

export const errorBody = z.object({
  error: z.object({ message: text, type: text, param: z.nullable(text), code: z.nullable(text) }),
});

export const serverStatus = z.object({
  version: text,
  model: text,
  methods: z.readonly(z.array(text)),
  collection: z.object({
    collection: text,
    corpus: z.nullable(z.object({ documents: count, passages: count })),
    model: z.object({ name: text, parameters: z.optional(count), problem: z.optional(text) }),
    encoding: z.nullable(z.object({ passages: count, encoded: count })),
  }),
  background: z.object({ state: text, waiting: count, encoded: count }),
  limits: z.object({ uploadBytes: count, questionCharacters: count }),
});

const collectionRow = z.object({
  name: text,
  documents: count,
  passages: count,
  encoded: count,
  problem: z.optional(text),
});
export const collectionCreated = collectionRow;
export const collectionList = z.object({ collections: z.array(collectionRow) });

const documentRow = z.object({ id: text, source: text, title: text, passages: count, encoded: count });
export const documentList = z.object({ documents: z.array(documentRow) });

export const jobRow = z.object({
  id: text,
  kind: z.enum(["ingest", "augment", "encode"]),
  collection: text,
  isBackground: z.boolean(),
  state: z.enum(["waiting", "running", "done", "failed", "cancelled"]),
  progress: z.nullable(
    z.object({ task: text, done: count, total: count, note: z.nullable(text), etaMs: z.nullable(count) }),
  ),
  losses: z.array(z.number()),
  error: z.nullable(errorBody.shape.error),
});
export const jobList = z.object({ jobs: z.array(jobRow) });
export const jobStarted = z.object({ job: jobRow });

const hit = z.object({ passage: z.object({ id: text, title: text, text }), score: z.number() });
const passageUse = z.enum(["adapter", "context", "both", "skipped"]);
export const askEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("retrieval"), query: text, hits: z.array(hit) }),
  z.object({ type: z.literal("adapter"), passageId: text, usedAs: passageUse }),
  z.object({ type: z.literal("decision"), reason: text }),
  z.object({ type: z.literal("text-delta"), text }),
  z.object({
    type: z.literal("end"),
    text,
    answer: text,
    usage: z.object({ promptTokens: count, generatedTokens: count }),
    timings: z.object({ totalMs: count, firstTokenMs: z.nullish(count) }),
  }),
  z.object({ type: z.literal("error"), ...errorBody.shape }),
]);

const adapterFields = {
  key: text,
  passageId: text,
  title: text,
  bytes: count,
  dtype: text,
  rank: count,
  alpha: z.number(),
  targetModules: z.readonly(z.array(text)),
  recipeHash: z.nullable(text),
  firstLoss: z.nullable(z.number()),
  lastLoss: z.nullable(z.number()),
  trainingTokens: z.nullable(count),
};
const adapterSummary = z.object(adapterFields);
export const adapterList = z.object({ adapters: z.array(adapterSummary) });
export const adapterDetail = z.object({
  ...adapterFields,
  baseModel: text,
  createdBy: text,
  recipe: z.unknown(),
  losses: z.array(z.number()),
  text,
});

export const similarityMap = z.object({
  keys: z.array(text),
  titles: z.array(text),
  values: z.array(z.array(z.number())),
  isPartial: z.boolean(),
});

const reportRow = z.object({ path: text, bytes: count, modifiedMs: count });
export const reportTicket = z.object({ ticket: text });
export const reportList = z.object({ reports: z.array(reportRow) });

export type Status = z.infer<typeof serverStatus>;
export type Collection = z.infer<typeof collectionRow>;
export type DocumentEntry = z.infer<typeof documentRow>;
export type Job = z.infer<typeof jobRow>;
export type AnswerEvent = z.infer<typeof askEvent>;
export type PassageUse = z.infer<typeof passageUse>;
export type AdapterEntry = z.infer<typeof adapterSummary>;
export type AdapterInfo = z.infer<typeof adapterDetail>;
export type Similarity = z.infer<typeof similarityMap>;
export type Report = z.infer<typeof reportRow>;

/** Compiles only where the schema takes whatever the server may say. */
type Takes<Schema extends z.ZodMiniType, Said extends z.input<Schema>> = [Schema, Said];

/** One row per route: a change of the server that the page does not know of fails here. */
export type WireContract = [
  Takes<typeof errorBody, ApiErrorBody>,
  Takes<typeof serverStatus, ServerStatus>,
  Takes<typeof collectionRow, CollectionRow>,
  Takes<typeof documentRow, DocumentRow>,
  Takes<typeof jobRow, JobRow>,
  Takes<typeof askEvent, AskEvent>,
  Takes<typeof adapterSummary, AdapterSummary>,
  Takes<typeof adapterDetail, AdapterDetail>,
  Takes<typeof similarityMap, SimilarityMap>,
  Takes<typeof reportRow, ReportRow>,
];
