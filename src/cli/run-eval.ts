import { join } from "node:path";
import { ConfigError } from "../base/errors.ts";
import { readJsonIfPresent, writeAtomic, writeJson } from "../base/files.ts";
import { canonicalJson } from "../base/hash.ts";
import { openJsonl, readJsonl } from "../base/jsonl.ts";
import { acquireLock } from "../base/lock.ts";
import { createMethod, type MethodOptions, type OnMissing, usesAdapters } from "../engine/create-method.ts";
import type { EngineParts } from "../engine/parts.ts";
import {
  type AnsweringReport,
  answerQuestions,
  type MethodOf,
  questionsLeft,
  type RunMethod,
} from "../evaluation/answer-questions.ts";
import { createQuestionRows } from "../evaluation/question-rows.ts";
import type { Question } from "../evaluation/questions.ts";
import { checkTexts, continueConfig, type LoadedRun, loadRun } from "../evaluation/run-folder.ts";
import {
  type QuestionRow,
  questionRowSchema,
  type RunConfig,
  type RunCost,
  type RunRecord,
  type RunSummaryFile,
  runConfigSchema,
  runFiles,
  runRecordSchema,
  sessionSchema,
} from "../evaluation/run-format.ts";
import { summariseRun, sumSessions } from "../evaluation/summarise-run.ts";
import { largest } from "../evaluation/summary.ts";
import type { Method } from "../methods/method.ts";
import { describeRun, nameOf } from "./describe-run.ts";
import type { EvalPlan } from "./plan-eval.ts";
import {
  adapterCost,
  augmentRetrieved,
  encodeKept,
  encodeRetrieved,
  keptRetriever,
  prepareCollection,
  spareHits,
  usedPassages,
} from "./prepare-eval.ts";

/** A method or a variant of one. */
export interface EvalMethod {
  /** `prag`, or a variant's name: `prag:shuffled`. */
  id: string;
  options?: MethodOptions & { limit?: number | undefined; maxTokens?: number | undefined };
}

/** How the questions are answered, and where the run goes. */
export interface EvalOptions {
  methods: readonly EvalMethod[];
  out: string;
  seed: number;
  /** What to do about retrieved passages without an adapter; `encode` trains them before the first question. */
  onMissing?: OnMissing | undefined;
  inFlight?: number | undefined;
  withoutTexts?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Opens a method in place of the engine, or one for each question: for controls. */
  open?: ((parts: EngineParts, method: EvalMethod) => Promise<Method | MethodOf>) | undefined;
  /** Every question is about a text of its own: nothing is retrieved from a collection. */
  texts?: TextOpener | undefined;
}

/** How methods over texts are opened, and what they are known by. */
export interface TextOpener {
  open(parts: EngineParts, method: EvalMethod): MethodOf;
  describe(parts: EngineParts, method: EvalMethod): Promise<Record<string, unknown>>;
}

/** What is left in the run's folder, and what should be known about the data. */
export interface EvalReport extends RunSummaryFile {
  folder: string;
  /** Answers of this call. */
  answeredNow: number;
  notes: string[];
}

/** Methods that use augmentations as texts, and those that retrieve nothing. */
const augmented = new Set(["da-rag"]);
const withoutRetrieval = new Set(["closed-book"]);

/** Passages that are looked at for each question, whatever methods take of them: recall is told up to here. */
const leastDepth = 10;

/**
 * Runs methods on a dataset and leaves the run in its folder: what is there already is not done again, so that the same
 * call goes on after a kill. `parts` are of an engine opened with the plan's settings.
 */
export async function runEval(parts: EngineParts, plan: EvalPlan, options: EvalOptions): Promise<EvalReport> {
  const ids = options.methods.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw new ConfigError(`method "${twice}" is named twice; name it once`);
  if (ids.length === 0) throw new ConfigError("no method is named; name some with --methods");
  const lock = await acquireLock(options.out, "eval");
  try {
    return await new EvalRun(parts, plan, options).run();
  } finally {
    await lock.release();
  }
}

class EvalRun {
  readonly #parts: EngineParts;
  readonly #plan: EvalPlan;
  readonly #options: EvalOptions;
  /** Seconds of work that is not the harness's. */
  #prepareSeconds = 0;

  constructor(parts: EngineParts, plan: EvalPlan, options: EvalOptions) {
    this.#parts = parts;
    this.#plan = plan;
    this.#options = options;
  }

