import { z } from "zod";

/*
 * A run on disk, the results of methods on one dataset:
 *   config.json      all that determines the result; a run goes on only where it is the same
 *   questions.jsonl  one row per question of the sample, with what retrieval finds for it
 *   records.jsonl    append-only: one row per question and method
 *   sessions.jsonl   append-only: where the time of each finished call went
 *   summary.json     tables of the above; written anew at the end of each call
 */

/** Raised when what is written changes its meaning. */
export const runFormat = 1;

/** File names of a run folder. */
export const runFiles = {
  config: "config.json",
  questions: "questions.jsonl",
  records: "records.jsonl",
  sessions: "sessions.jsonl",
  summary: "summary.json",
} as const;

const hash = z.string().regex(/^[0-9a-f]{8,64}$/);
const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
/** Seconds or milliseconds: of a sum or a mean of such as are larger, a report could say nothing. */
const elapsed = z.number().min(0).max(1e12);

/** How one method of a run is opened; its id is the method's name, or `prag:shuffled` for a variant. */
export const methodEntrySchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]+(:[a-z0-9.-]+)*$/, "must be a method's name, or name:variant"),
  /** What makes the variant: `{ shuffleAdapters: 1 }`, `{ limit: 10 }`. Empty for the plain method. */
  options: z.record(z.string(), z.unknown()).default({}),
  /** All that decides how it answers, defaults included: prompts by their hash, thresholds, departures from the papers. */
  description: z.record(z.string(), z.unknown()).default({}),
});
export type MethodEntry = z.infer<typeof methodEntrySchema>;

/** All that determines the result of a run. `environment` and the list of methods may differ when a run goes on. */
export const runConfigSchema = z.strictObject({
  format: z.literal(runFormat),
  version: z.string(),
  model: z.strictObject({ name: z.string(), fingerprint: hash, weights: z.string() }),
  /** Of the texts that training and augmentation use; those of a method are in its description. */
  promptsHash: hash,
  dataset: z.strictObject({
    name: z.string(),
    /** As the loader found it: `jsonl`, `2wikimultihopqa`, … */
    format: z.string(),
    /** Of the sampled questions with their answers. */
    hash,
    questions: count,
    sample: z.strictObject({
      size: count.nullable(),
      /** The first rows, a seeded draw with each type in its share, or the first rows of each type. */
      order: z.enum(["first", "stratified", "first-per-type"]),
      seed: z.int(),
    }),
  }),
  /** `null` where no method retrieves. */
  corpus: z.strictObject({ name: z.string(), hash, passages: count }).nullable(),
  retriever: z.looseObject({ name: z.string().optional() }),
  recipe: z.looseObject({ name: z.string().optional(), without: z.string().optional() }),
  /** Of the adapter that training starts from. */
  initHash: hash,
  /** Whether that one is drawn by the recipe's seed or was trained before; runs of older versions do not say. */
  initSource: z.enum(["seed", "adapter"]).optional(),
  adapterDtype: z.string(),
  augmentation: z.looseObject({ augmenter: z.string().optional() }),
  merge: z.strictObject({ weights: z.string(), scale: z.number() }),
  /** `reference`: as the paper's code does; `none`: the project's own choices. */
  compat: z.string(),
  answering: z.strictObject({
    limit: count,
    /** `null`: as each method's description says. */
    maxTokens: count.nullable(),
    onMissing: z.string(),
    chainOfThought: z.boolean(),
    shots: count,
    /** Questions in flight: above 1, they share decode steps and each one's time holds some of the others'. */
    inFlight: count,
  }),
  seed: z.int(),
  methods: z.array(methodEntrySchema),
  /** Where it ran: recorded, not compared. */
  environment: z.record(z.string(), z.unknown()),
});
export type RunConfig = z.infer<typeof runConfigSchema>;

/** A question of the sample and what retrieval finds for it, whatever the method. */
export const questionRowSchema = z.strictObject({
  id: z.string(),
  /** Of question and answers. */
  hash,
  type: z.string(),
  /** The answer is a yes or no: that it stands in a text means nothing. */
  isClosed: z.boolean(),
  /** Whether any accepted answer stands in any passage of the corpus; `null` without a corpus. */
  answerInCorpus: z.boolean().nullable(),
  /** Passage ids, best first. */
  retrieved: z.array(z.string()),
  /** Rank, from 1, of the first retrieved passage that contains an accepted answer. */
  answerRank: z.int().positive().nullable(),
  /** For each text or title that supports the answer, the rank of the first passage of it; empty where none is known. */
  supportRanks: z.array(z.int().positive().nullable()),
});
export type QuestionRow = z.infer<typeof questionRowSchema>;

export const scoresSchema = z.strictObject({ em: share, f1: share, precision: share, recall: share });

/** What stands in a record for people; left out of results whose dataset's texts must not be passed on. */
const textsSchema = z.strictObject({
  question: z.string(),
  answers: z.array(z.string()),
  /** All that the method said. */
  prediction: z.string(),
  /** What is scored, and what is scored leniently. */
  answer: z.string(),
  lenientAnswer: z.string(),
});

