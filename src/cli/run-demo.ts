import { join } from "node:path";
import { Random } from "../base/random.ts";
import { encodingCost } from "../engine/costs.ts";
import { createMethod } from "../engine/create-method.ts";
import { encode } from "../engine/encode.ts";
import { importAugmentations } from "../engine/import-augmentations.ts";
import { ingest } from "../engine/ingest.ts";
import { packageRoot } from "../engine/package-root.ts";
import type { EngineParts } from "../engine/parts.ts";
import { evaluateMethod } from "../evaluation/evaluate.ts";
import { loadQuestions, type Question } from "../evaluation/questions.ts";
import type { RunSummary } from "../evaluation/summary.ts";

/** What the demo shows. */
export interface DemoReport {
  model: string;
  corpus: { documents: number; passages: number };
  /** Who wrote the questions that were trained on. */
  augmenter: string;
  /** When the adapters were trained, in this run or an earlier one. */
  encode: { seconds: number; passagesPerSecond: number; bytesPerAdapter: number };
  methods: Pick<
    RunSummary,
    "name" | "em" | "f1" | "precision" | "recall" | "promptTokens" | "latencyMs" | "fallbacks" | "failed"
  >[];
}

export interface DemoOptions {
  /** How many questions are asked, drawn by the seed; all if undefined. */
  questions: number | undefined;
  seed: number;
  signal: AbortSignal;
}

/** Passages that are retrieved: the paper's k. */
const limit = 3;
const atlas = join(packageRoot, "examples", "atlas");

/** The methods that the demo compares. */
const demoMethods = ["closed-book", "standard-rag", "prag", "combine"] as const;

/** The whole way, on the example corpus: ingest, augment, encode, then answer its questions with every method. */
export async function runDemo(
  parts: EngineParts,
  { questions: wanted, seed, signal }: DemoOptions,
): Promise<DemoReport> {
  const { documents, passages } = await ingest(parts, ["documents"], { base: atlas, signal });
  await importAugmentations(parts, join(atlas, "augmented.jsonl"));
  const { augmentation, bytesPerAdapter } = await encode(parts, { signal });
  const cost = await encodingCost(parts);
  const questions = drawQuestions(await loadQuestions(join(atlas, "questions.jsonl")), wanted, seed);
  const methods: DemoReport["methods"] = [];
  for (const name of demoMethods) {
    const method = await createMethod(parts, name, { onMissing: "encode" });
    const onDone = (_record: unknown, done: number, total: number) =>
      parts.progress({ task: `answer by ${name}`, done, total, note: `${done} of ${total} questions` });
    const { summary } = await evaluateMethod(method, questions, { limit, signal, onDone });
    const { em, f1, precision, recall, promptTokens, latencyMs, fallbacks, failed } = summary;
    methods.push({ name, em, f1, precision, recall, promptTokens, latencyMs, fallbacks, failed });
  }
  return {
    model: (await parts.model()).name,
    corpus: { documents, passages },
    augmenter: Object.keys(augmentation.augmenters).join(", "),
    encode: {
      seconds: cost.seconds,
      passagesPerSecond: cost.seconds > 0 ? cost.passages / cost.seconds : 0,
      bytesPerAdapter,
    },
    methods,
  };
}

/** Some of the questions, in their order. */
function drawQuestions(questions: readonly Question[], wanted: number | undefined, seed: number): Question[] {
  if (wanted === undefined) return [...questions];
  const drawn = new Set(new Random(`demo/${seed}`).sample(questions, wanted));
  return questions.filter((question) => drawn.has(question));
}
