import { canonicalJson, sha256 } from "../../base/hash.ts";
import type { MethodEntry } from "../run-format.ts";
import { type Block, percent, type Section, text } from "./blocks.ts";
import type { ReportRun } from "./runs.ts";

/** What determines a run's results, by the heads of the table's columns. */
const settings: Readonly<Record<string, (run: ReportRun) => string>> = {
  dataset: ({ config: { dataset } }) => `${dataset.name} (${dataset.hash.slice(0, 8)})`,
  sample: ({ config: { dataset } }) => {
    const { size, order, seed } = dataset.sample;
    return `${dataset.questions} questions, ${size === null ? "all" : `${order}, seed ${seed}`}`;
  },
  corpus: ({ config: { corpus } }) =>
    corpus
      ? `${corpus.name}, ${corpus.passages.toLocaleString("en")} passages (${corpus.hash.slice(0, 8)})`
      : "none",
  retriever: ({ config: { retriever } }) => `${retriever.name ?? "other"} (${hashOf(retriever)})`,
  k: ({ config: { answering } }) => String(answering.limit),
  "chain of thought": ({ config: { answering } }) => (answering.chainOfThought ? "yes" : "no"),
  shots: ({ config: { answering } }) => String(answering.shots),
  model: ({ config: { model } }) => `${model.name} ${model.weights} (${model.fingerprint.slice(0, 8)})`,
  compat: ({ config }) => config.compat,
  recipe: ({ config: { recipe, initHash } }) =>
    `${recipe.name ?? "other"} (${hashOf(recipe)}), start ${initHash.slice(0, 8)}`,
  augmentation: ({ config: { augmentation } }) =>
    `${augmentation.augmenter ?? "other"} (${hashOf(augmentation)})`,
  merge: ({ config: { merge } }) => `${merge.weights} × ${merge.scale}`,
  prompts: ({ config }) => config.promptsHash.slice(0, 8),
  version: ({ config }) => config.version,
};

function hashOf(value: unknown): string {
  return sha256(canonicalJson(value)).slice(0, 8);
}

/** What each run was made with. */
export function settingsSection(runs: readonly ReportRun[]): Section {
  const block: Block = {
    kind: "table",
    caption: "What each run was made with",
    head: ["run", ...Object.keys(settings), "harness"],
    rows: runs.map((run) => ({
      cells: [
        run.name,
        ...Object.values(settings).map((tell) => tell(run)),
        run.summary ? `${percent(run.summary.time.harnessShare)} %` : "–",
      ].map(text),
    })),
    note: "k: passages retrieved. Beginnings of hashes in brackets; each run's config.json has all settings. Harness: share of the run's time that went into loading, scoring and writing.",
  };
  return { title: "Settings", blocks: [block] };
}

/** Two runs with the same key answer the same question by the same method alike: all settings but sample, seed and times. */
export function settingsKey({ config }: ReportRun): string {
  const { version, promptsHash, corpus, retriever, recipe, initHash, adapterDtype } = config;
  const { augmentation, merge, compat, model } = config;
  const made = { version, promptsHash, corpus: corpus?.hash ?? null, retriever, recipe, initHash };
  const answering = { ...config.answering, inFlight: 0 };
  return canonicalJson({ ...made, adapterDtype, augmentation, merge, compat, model, answering });
}

/** How a run differs from another one of its dataset, in the words of the settings. */
export function differences(run: ReportRun, other: ReportRun): string {
  const differing = Object.entries(settings).flatMap(([name, tell]) =>
    name !== "dataset" && tell(run) !== tell(other) ? [`${name} ${tell(run)}`] : [],
  );
  if (differing.length) return differing.join(", ");
  if (settingsKey(run) !== settingsKey(other)) return `settings ${sha256(settingsKey(run)).slice(0, 8)}`;
  const methods = run.config.methods.filter((entry) => !other.config.methods.some(isSameAs(entry)));
  return methods.map((entry) => `${entry.id} (${hashOf(entry)})`).join(", ") || "another run";
}

/** Whether an entry opens the same method in the same way. */
export const isSameAs = (entry: MethodEntry) => (other: MethodEntry) =>
  canonicalJson(entry) === canonicalJson(other);

/** Names in their order, each but the first of a kind with its number. */
export function numbered(names: readonly string[]): string[] {
  return names.map((name, i) => {
    const before = names.slice(0, i).filter((other) => other === name).length;
    return before ? `${name} (${before + 1})` : name;
  });
}
