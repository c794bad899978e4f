import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, NotFoundError } from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import { packageRoot } from "../engine/package-root.ts";
import { loadDataset } from "../evaluation/load-dataset.ts";
import { longBenchTasks } from "../evaluation/longbench.ts";
import { checkNames } from "./options.ts";
import type { EvalSource } from "./plan-eval.ts";

/** A dataset of the tables with its corpus. */
export interface EvalSet {
  name: string;
  source: Omit<EvalSource, "seed" | "sample">;
  /** Its texts may be passed on. */
  isShareable: boolean;
}

/** The package's own example, then the paper's datasets in the order of its tables. */
export const setNames = ["atlas", "2wikimultihopqa", "hotpotqa", "popqa", "complexwebquestions"] as const;
export type SetName = (typeof setNames)[number];

/** Names of files, as published or as JSONL; the first in the order of paths counts. */
const filePatterns: Readonly<Record<Exclude<SetName, "atlas">, RegExp>> = {
  "2wikimultihopqa":
    /(^|\/)(2wikimultihopqa[^/]*\.jsonl?|2wikimultihopqa\/dev\.json)(\.gz)?$|^dev\.json(\.gz)?$/i,
  hotpotqa: /(^|\/)hotpot(qa)?(_[^/]*)?\.jsonl?(\.gz)?$/i,
  popqa: /(^|\/)popqa[^/]*\.(tsv|jsonl)(\.gz)?$/i,
  complexwebquestions: /(^|\/)complexwebquestions[^/]*\.jsonl?(\.gz)?$/i,
};
const corpusPattern = /(^|\/)(psgs_w100\.tsv|[^/]*passages[^/]*\.(jsonl|tsv))(\.gz)?$/i;

/** The example corpus of the package: no model knows its invented world. */
const atlasFolder = join(packageRoot, "examples", "atlas");
export const atlas: EvalSet = {
  name: "atlas",
  source: {
    dataset: join(atlasFolder, "questions.jsonl"),
    corpus: [join(atlasFolder, "documents")],
    augmentations: join(atlasFolder, "augmented.jsonl"),
  },
  isShareable: true,
};

/** Finds the datasets of a folder, and its corpus; without a corpus, the questions' own paragraphs are it. */
export async function findSets(
  folder: string | undefined,
  wanted: readonly string[] | undefined,
): Promise<EvalSet[]> {
  checkNames(wanted, { kind: "dataset", known: setNames });
  const paths = folder === undefined ? [] : await filesOf(folder);
  const corpus = paths.find((path) => corpusPattern.test(path));
  const found = setNames.flatMap((name): EvalSet[] => {
    if (name === "atlas") return [atlas];
    const path = paths.find((one) => filePatterns[name].test(one));
    if (path === undefined || folder === undefined) return [];
    const source = {
      dataset: join(folder, path),
      corpus: corpus === undefined ? ("contexts" as const) : [join(folder, corpus)],
    };
    return [{ name, source, isShareable: false }];
  });
  const chosen = found.filter(({ name }) => wanted === undefined || wanted.includes(name));
  const missing = wanted?.find((name) => !chosen.some((set) => set.name === name));
  if (missing !== undefined)
    throw new NotFoundError(
      `${folder ?? "no folder (--data)"} has no file of ${missing}; put its published file or JSONL there, named ${missing}…`,
    );
  return chosen;
}

/** Of datasets whose questions bring the corpus along, those that have no texts: nothing could be retrieved for them. */
export async function setsLackingTexts(sets: readonly EvalSet[]): Promise<EvalSet[]> {
  const found: EvalSet[] = [];
  for (const set of sets) {
    if (set.source.corpus !== "contexts") continue;
    const { questions } = await loadDataset(set.source.dataset, set.source);
    if (questions.every(({ paragraphs }) => paragraphs.length === 0)) found.push(set);
  }
  return found;
}

/** Finds the files of a folder in LongBench's layout, one dataset each, named as LongBench or their maker names them. */
export async function findLongSets(
  folder: string | undefined,
  wanted: readonly string[] | undefined,
): Promise<EvalSet[]> {
  if (folder === undefined)
    throw new ConfigError(
      "memorag needs long texts: give the folder with LongBench's JSONL files (--data), such as narrativeqa.jsonl",
    );
  const sets = (await filesOf(folder)).flatMap((path): EvalSet[] => {
    const [, name] = /(?:^|\/)([^/]+)\.jsonl(?:\.gz)?$/.exec(path) ?? [];
    const isKnown = name !== undefined && (wanted?.includes(name) ?? Object.hasOwn(longBenchTasks, name));
    const source = { dataset: join(folder, path), format: "longbench" as const };
    return isKnown ? [{ name, source, isShareable: false }] : [];
  });
  const missing = wanted?.find((name) => !sets.some((set) => set.name === name));
  if (missing !== undefined || sets.length === 0) {
    const named = missing ?? Object.keys(longBenchTasks).join(", ");
    throw new NotFoundError(
      `${folder} has no file of ${named}; put JSONL in LongBench's layout there, named so`,
    );
  }
  return [...new Map(sets.map((set) => [set.name, set])).values()];
}

/** Paths of the files of a folder and of its folders, in order. */
async function filesOf(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder, { recursive: true });
    return names.filter((name) => name.split("/").length <= 2).sort();
  } catch (error) {
    throw explainSystemError(error, folder);
  }
}
