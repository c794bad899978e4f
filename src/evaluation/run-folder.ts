import { join } from "node:path";
import { ConfigError } from "../base/errors.ts";
import { readJson, readJsonIfPresent } from "../base/files.ts";
import { canonicalJson } from "../base/hash.ts";
import { readJsonl } from "../base/jsonl.ts";
import {
  type QuestionRow,
  questionRowSchema,
  type RunConfig,
  type RunRecord,
  type RunSummaryFile,
  runConfigSchema,
  runFiles,
  runRecordSchema,
  runSummarySchema,
} from "./run-format.ts";

/** All that a run folder holds. */
export interface LoadedRun {
  folder: string;
  config: RunConfig;
  questions: QuestionRow[];
  /** In the order in which they were answered. */
  records: RunRecord[];
  /** Undefined where the run has never come to an end. */
  summary: RunSummaryFile | undefined;
}

/** Reads a run; one that is still being written is read as far as it goes. */
export async function loadRun(folder: string): Promise<LoadedRun> {
  return {
    folder,
    config: await readJson(join(folder, runFiles.config), runConfigSchema),
    questions: await readJsonl(join(folder, runFiles.questions), questionRowSchema),
    records: await readJsonl(join(folder, runFiles.records), runRecordSchema),
    summary: await readJsonIfPresent(join(folder, runFiles.summary), runSummarySchema),
  };
}

/** Refuses to leave texts out of a run whose answers keep them, and the other way round. */
export function checkTexts(
  [first]: readonly RunRecord[],
  { folder, withoutTexts = false }: { folder: string; withoutTexts?: boolean | undefined },
): void {
  if (!first || (first.texts === undefined) === withoutTexts) return;
  const [difference, remedy] = withoutTexts
    ? ["with their texts, but this call leaves them out", "leave --no-texts away"]
    : ["without their texts, but this call keeps them", "give --no-texts"];
  throw new ConfigError(
    `${folder} holds answers ${difference}; choose another folder with --out, or ${remedy}`,
  );
}

/** The config that a run goes on with: the one on disk, with methods that are new. Another config is a `ConfigError`. */
export function continueConfig(before: RunConfig, now: RunConfig, folder: string): RunConfig {
  const differing = firstDifference(compared(before), compared(now), "");
  if (differing) throw otherConfig(folder, differing);
  const known = new Map(before.methods.map((entry) => [entry.id, entry]));
  for (const entry of now.methods) {
    const other = known.get(entry.id);
    const difference = other && firstDifference(other, entry, entry.id);
    if (difference) throw otherConfig(folder, difference);
  }
  return { ...before, methods: [...before.methods, ...now.methods.filter(({ id }) => !known.has(id))] };
}

function otherConfig(folder: string, [field, before, now]: Difference): ConfigError {
  return new ConfigError(
    `${folder} holds a run with ${field} ${before}, but this call has ${now}; choose another folder with --out, or the same settings`,
  );
}

/** The hash of the start decides; where it is from, older runs do not say. */
function compared({
  methods: _methods,
  environment: _environment,
  initSource: _initSource,
  ...rest
}: RunConfig): unknown {
  return rest;
}

/** A field by its dotted name, with its value before and now. */
type Difference = [string, string, string];

/** The first field in which two JSON values differ. */
function firstDifference(a: unknown, b: unknown, name: string): Difference | undefined {
  if (isRecord(a) && isRecord(b)) {
    for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
      const found = firstDifference(a[key], b[key], name ? `${name}.${key}` : key);
      if (found) return found;
    }
    return undefined;
  }
  const [before, now] = [shown(a), shown(b)];
  return before === now ? undefined : [name, before, now];
}

function shown(value: unknown): string {
  return value === undefined ? "(none)" : canonicalJson(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
