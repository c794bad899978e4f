import { join } from "node:path";
import { ConfigError, InputError } from "../base/errors.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { readGivenJsonl } from "../base/jsonl.ts";
import type { Unread } from "../corpus/find-files.ts";
import { readFiles } from "../corpus/read-files.ts";
import { type ClueExample, clueExampleSchema, createTuningTexts } from "../training/memory-clues.ts";
import { weighByGain } from "../training/memory-gain.ts";
import { choosePairs, createPreferenceTexts, meanReward } from "../training/memory-preference.ts";
import { createStretches } from "../training/memory-pretraining.ts";
import type { MemoryTrainer, MemoryValues } from "../training/memory-trainer.ts";
import type { MemoryTraining } from "../training/memory-training.ts";
import { tokenizeParagraphs } from "./memorize.ts";
import { checkStretch, type MemoryStage, type TrainMemoryRequest } from "./memory-training-request.ts";
import type { EngineParts, OpenedModel } from "./parts.ts";
import { sampleClues } from "./sample-clues.ts";

const beta = 0.1;

/** What a stage trains, and how. */
export interface Stage {
  model: OpenedModel;
  trainer: MemoryTrainer;
  values: MemoryValues;
  window: number;
  ratios: readonly number[];
  batch: number;
  seed: number;
}

/** What a stage is trained on. */
export interface StageData {
  count: number;
  textsOf: MemoryTraining["textsOf"];
  /** Texts that are shorter than a stretch, examples that do not fit into the model's positions. */
  left?: number;
  /** What the data is known by. */
  content: string;
  /** The gradients of another loss than that of prediction. */
  gradients?: MemoryTrainer["gradients"];
  meanReward?: number;
  /** Of the texts. */
  unread?: Unread;
}

/** What each stage is trained on, made from its files. */
export const stageData: Record<
  MemoryStage,
  (parts: EngineParts, request: TrainMemoryRequest, given: Stage) => Promise<StageData>
> = {
  async imitate(parts, request, given) {
    const { textsOf, ...data } = await readStretches(parts, request, given);
    const { imitationGradients: gradients } = given.trainer;
    return { ...data, gradients, textsOf: async (update) => ({ texts: textsOf(update) }) };
  },
  async pretrain(parts, request, given) {
    const { weigh = "alike" } = request;
    const { content, textsOf, ...data } = await readStretches(parts, request, given);
    return {
      ...data,
      content: sha256(`${weigh}/${content}`),
      textsOf: async (update, values) => {
        const texts = textsOf(update);
        return { texts: weigh === "gain" ? await weighByGain(texts, { ...given, values }) : texts };
      },
    };
  },
  async sft(_parts, { paths }, { model, ...given }) {
    const { examples, content } = await readExamples(paths);
    const { contextLength: positions } = model.config;
    const { count, left, textsOf } = createTuningTexts(model.tokenizer, examples, { ...given, positions });
    if (count === 0) throw tooLong(left, { model, ...given });
    return { count, left, textsOf: async (update) => ({ texts: textsOf(update) }), content };
  },
  async rlgf(parts, request, { model, trainer, values, ...given }) {
    const { from, paths, out } = request;
    if (from === undefined)
      throw new ConfigError("rlgf needs the weights of sft: give their folder (--from)");
    const { examples, content } = await readExamples(paths);
    const sampled = await sampleClues(parts, examples, {
      ...request,
      from,
      ratio: given.ratios[0] ?? 4,
      path: join(out, "samples.jsonl"),
      content,
    });
    const pairs = choosePairs(examples, sampled);
    if (!pairs.length)
      throw new InputError(
        `the clues of no example differ in their reward (mean ${meanReward(sampled).toFixed(3)}); sample more (--samples), or give other examples`,
      );
    const reference = new Map([...values].map(([name, value]) => [name, value.slice()]));
    const { tokenizer } = model;
    const { contextLength: positions } = model.config;
    const sizes = { ...given, positions, beta };
    const texts = createPreferenceTexts({ trainer, tokenizer, reference }, pairs, sizes);
    if (texts.count === 0) throw tooLong(texts.left, { model, ...given });
    return { ...texts, content: sha256(canonicalJson([content, sampled])), meanReward: meanReward(sampled) };
  },
};

function tooLong(
  count: number,
  { model, ratios }: { model: OpenedModel; ratios: readonly number[] },
): InputError {
  return new InputError(
    `all ${count} clue examples are too long for the ${model.config.contextLength} positions of ${model.name} with ratios ${ratios.join(", ")}; give shorter texts (prag memory clues --words) or larger ratios`,
  );
}

/** Reads texts and cuts them into stretches. */
async function readStretches(
  { config, folder, progress }: EngineParts,
  { paths, base, windows = 4, weigh = "alike", signal }: TrainMemoryRequest,
  { model, ...given }: Stage,
) {
  checkStretch(model, { ...given, windows, weigh });
  const texts: Int32Array[] = [];
  const hashes: string[] = [];
  const unread = await readFiles(paths, {
    ...config.ingest,
    base,
    dataFolder: folder.path,
    signal,
    onDocument({ document, source }) {
      texts.push(Int32Array.from(tokenizeParagraphs(model.tokenizer, document.text)));
      hashes.push(document.id);
      progress({ task: "read texts", done: texts.length, total: 0, note: source });
    },
  });
  const stretches = createStretches(texts, { ...given, windows });
  return { ...stretches, unread, content: sha256(`${windows}/${hashes.join()}`) };
}

async function readExamples(paths: readonly string[]): Promise<{ examples: ClueExample[]; content: string }> {
  const examples: ClueExample[] = [];
  for (const path of paths) examples.push(...(await readGivenJsonl(path, clueExampleSchema)));
  if (!examples.length)
    throw new InputError(`no clue example in ${paths.join(", ")}; "prag memory clues" makes them`);
  return { examples, content: sha256(canonicalJson(examples)) };
}
