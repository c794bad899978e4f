/*
 * The numbers of Su et al., Parametric Retrieval Augmented Generation (SIGIR 2025, https://arxiv.org/abs/2501.15915), to be printed beside
 * ours. F1 as fractions; seconds per question. The paper's significance marks are left out.
 */

/** Models of the paper's tables. */
export const paperModels = ["Llama-3.2-1B", "Qwen2.5-1.5B", "Llama-3-8B"] as const;
export type PaperModel = (typeof paperModels)[number];

/** A row by column name. */
export type PaperRow = Readonly<Record<string, number>>;

const columns1 =
  "2wikimultihopqa/comparison 2wikimultihopqa/bridge_comparison 2wikimultihopqa/inference 2wikimultihopqa/compositional 2wikimultihopqa hotpotqa/bridge hotpotqa/comparison hotpotqa popqa complexwebquestions";

/** Table 1: F1 by model and method; columns are `dataset` or `dataset/type`. */
export const paperTable1: Readonly<Record<PaperModel, Readonly<Record<string, PaperRow>>>> = {
  "Llama-3.2-1B": {
    "standard-rag": row(columns1, ".4298 .3032 .2263 .1064 .2520 .2110 .4083 .2671 .1839 .3726"),
    "da-rag": row(columns1, ".3594 .2587 .2266 .0869 .2531 .1716 .3713 .2221 .2012 .3691"),
    flare: row(columns1, ".4013 .2589 .1960 .0823 .2234 .1630 .3784 .1785 .1301 .3173"),
    dragin: row(columns1, ".4556 .3357 .1919 .0901 .2692 .1431 .4015 .1830 .1056 .3900"),
    prag: row(columns1, ".4920 .3994 .2185 .1334 .2764 .1602 .4493 .1999 .2205 .3482"),
    combine: row(columns1, ".5046 .4595 .2399 .1357 .3237 .2282 .4217 .2689 .2961 .4101"),
  },
  "Qwen2.5-1.5B": {
    "standard-rag": row(columns1, ".3875 .3884 .1187 .0568 .2431 .1619 .3713 .2073 .0999 .2823"),
    "da-rag": row(columns1, ".3418 .4015 .1269 .0514 .2156 .1182 .3041 .1683 .1197 .2718"),
    flare: row(columns1, ".1896 .1282 .0852 .0437 .1004 .0750 .1229 .0698 .0641 .1647"),
    dragin: row(columns1, ".2771 .1826 .1025 .0680 .1538 .0801 .1851 .0973 .0548 .1788"),
    prag: row(columns1, ".4529 .4494 .2072 .1372 .3025 .1720 .4623 .2165 .1885 .3280"),
    combine: row(columns1, ".4053 .4420 .1705 .1154 .2627 .2383 .5037 .2942 .2261 .3495"),
  },
  "Llama-3-8B": {
    "standard-rag": row(columns1, ".5843 .4794 .1833 .0991 .3372 .1823 .3493 .2277 .1613 .3545"),
    "da-rag": row(columns1, ".4921 .3344 .1523 .0670 .2396 .1587 .2860 .1996 .2255 .3481"),
    flare: row(columns1, ".4293 .3769 .3086 .1627 .3492 .2493 .4324 .2771 .2393 .3084"),
    dragin: row(columns1, ".5185 .4480 .2664 .1833 .3544 .2618 .6116 .2924 .1772 .3101"),
    prag: row(columns1, ".6353 .5437 .2471 .1992 .3932 .3115 .6557 .3563 .2413 .4541"),
    combine: row(columns1, ".6432 .5556 .3160 .2339 .4258 .4025 .6918 .4559 .3059 .4728"),
  },
};

const sets = "2wikimultihopqa hotpotqa popqa complexwebquestions";

/** Table 2: F1 of P-RAG by the start of its adapters. */
export const paperTable2: Readonly<Record<PaperModel, { random: PaperRow; warm: PaperRow }>> = {
  "Llama-3.2-1B": {
    random: row(sets, ".2764 .1999 .2205 .3482"),
    warm: row(sets, ".3546 .2456 .2035 .4263"),
  },
  "Qwen2.5-1.5B": {
    random: row(sets, ".3025 .2165 .1885 .3280"),
    warm: row(sets, ".3542 .2718 .2418 .5018"),
  },
  "Llama-3-8B": { random: row(sets, ".3932 .3563 .2413 .4541"), warm: row(sets, ".4201 .4499 .2952 .5591") },
};

/** Table 3: F1 of P-RAG by the model that answers and the model that augments; the paper has no rows for Llama-3-8B. */
export const paperTable3: Readonly<Record<PaperModel, Readonly<Record<string, PaperRow>>>> = {
  "Llama-3.2-1B": {
    "Llama-3.2-1B": row(sets, ".2764 .1999 .2205 .3482"),
    "Qwen2.5-1.5B": row(sets, ".2753 .1980 .2340 .3495"),
    "Llama-3-8B": row(sets, ".2748 .1935 .2207 .3498"),
  },
  "Qwen2.5-1.5B": {
    "Llama-3.2-1B": row(sets, ".2974 .2005 .1829 .3183"),
    "Qwen2.5-1.5B": row(sets, ".3025 .2165 .1885 .3280"),
    "Llama-3-8B": row(sets, ".2948 .2161 .2156 .3211"),
  },
  "Llama-3-8B": {},
};

/** Table 4: seconds per question with Llama-3-8B; loading and merging adapters come on top (`updateSeconds`). */
export const paperTable4 = {
  updateSeconds: 0.32,
  seconds: {
    prag: row("2wikimultihopqa complexwebquestions", "2.34 2.07"),
    combine: row("2wikimultihopqa complexwebquestions", "3.08 2.84"),
    "standard-rag": row("2wikimultihopqa complexwebquestions", "3.03 2.82"),
    flare: row("2wikimultihopqa complexwebquestions", "10.14 11.31"),
    dragin: row("2wikimultihopqa complexwebquestions", "14.60 16.21"),
  },
} as const;

/** Figure 3 has no printed numbers; its order, best first, as the paper tells it. */
export const paperFigure3 = "both > without rewrite > without QA > without both";

/** The paper's name of a dataset, told by how ours begins; another name stays as it is. */
export function paperDataset(name: string): string {
  const bare = name.toLowerCase();
  if (bare.startsWith("cwq")) return "complexwebquestions";
  const known = ["2wikimultihopqa", "hotpotqa", "popqa", "complexwebquestions"];
  return known.find((one) => bare.startsWith(one)) ?? name;
}

/** The paper's model that is nearest to one of ours: of the same name, else the smallest. */
export function nearestPaperModel(model: string): PaperModel {
  const bare = model.toLowerCase();
  return paperModels.find((name) => bare.includes(name.toLowerCase())) ?? "Llama-3.2-1B";
}

function row(names: string, values: string): PaperRow {
  const numbers = values.split(" ").map(Number);
  return Object.fromEntries(names.split(" ").map((name, i) => [name, numbers[i]!]));
}

/** A row's number in a column; undefined where the paper has none, whatever our dataset is called. */
export function numberIn(row: PaperRow | undefined, column: string | undefined): number | undefined {
  return row !== undefined && column !== undefined && Object.hasOwn(row, column) ? row[column] : undefined;
}
