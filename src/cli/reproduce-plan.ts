import { ConfigError } from "../base/errors.ts";
import type { EngineSettings } from "../engine/config.ts";
import { paperMethodNames } from "../engine/create-method.ts";
import type { EvalSet } from "./reproduce-sets.ts";
import type { EvalMethod } from "./run-eval.ts";

/** What of the paper, and what beyond it, can be run by one command. */
export const targets = [
  "table1",
  "table2",
  "table3",
  "table4",
  "figure3",
  "controls",
  "sweep",
  "memorag",
] as const;
export type Target = (typeof targets)[number];

/** One run of a target. */
export interface ReproduceRun {
  /** Folder below that of the target: the dataset, and behind a `+` what is different. */
  name: string;
  set: EvalSet;
  /** Questions; all if undefined. */
  sample: number | undefined;
  methods: EvalMethod[];
  settings: EngineSettings;
  /** Leaves the dataset's ready-made augmentations out. */
  withoutReadyMade?: boolean;
  /** Another model augments first, and its work is taken as ready-made. */
  augmentModel?: string;
  /** How alike its adapters are is measured too. */
  measuresSimilarity?: boolean;
  /** Every question is about a text of its own; this is the ratio of its memory. */
  memoryRatio?: number;
}

export interface TargetOptions {
  sets: readonly EvalSet[];
  /** In place of the usual number of questions, for every dataset. */
  sample?: number | undefined;
  /** In place of all methods, in tables 1 and 4. */
  methods?: readonly string[] | undefined;
  /** `reference` reasons step by step on the multi-hop sets and trains twice on some, as the paper's code does. */
  compat: "none" | "reference";
  /** The answering model. */
  model?: string | undefined;
  /** Where adapters start in the second row of table 2. */
  warm?: string | undefined;
  /** Models that augment in table 3, beside the answering model and the rules. */
  augmentModels?: readonly string[] | undefined;
  /** Of memories; 8 if undefined. */
  ratio?: number | undefined;
  /** Vectors can be made: dense retrieval is among the methods of `memorag`. */
  hasEmbedder?: boolean | undefined;
}

/** Questions of the atlas and of each other dataset. */
const samples: Readonly<Record<Target, { atlas: number | undefined; others: number }>> = {
  table1: { atlas: undefined, others: 300 },
  table2: { atlas: undefined, others: 100 },
  table3: { atlas: undefined, others: 100 },
  table4: { atlas: 50, others: 50 },
  figure3: { atlas: undefined, others: 100 },
  controls: { atlas: undefined, others: 100 },
  sweep: { atlas: undefined, others: 50 },
  memorag: { atlas: undefined, others: 50 },
};

type Variant = Omit<ReproduceRun, "name" | "set" | "sample"> & { variant?: string };
const prag: EvalMethod = { id: "prag" };

