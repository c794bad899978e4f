import { join } from "node:path";
import { canonicalJson, sha256, sha256OfFile } from "../base/hash.ts";
import type { EngineConfig, EngineSettings } from "../engine/config.ts";
import { type CorpusFiles, locateCorpus, writeContexts } from "../evaluation/corpus-files.ts";
import { type Dataset, type DatasetFormat, loadDataset } from "../evaluation/load-dataset.ts";
import type { Question } from "../evaluation/questions.ts";
import { type SampleOrder, sampleQuestions } from "../evaluation/sample.ts";

/** What is asked, and from which corpus. */
export interface EvalSource {
  /** Path of the dataset. */
  dataset: string;
  format?: DatasetFormat | undefined;
  /** The alias file of 2WikiMultihopQA. */
  aliases?: string | undefined;
  /** Paths, `contexts` for the questions' own paragraphs, or nothing: the collection as it is. */
  corpus?: readonly string[] | "contexts" | undefined;
  /** Ready-made augmentations of the corpus. */
  augmentations?: string | undefined;
  sample?: number | undefined;
  sampleOrder?: SampleOrder | undefined;
  seed: number;
}

/** What an evaluation knows before an engine is opened. */
export interface EvalPlan {
  dataset: Dataset;
  /** The sample, in the dataset's order. */
  questions: Question[];
  sample: { size: number | null; order: SampleOrder; seed: number };
  corpus: CorpusFiles | undefined;
  augmentations: string | undefined;
  /** Settings that the engine must be opened with: the corpus has a collection of its own, named by its content. */
  settings: EngineSettings;
}

/** Reads the dataset, draws the sample and finds the corpus; packed files are unpacked below the data folder. */
export async function planEval(source: EvalSource, config: EngineConfig): Promise<EvalPlan> {
  const { seed, sampleOrder: order = "first", augmentations } = source;
  const dataset = await loadDataset(source.dataset, { ...source, compat: config.compat });
  const questions = sampleQuestions(dataset.questions, { size: source.sample, order, seed });
  const corpus = await findCorpus(source.corpus, dataset, config);
  return {
    dataset,
    questions,
    sample: { size: source.sample ?? null, order, seed },
    corpus,
    augmentations,
    settings: {
      ...(corpus && (await collectionSettings(corpus, { augmentations, config }))),
      ...{ compat: config.compat, analyzer: config.analyzer },
      // A limit of the dataset is for answers; reasoning needs room of its own.
      maxTokens: config.maxTokens ?? (config.cot ? undefined : dataset.maxTokens),
    },
  };
}

async function findCorpus(
  corpus: EvalSource["corpus"],
  { questions }: Dataset,
  { dataFolder }: EngineConfig,
): Promise<CorpusFiles | undefined> {
  const workFolder = join(dataFolder, "eval");
  if (corpus === undefined) return undefined;
  return corpus === "contexts" ? writeContexts(questions, workFolder) : locateCorpus(corpus, workFolder);
}

/** Files above the usual limit are welcome here: `psgs_w100.tsv` has 13 GB. */
const maxFileBytes = 2 ** 42;

/** What passages are made from names the collection, so that runs share it and nothing else disturbs it. */
async function collectionSettings(
  { hash }: CorpusFiles,
  { augmentations, config }: { augmentations: string | undefined; config: EngineConfig },
): Promise<EngineSettings> {
  const { maxWords, overlapWords } = config.ingest;
  const imported = augmentations === undefined ? null : await sha256OfFile(augmentations);
  const made = { hash, maxWords, overlapWords, analyzer: config.analyzer, imported };
  return {
    collection: `eval-${sha256(canonicalJson(made)).slice(0, 12)}`,
    ingest: { maxWords, overlapWords, maxFileBytes },
  };
}
