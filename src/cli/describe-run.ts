import { cpus } from "node:os";
import { ConfigError } from "../base/errors.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { describeMethod } from "../engine/create-method.ts";
import { describeEngine } from "../engine/describe-engine.ts";
import type { EngineParts } from "../engine/parts.ts";
import { questionHash } from "../evaluation/question-rows.ts";
import { type MethodEntry, methodEntrySchema, type RunConfig, runFormat } from "../evaluation/run-format.ts";
import type { EvalPlan } from "./plan-eval.ts";
import type { EvalMethod, EvalOptions, TextOpener } from "./run-eval.ts";

type DescribeOptions = EvalOptions & { isRetrieving: boolean };

/** All that determines what a run gives. */
export async function describeRun(
  parts: EngineParts,
  plan: EvalPlan,
  options: DescribeOptions,
): Promise<RunConfig> {
  const { config } = parts;
  const { methods, seed, inFlight = 1, onMissing = "encode", isRetrieving, texts } = options;
  return {
    format: runFormat,
    ...(await describeEngine(parts)),
    dataset: describeDataset(plan, { withTexts: texts !== undefined }),
    corpus: isRetrieving ? await describeCorpus(parts, plan) : null,
    answering: {
      limit: config.limit,
      maxTokens: config.maxTokens ?? null,
      onMissing,
      chainOfThought: config.cot,
      shots: config.shots ?? 0,
      inFlight,
    },
    seed,
    methods: await Promise.all(methods.map((method) => describeEntry(parts, method, texts))),
    environment: {
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      processor: cpus()[0]?.model ?? "",
      threads: config.threads ?? cpus().length,
      device: config.device,
    },
  };
}

/** `withTexts` counts what each question is about: a corpus is described by itself. */
function describeDataset(
  { dataset, questions, sample }: EvalPlan,
  { withTexts }: { withTexts: boolean },
): RunConfig["dataset"] {
  const { name, format } = dataset;
  const rows = questions.map((one) => [
    ...[one.id, one.type, questionHash(one)],
    ...(withTexts ? [sha256(canonicalJson(one.paragraphs))] : []),
  ]);
  const hash = sha256(canonicalJson(rows));
  return { name, format, hash, questions: questions.length, sample };
}

async function describeCorpus(parts: EngineParts, plan: EvalPlan): Promise<RunConfig["corpus"]> {
  const { generation: hash, passageCount: passages } = await parts.corpus();
  return { name: plan.corpus?.name ?? parts.config.collection, hash, passages };
}

async function describeEntry(
  parts: EngineParts,
  method: EvalMethod,
  texts: TextOpener | undefined,
): Promise<MethodEntry> {
  const { id, options = {} } = method;
  const { limit: _limit, maxTokens: _maxTokens, ...rest } = options;
  const description = await (texts ? texts.describe(parts, method) : describeMethod(parts, nameOf(id), rest));
  // As it will be read again: without what is undefined.
  const parsed = methodEntrySchema.safeParse(JSON.parse(JSON.stringify({ id, options, description })));
  if (parsed.success) return parsed.data;
  throw new ConfigError(`method "${id}": ${parsed.error.issues[0]?.message ?? "is not a name"}`);
}

/** The method of a variant. */
export function nameOf(id: string): string {
  return id.split(":", 1)[0] ?? id;
}