/** The variants of each target for one dataset: one row per target. */
const variants: Readonly<Record<Target, (set: EvalSet, options: TargetOptions) => Variant[]>> = {
  table1: (_set, options) => [{ methods: chosenMethods(options), settings: {} }],
  table2: (_set, { warm }) => {
    if (warm === undefined)
      throw new ConfigError(
        'table2 needs a start to compare with: give --warm-data with questions to learn from, or --init-adapter with the folder that "prag warmup" wrote',
      );
    return [
      { methods: [prag], settings: { initAdapter: null } }, // whatever start the settings file names
      { variant: "warm", methods: [prag], settings: { initAdapter: warm } },
    ];
  },
  table3: ({ source }, { augmentModels = [] }) => [
    {
      variant: "rule",
      methods: [prag],
      settings: { augment: { augmenter: "rule" } },
      withoutReadyMade: true,
    },
    {
      variant: "own-model",
      methods: [prag],
      settings: { augment: { augmenter: "model" } },
      withoutReadyMade: true,
    },
    ...augmentModels.map(
      (model): Variant => ({
        variant: labelOf(model),
        methods: [prag],
        settings: {},
        withoutReadyMade: true,
        augmentModel: model,
      }),
    ),
    ...(source.augmentations === undefined ? [] : [{ variant: "authored", methods: [prag], settings: {} }]),
  ],
  table4: (_set, options) => [{ variant: "table4", methods: chosenMethods(options), settings: {} }],
  figure3: () =>
    (
      [
        ["both", "none"],
        ["qa-only", "rewrite"],
        ["rewrite-only", "qa"],
        ["neither", "both"],
      ] as const
    ).map(([variant, without]) => ({
      variant,
      methods: [prag],
      settings: { augment: { rewrites: 1 }, recipe: { pattern: "product", pairs: 3, without } },
    })),
  controls: () => [
    {
      methods: [
        ...[
          "closed-book",
          "standard-rag",
          "prag",
          "prag:shuffled",
          "prag:irrelevant",
          "prag:oracle",
          "standard-rag:oracle",
        ].map((id) => ({ id })),
        { id: "prag:k1", options: { limit: 1 } },
      ],
      settings: {},
      measuresSimilarity: true,
    },
  ],
  sweep: () => [
    {
      variant: "sweep",
      methods: sweepOf(["standard-rag", "prag", "combine"]),
      settings: { recipe: { negatives: { count: 0 } } },
    },
    {
      variant: "sweep-negatives",
      methods: sweepOf(["prag", "combine"]),
      settings: { recipe: { negatives: { count: 36, perUpdate: 3 } } },
    },
  ],
  memorag: (_set, { methods, hasEmbedder = false, ratio = 8 }) => [
    {
      methods: (methods ?? longMethods.filter((id) => hasEmbedder || id !== "standard-rag:dense")).map(
        longMethod,
      ),
      settings: {},
      memoryRatio: ratio,
    },
  ],
};

/**
 * What MemoRAG is compared with, on the same questions about the same texts. It unites what several queries find, about five
 * passages where one query gives three: `standard-rag:k5` shows what is owed to the number alone.
 */
export const longMethods = [
  "closed-book",
  "full-context",
  "standard-rag",
  "standard-rag:k5",
  "standard-rag:dense",
  "hyde",
  "decompose",
  "memorag:lite",
  "memorag",
] as const;

/** A method over texts; `:k5` retrieves five passages. */
function longMethod(id: string): EvalMethod {
  const limit = /:k(\d+)$/.exec(id)?.[1];
  return limit === undefined ? { id } : { id, options: { limit: Number(limit) } };
}

/** Passages of the sweep. */
const sweepLimits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

function sweepOf(names: readonly string[]): EvalMethod[] {
  return names.flatMap((name) =>
    sweepLimits.map((limit) => ({ id: `${name}:k${limit}`, options: { limit } })),
  );
}

function chosenMethods({ methods = paperMethodNames }: TargetOptions): EvalMethod[] {
  return methods.map((id) => ({ id }));
}

/** The last part of a model's name or path, fit for a folder's name. */
function labelOf(model: string): string {
  const last =
    model
      .split(/[/\\]/)
      .filter((part) => part !== "")
      .at(-1) ?? model;
  return last.replace(/[^\w.-]/g, "-").replaceAll("+", "-");
}

/** All runs of a target, dataset by dataset. */
export function planRuns(target: Target, options: TargetOptions): ReproduceRun[] {
  const { sets, sample } = options;
  return sets.flatMap((set) => {
    const usual = set.name === "atlas" ? samples[target].atlas : samples[target].others;
    return variants[target](set, options).map(
      ({ variant, settings, ...run }): ReproduceRun => ({
        ...run,
        name: variant === undefined ? set.name : `${set.name}+${variant}`,
        set,
        sample: sample ?? usual,
        settings:
          options.compat === "reference" ? withReference(set, { settings, model: options.model }) : settings,
      }),
    );
  });
}

/**
 * What the paper's code does on each dataset: chains of thought on the multi-hop sets, two passes on PopQA, and on HotpotQA
 * with Qwen2.5-1.5B.
 */
function withReference(
  { name }: EvalSet,
  { settings, model = "" }: { settings: EngineSettings; model: string | undefined },
): EngineSettings {
  const isMultiHop = name === "2wikimultihopqa" || name === "hotpotqa";
  const isTwice = name === "popqa" || (name === "hotpotqa" && /qwen2\.5-1\.5b/i.test(model));
  return {
    ...(isMultiHop && { cot: true }),
    ...settings,
    ...(isTwice && { recipe: { epochs: 2, ...settings.recipe } }),
  };
}
