import { canonicalJson, sha256 } from "../../base/hash.ts";
import type { ReportRun, RunGroup } from "./runs.ts";

/** A setting by which runs of one dataset may differ while all else is the same. */
export interface Aspect {
  /** The value of the setting. */
  value(run: ReportRun): string;
  /** Everything else that must agree. */
  rest(run: ReportRun): unknown;
  /** The run's row; `family` are the runs that it is compared with. */
  label(run: ReportRun, family: readonly ReportRun[]): string;
}

const common = ({ config }: ReportRun) => ({
  corpus: config.corpus?.hash,
  retriever: config.retriever,
  merge: config.merge,
  adapterDtype: config.adapterDtype,
  answering: { ...config.answering, inFlight: 0 },
});

/** What the paper's tables 2 and 3 and its figure 3 vary. */
export const aspects = {
  start: {
    value: ({ config }) => config.initHash,
    rest: (run) => [common(run), run.config.recipe, run.config.augmentation],
    label: labelOfStart,
  },
  augmentation: {
    value: ({ config }) => canonicalJson(config.augmentation),
    rest: (run) => [common(run), run.config.recipe, run.config.initHash],
    label: ({ variant, config: { augmentation } }) =>
      variant ?? (augmentation.imported ? "ready-made" : (augmentation.augmenter ?? "other")),
  },
  ablation: {
    value: ({ config }) => config.recipe.without ?? "none",
    rest: (run) => [
      common(run),
      { ...run.config.recipe, without: "" },
      run.config.augmentation,
      run.config.initHash,
    ],
    label: ({ config: { recipe } }) => {
      const { without = "none" } = recipe;
      return (Object.hasOwn(ablationNames, without) && ablationNames[without]) || "other";
    },
  },
} satisfies Record<string, Aspect>;

/** Only a start that is known to be drawn by a seed is called random. */
function labelOfStart(run: ReportRun, family: readonly ReportRun[]): string {
  const { variant, config } = run;
  const { initSource, initHash } = config;
  // Runs of before the source was recorded: the paper's pair is a plain run beside one that is named.
  const isOfPair =
    initSource === undefined &&
    variant === undefined &&
    family.every((one) => one === run || one.variant !== undefined);
  return initSource === "seed" || isOfPair ? "random" : (variant ?? `start ${initHash.slice(0, 8)}`);
}

/** Rows of a family; where a name would stand for several runs, the beginning of a hash of what differs follows it. */
export function labelsOf(family: readonly ReportRun[], aspect: Aspect): string[] {
  const labels = family.map((run) => aspect.label(run, family));
  const hashOf = (value: string) => (/^[0-9a-f]{16,}$/.test(value) ? value : sha256(value)).slice(0, 8);
  return family.map((run, i) => {
    const isShared = labels.filter((label) => label === labels[i]).length > 1;
    return isShared ? `${labels[i]} (${hashOf(aspect.value(run))})` : labels[i]!;
  });
}

/** Names of the paper's figure 3, by what is left out. */
export const ablationNames: Record<string, string> = {
  none: "both",
  rewrite: "QA only",
  qa: "rewrite only",
  both: "neither",
};

/** All runs that stand in a table of variants. */
export function familiesOf(group: RunGroup): ReportRun[] {
  return Object.values(aspects).flatMap((aspect) =>
    group.main.flatMap((main) => findFamily(group, main, aspect) ?? []),
  );
}

/** The largest set of a dataset's runs that differ in nothing but the aspect; the main run comes first. */
export function findFamily(group: RunGroup, main: ReportRun, aspect: Aspect): ReportRun[] | undefined {
  const families = new Map<string, Map<string, ReportRun>>();
  const ofDataset = group.runs.filter(
    (run) => run.dataset === main.dataset && run.byMethod.get("prag")?.size,
  );
  for (const run of [main, ...ofDataset]) {
    if (!run.byMethod.get("prag")?.size) continue;
    const key = canonicalJson(aspect.rest(run));
    const family = families.get(key) ?? new Map<string, ReportRun>();
    if (!family.has(aspect.value(run))) family.set(aspect.value(run), run);
    families.set(key, family);
  }
  const largest = [...families.values()].reduce(
    (a, b) => (b.size > a.size ? b : a),
    new Map<string, ReportRun>(),
  );
  return largest.size > 1 ? [...largest.values()] : undefined;
}
