import { existsSync } from "node:fs";
import { join } from "node:path";
import { NotFoundError } from "../base/errors.ts";
import { canonicalJson } from "../base/hash.ts";
import { encodingCost } from "../engine/costs.ts";
import { createMethod, usesAdapters } from "../engine/create-method.ts";
import { dryRun } from "../engine/dry-run.ts";
import { warmUpFile } from "../engine/models.ts";
import { nameOf } from "./describe-run.ts";
import { estimateTexts } from "./estimate-texts.ts";
import { prepareCollection } from "./prepare-eval.ts";
import { planRuns, type ReproduceRun } from "./reproduce-plan.ts";
import { atlas } from "./reproduce-sets.ts";
import { type ReproduceContext, startFolder, withPlan } from "./run-reproduce.ts";
import type { CommandContext } from "./shell.ts";

/** What a run would do. */
export interface RunEstimate {
  name: string;
  questions: number;
  methods: string[];
  answers: number;
  /** Passages that need adapters; at most so many where the corpus is not ingested yet. */
  passages: number;
  isExact: boolean;
  /** Of them, those without an adapter. */
  toEncode: number;
  encodeSeconds: number;
  answerSeconds: number;
  /** Where questions are about texts of their own: these, to be memorized in place of encoding. */
  texts?: { count: number; tokens: number };
}

/** Seconds that this machine takes, measured on the example corpus. */
interface Rates {
  secondsPerPassage: number;
  secondsPerAnswer: ReadonlyMap<string, number>;
}

/** Says what runs would do and cost. The example corpus is ingested for the measurement; nothing else is written. */
export async function estimateRuns(
  context: ReproduceContext,
  runs: readonly ReproduceRun[],
): Promise<RunEstimate[]> {
  const rates = new Map<string, Rates>();
  const estimates: RunEstimate[] = [];
  for (const planned of runs) {
    if (planned.memoryRatio !== undefined) {
      estimates.push(
        await withPlan(context, { run: planned }, (opened, plan) => estimateTexts(opened, planned, plan)),
      );
      continue;
    }
    const run = withoutMissingStart(context, planned);
    const key = canonicalJson([run.settings, run.methods]);
    const known = rates.get(key) ?? (await measure(context, run));
    rates.set(key, known);
    const found = await withPlan(context, { run }, (opened, plan) =>
      estimate(opened, { run, questions: plan.questions, rates: known }),
    );
    const encodeSeconds = found.passages * known.secondsPerPassage;
    estimates.push(run === planned ? found : { ...found, toEncode: found.passages, encodeSeconds });
  }
  return estimates;
}

/** A start that is still to be trained, or only in part, costs what the usual one does. */
function withoutMissingStart(context: ReproduceContext, run: ReproduceRun): ReproduceRun {
  const { initAdapter, ...settings } = run.settings;
  if (initAdapter == null) return run;
  const isMissing = initAdapter === startFolder(context) && !existsSync(join(initAdapter, warmUpFile));
  return isMissing ? { ...run, settings } : run;
}

const timedQuestions = 2;

/** Times a few updates and a few questions of the example corpus. */
async function measure(context: ReproduceContext, { methods, settings }: ReproduceRun): Promise<Rates> {
  const [probe] = planRuns("table1", { sets: [atlas], sample: 1 + timedQuestions, compat: "none" });
  const run = { ...probe!, settings, name: "atlas" };
  return withPlan(context, { run }, async ({ parts, signal }, plan) => {
    await prepareCollection(parts, plan, { signal });
    const secondsPerAnswer = new Map<string, number>();
    for (const { id, options } of methods) {
      const method = await createMethod(parts, nameOf(id), { onMissing: "skip", ...options });
      const { limit = parts.config.limit } = options ?? {};
      let startedMs = parts.clock();
      for (const [i, { question }] of plan.questions.entries()) {
        if (i === 1) startedMs = parts.clock(); // the first opens what the others find open
        for await (const _event of method.answer(question, {
          limit,
          maxTokens: parts.config.maxTokens,
          signal,
        }));
      }
      secondsPerAnswer.set(id, (parts.clock() - startedMs) / 1000 / timedQuestions);
    }
    if (!methods.some(({ id }) => usesAdapters(nameOf(id))))
      return { secondsPerPassage: 0, secondsPerAnswer };
    const { toEncode, expectedSeconds } = await dryRun(parts, { signal });
    const before = await encodingCost(parts);
    const secondsPerPassage = toEncode
      ? expectedSeconds / toEncode
      : before.seconds / Math.max(1, before.passages);
    return { secondsPerPassage, secondsPerAnswer };
  });
}

async function estimate(
  { parts }: CommandContext,
  { run, questions, rates }: { run: ReproduceRun; questions: readonly { question: string }[]; rates: Rates },
): Promise<RunEstimate> {
  const limits = run.methods
    .filter(({ id }) => usesAdapters(nameOf(id)))
    .map(({ options }) => options?.limit ?? parts.config.limit);
  const limit = Math.max(0, ...limits);
  const { passages, isExact, toEncode } = await countPassages({ parts }, questions, limit);
  const answerSeconds = run.methods.reduce(
    (sum, { id }) => sum + questions.length * (rates.secondsPerAnswer.get(id) ?? 0),
    0,
  );
  return {
    name: run.name,
    questions: questions.length,
    methods: run.methods.map(({ id }) => id),
    answers: questions.length * run.methods.length,
    passages,
    isExact,
    toEncode,
    encodeSeconds: toEncode * rates.secondsPerPassage,
    answerSeconds,
  };
}

/** The distinct passages that the questions retrieve, if the corpus is there; else as many as there can be. */
async function countPassages(
  { parts }: Pick<CommandContext, "parts">,
  questions: readonly { question: string }[],
  limit: number,
): Promise<{ passages: number; isExact: boolean; toEncode: number }> {
  const most = questions.length * limit;
  if (limit === 0) return { passages: 0, isExact: true, toEncode: 0 };
  const isThere = await parts.corpus().then(
    ({ passageCount }) => passageCount > 0,
    (error: unknown) => {
      if (error instanceof NotFoundError) return false; // not ingested yet
      throw error;
    },
  );
  if (!isThere) return { passages: most, isExact: false, toEncode: most };
  const [retriever, encoding] = [await parts.retriever(), await parts.encoding()];
  const ids = new Set<string>();
  for (const { question } of questions)
    for (const { passage } of await retriever.retrieve(question, limit)) ids.add(passage.id);
  const toEncode = [...ids].filter((id) => encoding.keyOf(id) === undefined).length;
  return { passages: ids.size, isExact: true, toEncode };
}