  async run(): Promise<EvalReport> {
    const { clock } = this.#parts;
    const start = clock();
    const before = await readJsonl(join(this.#options.out, runFiles.records), runRecordSchema);
    await this.#refuseEarly(before);
    if (this.#isRetrieving)
      await this.#prepare(() => prepareCollection(this.#parts, this.#plan, this.#interrupt));
    const config = await this.#agreeOnConfig();
    const rows = await this.#questionRows();
    await this.#encode(rows, before);
    const report = await this.#answer();
    const summary = await this.#summarise(config, report);
    const time = await this.#recordTime(report, start);
    const path = join(this.#options.out, runFiles.summary);
    await writeJson(path, { ...summary, time });
    const { notes } = this.#plan.dataset;
    return { ...summary, time, folder: this.#options.out, answeredNow: report.answered, notes };
  }

  get #interrupt() {
    return { signal: this.#options.signal };
  }

  get #isRetrieving(): boolean {
    if (this.#options.texts) return false;
    return (
      this.#plan.corpus !== undefined ||
      this.#options.methods.some(({ id }) => !withoutRetrieval.has(nameOf(id)))
    );
  }

  get #usesAdapters(): boolean {
    return this.#options.methods.some(({ id }) => usesAdapters(nameOf(id)));
  }

  async #prepare<T>(task: () => Promise<T>): Promise<T> {
    const start = this.#parts.clock();
    const result = await task();
    this.#prepareSeconds += (this.#parts.clock() - start) / 1000;
    return result;
  }

  /** Finds what is wrong with methods or folder before the corpus is ingested: all but what only the corpus tells. */
  async #refuseEarly(records: readonly RunRecord[]): Promise<void> {
    const { out, withoutTexts } = this.#options;
    checkTexts(records, { folder: out, withoutTexts });
    const now = await this.#prepare(() =>
      describeRun(this.#parts, this.#plan, { ...this.#options, isRetrieving: false }),
    );
    const before = await readJsonIfPresent(join(out, runFiles.config), runConfigSchema);
    const { corpus, augmentation } = now;
    if (before) continueConfig({ ...before, corpus, augmentation }, now, out);
  }

  /** Writes the config, or finds that the folder's run is of the same. */
  async #agreeOnConfig(): Promise<RunConfig> {
    const { out } = this.#options;
    const path = join(out, runFiles.config);
    const isRetrieving = this.#isRetrieving;
    const now = await this.#prepare(() =>
      describeRun(this.#parts, this.#plan, { ...this.#options, isRetrieving }),
    );
    const before = await readJsonIfPresent(path, runConfigSchema);
    const config = before ? continueConfig(before, now, out) : now;
    if (canonicalJson(before ?? null) !== canonicalJson(config)) await writeJson(path, config);
    return config;
  }

  /** What retrieval finds for each question: made once, then kept. */
  async #questionRows(): Promise<QuestionRow[]> {
    const path = join(this.#options.out, runFiles.questions);
    const before = await readJsonl(path, questionRowSchema);
    const depth = largest(before.map(({ retrieved }) => retrieved.length));
    if (before.length > 0 && depth >= (await this.#depth())) return before;
    const rows = await createQuestionRows(this.#plan.questions, await this.#retrievalParts());
    await writeAtomic(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return rows;
  }

  async #retrievalParts() {
    if (!this.#isRetrieving) return undefined;
    const { progress } = this.#parts;
    const [corpus, retriever] = await this.#prepare(() =>
      Promise.all([this.#parts.corpus(), this.#parts.retriever()]),
    );
    const depth = await this.#depth();
    return { retriever, passages: corpus.passages(), depth, progress, ...this.#interrupt };
  }

  /** How many passages are looked at for each question. */
  async #depth(): Promise<number> {
    if (!this.#isRetrieving) return 0;
    const { limit } = this.#parts.config;
    const limits = this.#options.methods.map(({ options }) => options?.limit ?? limit);
    const most = Math.max(limit, ...limits) + (this.#keepsEncoded ? spareHits : 0);
    return Math.min((await this.#parts.corpus()).passageCount, Math.max(leastDepth, most));
  }

  /** The passages that methods will use are encoded before the first question; where none is left, nothing is trained. */
  async #encode(rows: readonly QuestionRow[], records: readonly RunRecord[]): Promise<void> {
    const { methods, onMissing = "encode" } = this.#options;
    if (onMissing !== "encode") return;
    const { limit } = this.#parts.config;
    const isUsing = ({ id }: EvalMethod) => usesAdapters(nameOf(id)) || augmented.has(nameOf(id));
    const isRetrieving = ({ id }: EvalMethod) => !withoutRetrieval.has(nameOf(id));
    const using = methods.filter(this.#keepsEncoded ? isRetrieving : isUsing);
    const { questions } = this.#plan;
    if (using.every(({ id }) => questionsLeft(questions, records, id).length === 0)) return;
    const most = Math.max(...using.map(({ options }) => options?.limit ?? limit));
    const plain = this.#usesAdapters ? encodeRetrieved : augmentRetrieved;
    const encode = this.#keepsEncoded ? encodeKept : plain;
    await this.#prepare(() => encode(this.#parts, rows, { limit: most, ...this.#interrupt }));
  }

  /** Whether passages that cannot be encoded do not count as retrieved, for no method: so does the paper's code. */
  get #keepsEncoded(): boolean {
    const { onMissing = "encode" } = this.#options;
    return this.#isRetrieving && this.#parts.config.compat === "reference" && onMissing === "encode";
  }

  async #answer(): Promise<AnsweringReport> {
    const { out: folder, methods, inFlight = 1, withoutTexts, signal } = this.#options;
    const { clock, progress, config } = this.#parts;
    await this.#prepare(async () => {
      const generator = await this.#parts.generator();
      // What looks at attention is opened now: no question's time is for it.
      if (methods.some(({ id }) => nameOf(id) === "dragin")) await generator.attention({ text: "." });
    });
    return answerQuestions({
      folder,
      questions: this.#plan.questions,
      score: this.#plan.dataset.score,
      methods: methods.map((method): RunMethod => {
        const { limit = config.limit, maxTokens = config.maxTokens, cot = config.cot } = method.options ?? {};
        return {
          id: method.id,
          open: () => this.#prepare(() => this.#open(method)),
          options: { limit, maxTokens },
          chainOfThought: cot,
        };
      }),
      inFlight,
      withoutTexts,
      clock,
      progress,
      signal,
    });
  }

  async #open(method: EvalMethod) {
    const { texts } = this.#options;
    if (!texts) return this.#openOverCorpus(method);
    const open = texts.open(this.#parts, method); // which reads or remembers the text of each question
    return (question: Question) => this.#prepare(() => open(question));
  }

  async #openOverCorpus(method: EvalMethod): Promise<Method | MethodOf> {
    const { open, onMissing = "encode" } = this.#options;
    // What could be encoded is encoded by now; the rest has no pair to train on.
    const missing = onMissing === "encode" ? "skip" : onMissing;
    const options = { onMissing: missing, ...method.options };
    const kept = this.#keepsEncoded ? await keptRetriever(this.#parts, this.#plan.questions) : undefined;
    const parts = kept ? { ...this.#parts, retriever: async () => kept } : this.#parts;
    return open ? open(parts, { ...method, options }) : createMethod(parts, nameOf(method.id), options);
  }

  async #summarise(config: RunConfig, { answered }: AnsweringReport): Promise<Omit<RunSummaryFile, "time">> {
    const run = await loadRun(this.#options.out);
    const { questions, records, summary: before } = run;
    // Other runs train in the same collection later on: what this one cost is told when its answers are given.
    const isTold = answered === 0 && before?.isComplete && before.methods.length === config.methods.length;
    const cost = isTold ? before.cost : await this.#cost(run);
    return summariseRun({ config, questions, records, cost });
  }

  async #cost(run: LoadedRun): Promise<RunCost | null> {
    const hasAdapters = run.config.methods.some(({ id }) => usesAdapters(nameOf(id))); // of earlier calls too
    return hasAdapters ? adapterCost(this.#parts, await usedPassages(this.#parts, run)) : null;
  }

  /** Adds this call to the run's time; one that found nothing missing leaves the folder as it is. */
  async #recordTime(
    { answered, answerSeconds }: AnsweringReport,
    start: number,
  ): Promise<RunSummaryFile["time"]> {
    const path = join(this.#options.out, runFiles.sessions);
    const totalSeconds = (this.#parts.clock() - start) / 1000;
    const prepareSeconds = this.#prepareSeconds;
    const harnessSeconds = Math.max(0, totalSeconds - prepareSeconds - answerSeconds);
    if (answered > 0) {
      const sessions = await openJsonl(path);
      try {
        await sessions.append({ totalSeconds, prepareSeconds, answerSeconds, harnessSeconds, answered });
      } finally {
        await sessions.close();
      }
    }
    return sumSessions(await readJsonl(path, sessionSchema));
  }
}