/** One question by one method. */
export const runRecordSchema = z.strictObject({
  id: z.string(),
  questionHash: hash,
  type: z.string(),
  /** Id of the method or variant. */
  method: z.string(),
  /** The answer cut as the paper's code cuts it: the primary numbers. */
  scores: scoresSchema,
  /** The answer cut so that dates, numbers and initials stay whole. */
  lenient: scoresSchema,
  /** Whether an accepted answer stands anywhere in the text. */
  isPresent: z.boolean(),
  promptTokens: count,
  generatedTokens: count,
  rounds: count,
  /** Milliseconds; `null` where the question failed. */
  timings: z
    .strictObject({
      totalMs: elapsed,
      retrievalMs: elapsed,
      loadMs: elapsed,
      mergeMs: elapsed,
      firstTokenMs: elapsed.optional(),
    })
    .nullable(),
  /** Ids of all passages that the method retrieved, in the order in which they first came. */
  retrieved: z.array(z.string()),
  /** Passages that took part as adapters. */
  adapters: count,
  /** Passages without an adapter in a method that wanted one. */
  fallbacks: count,
  /** How often a method decided something on its way, as FLARE to retrieve again. */
  decisions: count,
  /** Why there is no answer; the scores are then 0. */
  error: z.strictObject({ kind: z.enum(["prompt-too-long", "input"]), message: z.string() }).optional(),
  texts: textsSchema.optional(),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

/** Where the time of one call went, in seconds. */
export const sessionSchema = z.strictObject({
  totalSeconds: elapsed,
  /** Ingest, index, augmentation, encoding: work that a product would do as well. */
  prepareSeconds: elapsed,
  /** While methods answered. */
  answerSeconds: elapsed,
  /** All else: loading questions, scoring, writing. */
  harnessSeconds: elapsed,
  answered: count,
});
export type Session = z.infer<typeof sessionSchema>;

const optionalShare = share.nullable();
const quantiles = z.strictObject({ mean: elapsed, p50: elapsed, p95: elapsed });
const interval = z.strictObject({ low: z.number(), high: z.number() });

/** One row of a table. Scores are means over all questions; one without an answer counts as wrong. */
const scoreRowSchema = z.strictObject({
  questions: count,
  ...scoresSchema.shape,
  lenient: scoresSchema,
  /** Share of questions where an accepted answer stands anywhere in the text. */
  answerPresence: share,
  /** Questions whose prompt did not fit the model. */
  tooLong: count,
  /** Questions that failed otherwise. */
  failed: count,
});
export type ScoreRow = z.infer<typeof scoreRowSchema>;

/** A method over the whole sample, with costs. Token counts and times are of the questions that were answered. */
const methodRowSchema = z.strictObject({
  name: z.string(),
  ...scoreRowSchema.shape,
  /** 95 % bootstrap intervals of the means. */
  intervals: z.strictObject({ em: interval, f1: interval }),
  byType: z.record(z.string(), scoreRowSchema),
  promptTokens: z.number(),
  generatedTokens: z.number(),
  rounds: z.number(),
  latencyMs: quantiles,
  loadMs: quantiles,
  mergeMs: quantiles,
  /** Mean per question. */
  adapters: z.number(),
  /** In all. */
  fallbacks: count,
});
export type MethodRow = z.infer<typeof methodRowSchema>;

/** Two methods on the same questions, in F1. */
const comparisonSchema = z.strictObject({
  method: z.string(),
  against: z.string(),
  /** Mean F1 of the method minus that of the other. */
  difference: z.number(),
  interval,
  pBootstrap: share,
  pTTest: share,
});
export type Comparison = z.infer<typeof comparisonSchema>;

const retrievalRowSchema = z.strictObject({
  questions: count,
  /** Share of questions whose answer stands in the corpus, and the same without yes-or-no questions. */
  answerInCorpus: optionalShare,
  answerInCorpusOpen: optionalShare,
  /** By k: share of the questions without those answered by yes or no that have an answer string in the top k. */
  answerRecall: z.record(z.string(), share),
  /** By k: mean share of supporting texts in the top k, over the questions that name any. */
  supportRecall: z.record(z.string(), share),
  /** Questions that name what supports their answer. */
  withSupport: count,
});
export type RetrievalRow = z.infer<typeof retrievalRowSchema>;

/** What adapters cost, and from how many questions per passage on they are cheaper than passages in the prompt. */
const costSchema = z.strictObject({
  /** Passages of the sample that have an adapter. */
  adapters: count,
  bytesPerAdapter: z.number(),
  /** Mean of the adapters that were trained here; `null` where none was. */
  trainingTokensPerPassage: z.number().nullable(),
  /** `null` where the adapters were made elsewhere and their time is not known. */
  encodeSecondsPerPassage: elapsed.nullable(),
  /** Prompt tokens that a question saves against standard RAG; `null` where not both methods have answered all questions. */
  savedPromptTokens: z.number().nullable(),
  /** By arithmetic: training at 4P per token against prompts at 2P per token (P parameters); `null` where nothing is saved. */
  breakEvenByTokens: z.number().nullable(),
  /** By the clock: encode seconds against seconds saved per question, on this machine; `null` where nothing is saved. */
  breakEvenBySeconds: z.number().nullable(),
  /** Questions that both methods answered, of which the three are; summaries of older versions do not say. */
  comparedQuestions: count.optional(),
});
export type RunCost = z.infer<typeof costSchema>;

/** Tables of a run. */
export const runSummarySchema = z.strictObject({
  format: z.literal(runFormat),
  dataset: z.string(),
  model: z.string(),
  compat: z.string(),
  /** False while answers are missing. */
  isComplete: z.boolean(),
  methods: z.array(methodRowSchema),
  /** Against `prag` and against the best method. */
  comparisons: z.array(comparisonSchema),
  /** `null` without a corpus; `byType` within. */
  retrieval: z
    .strictObject({ ...retrievalRowSchema.shape, byType: z.record(z.string(), retrievalRowSchema) })
    .nullable(),
  cost: costSchema.nullable(),
  time: z.strictObject({
    ...sessionSchema.shape,
    /** Harness seconds as a share of all. */
    harnessShare: share,
  }),
});
export type RunSummaryFile = z.infer<typeof runSummarySchema>;
